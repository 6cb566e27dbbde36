import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, type ReactNode } from 'react'
import { auth } from '../api/auth.ts'
import { queries } from '../api/queries.ts'
import { Loaded, PageSkeleton } from '../components/loading.tsx'
import { useStore } from '../store.ts'

const Setup = lazy(() => import('../pages/entrance/setup.tsx'))
const Login = lazy(() => import('../pages/entrance/login.tsx'))

/** Who is not logged in sees the way in; the address stays, and with it the page to come back to. */
export function Gate ({ children }: { children: ReactNode }) {
  return useStore(auth) === 'in' ? children : <Entrance />
}

function Entrance () {
  const setup = useQuery(queries.setup())
  return (
    <main className='entrance'>
      <Loaded query={setup} skeleton={<PageSkeleton />}>
        {({ needed }) => (
          <Suspense fallback={<PageSkeleton />}>
            {needed ? <Setup /> : <Login />}
          </Suspense>
        )}
      </Loaded>
    </main>
  )
}
