import { createStore } from '../store.ts'
import { BASE } from './base.ts'

const PAUSE_MS = 2000

/** Whether the server answers. While it does not it is asked every two seconds. */
export const link = createStore<'here' | 'away'>('here')

let timer: ReturnType<typeof setTimeout> | undefined

export function lost (): void {
  link.set('away')
  timer ??= setTimeout(ping, PAUSE_MS)
}

export function found (): void {
  clearTimeout(timer)
  timer = undefined
  link.set('here')
}

/** Waits until the server answers. */
export async function answered (): Promise<void> {
  await ping()
  if (link.get() === 'here') return
  await new Promise<void>(resolve => {
    const end = link.subscribe(() => {
      end()
      resolve()
    })
  })
}

async function ping (): Promise<void> {
  timer = undefined
  const isLive = await fetch(`${BASE}/health/live`, { cache: 'no-store' }).then(({ ok }) => ok, () => false)
  if (isLive) found()
  else lost()
}
