import { setTimeout as sleep } from 'node:timers/promises'
import type { ProviderName } from '../schemas/market.ts'
import type { Capability } from './types.ts'

/** How long the providers took lately, as this process saw it. */
export interface Latencies {
  record: (provider: ProviderName, capability: Capability, ms: number) => void
  /** Milliseconds within which 19 of 20 answered; undefined: too few were seen. */
  p95: (provider: ProviderName, capability: Capability) => number | undefined
}

const FEWEST = 20
const MOST = 100

export function createLatencies (): Latencies {
  const seen = new Map<string, number[]>()
  return {
    record (provider, capability, ms) {
      const key = `${provider} ${capability}`
      const times = seen.get(key) ?? []
      seen.set(key, times)
      times.push(ms)
      if (times.length > MOST) times.shift()
    },
    p95 (provider, capability) {
      const times = seen.get(`${provider} ${capability}`) ?? []
      if (times.length < FEWEST) return undefined
      return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1]
    }
  }
}

export type Settled<T> = { value: T } | { error: unknown }

export interface Race<C, T> {
  /** Undefined: there is no other. */
  next: () => Promise<C | undefined>
  run: (contender: C) => Promise<T>
  /** Milliseconds after which the next one is asked too; undefined: only once this one has ended. */
  patienceMs: (contender: C) => number | undefined
  /** What came of it. True: that is enough. What it throws ends the race. */
  settle: (contender: C, result: Settled<T>) => boolean
  /** Another was faster: it is to be ended. */
  giveUp: (contender: C) => void
}

/** Asks one after the other until it is enough; while one is slow, the next beside it. At most two run at a time. */
export async function race<C, T> ({ next, run, patienceMs, settle, giveUp }: Race<C, T>): Promise<void> {
  const running = new Map<C, Promise<{ contender: C, result: Settled<T> }>>()
  let isLast = false

  async function start (): Promise<void> {
    const contender = await next()
    isLast = contender === undefined
    if (contender === undefined) return
    const result = run(contender).then(value => ({ value }), (error: unknown) => ({ error }))
    running.set(contender, result.then(result => ({ contender, result })))
  }

  for (;;) {
    if (!running.size) await start()
    const [slowest] = running.keys()
    if (slowest === undefined) return
    const patience = running.size === 1 && !isLast ? patienceMs(slowest) : undefined
    const first = await firstOf([...running.values()], patience)
    if (!first) {
      // That the next cannot be asked is no reason to lose the answer that is waited for.
      await start().catch(() => { isLast = true })
      continue
    }
    running.delete(first.contender)
    if (!settle(first.contender, first.result)) continue
    for (const other of running.keys()) giveUp(other)
    return
  }
}

/** Undefined where none has ended in time. */
async function firstOf<T> (running: Promise<T>[], patienceMs: number | undefined): Promise<T | undefined> {
  if (patienceMs === undefined) return Promise.race(running)
  const timer = new AbortController()
  const late = sleep(patienceMs, undefined, { signal: timer.signal, ref: false })
  return Promise.race([...running, late]).finally(() => timer.abort())
}
