import type { ReactNode } from 'react'
import { ProblemError } from '../api/problem.ts'
import { useNow } from '../hooks/use-now.ts'
import type { Tone } from './badge.tsx'

export interface NoteProps {
  tone?: Tone
  title?: ReactNode
  children?: ReactNode
}

/** Something to be known before going on. */
export function Note ({ tone = 'info', title, children }: NoteProps) {
  return (
    <div className={`note ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      {title && <strong>{title}</strong>}
      {children}
    </div>
  )
}

/** Why it failed and what to do, in the server's words; nothing where nothing failed. */
export function ErrorNote ({ error }: { error: Error | null | undefined }) {
  if (!error) return null
  if (!(error instanceof ProblemError)) return <Note tone='bad'><p>{error.message}</p></Note>
  const wait = error.body.retry_after_seconds
  return (
    <Note tone='bad'>
      <p>{error.message}</p>
      {wait !== undefined && <Countdown key={error.at} until={error.at + wait * 1000} />}
    </Note>
  )
}

function Countdown ({ until }: { until: number }) {
  const left = Math.max(0, Math.ceil((until - useNow(1000)) / 1000))
  const text = left > 90 ? `${Math.ceil(left / 60)} minutes` : `${left} second${left === 1 ? '' : 's'}`
  // Read out once, not each second.
  return <p aria-live='off'>{left ? `The next try is taken in ${text}.` : 'You can try again now.'}</p>
}
