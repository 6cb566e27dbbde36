import type { ReactNode } from 'react'

export type Tone = 'good' | 'bad' | 'warn' | 'info' | 'neutral'

/** A state in one or two words. Its colour says nothing that the words do not. */
export function Badge ({ tone = 'neutral', children }: { tone?: Tone, children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>
}
