import { QueryClient } from '@tanstack/react-query'
import { auth } from './auth.ts'
import { link } from './link.ts'
import { ProblemError } from './problem.ts'

const RETRIES = 2

/** Everything of the server that the pages show. Stale at once: each page that is opened, and each focus, asks anew. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Without the Internet a server on this machine answers none the less.
      networkMode: 'always',
      staleTime: 1000,
      // What the server says is final. Where it is away, its return makes all of them ask again.
      retry: (count, error) => error instanceof ProblemError && error.body.status >= 500 && count < RETRIES
    }
  }
})

auth.subscribe(() => {
  // Nothing of a login outlives it.
  if (auth.get() !== 'in') queryClient.clear()
})

link.subscribe(() => {
  if (link.get() === 'here') queryClient.invalidateQueries()
})

// A page out of the browser's own history shows what was: it is asked for anew.
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted) queryClient.invalidateQueries()
})
