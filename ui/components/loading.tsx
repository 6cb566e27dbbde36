import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { Note } from './note.tsx'

/** Grey lines in the place of what is on its way, so that nothing moves when it comes. */
export function Skeleton ({ lines = 3, className = '' }: { lines?: number, className?: string }) {
  return (
    <div className={`skeleton ${className}`} aria-hidden>
      {Array.from({ length: lines }, (_, line) => <span key={line} />)}
    </div>
  )
}

export function PageSkeleton () {
  return (
    <div role='status' aria-label='The page is being loaded'>
      <Skeleton className='of-page' lines={8} />
    </div>
  )
}

/** An answer of the server, as far as it has come. */
export interface Asked<T> {
  data: T | undefined
  isError: boolean
  error: Error | null
  isFetching: boolean
  refetch: () => unknown
}

export interface LoadedProps<T> {
  query: Asked<T>
  /** Stands in its place until it is there. */
  skeleton?: ReactNode
  children: (data: T) => ReactNode
}

/** What the server was asked for: on its way, refused, or there. What was there once stays while it is asked anew. */
export function Loaded<T> ({ query, skeleton = <Skeleton />, children }: LoadedProps<T>) {
  if (query.data !== undefined) return children(query.data)
  if (query.isError) {
    return (
      <Note tone='bad' title='This could not be read'>
        <p>{query.error?.message}</p>
        <Button size='small' pending={query.isFetching} onClick={() => query.refetch()}>Try again</Button>
      </Note>
    )
  }
  return <div role='status' aria-label='Loading'>{skeleton}</div>
}

/** A list with nothing in it: why, and how something comes into it. */
export function Empty ({ title, children }: { title: string, children?: ReactNode }) {
  return (
    <div className='empty'>
      <strong>{title}</strong>
      {children}
    </div>
  )
}
