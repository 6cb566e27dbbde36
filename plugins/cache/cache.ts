import type { FastifyBaseLogger } from 'fastify'
import { problem } from '../../errors.ts'
import type { CacheEntry, CacheKey, CacheScope } from './driver.ts'
import { toKey } from './key.ts'
import type { MemoryTier } from './memory.ts'
import { isNegative, toNegativeEntry, toProblem } from './negative.ts'
import { judge, toEntry, type Policy } from './policy.ts'
import { findOrTakeTurn, release, type Turn } from './replica-flight.ts'
import { createSingleFlight } from './single-flight.ts'
import { passingCode } from './stale.ts'
import type { Store } from './store.ts'

/** What a load answers; `cacheable` false keeps it out of the cache. */
export interface Loaded {
  value: unknown
  cacheable: boolean
  /** Seconds for which this very value is fresh, where that is less than the policy's. */
  fresh_seconds?: number
}

/** @param background nobody waits for it */
export type Load = (signal: AbortSignal, background: boolean) => Promise<Loaded>

export interface Cached {
  value: unknown
  hit: boolean
  /** Seconds since the value was fetched; 0 where it just was. */
  age_seconds: number
  /** When the value was fetched, unix ms. */
  stored_at: number
  /** The tier that had it; absent where it was loaded. */
  tier?: 'memory' | 'store'
  /** Past its freshness: `revalidating`, or the code of the failure that kept a newer one away. */
  stale?: string
}

export interface Cache {
  /**
   * Answers from the cache, or runs `load` once for all who ask the same at once, on every replica. A cache that fails
   * is a miss, never an error.
   * @throws what `load` throws where nothing kept may stand in for it; the signal's reason
   */
  fetch: (key: CacheKey, policy: Policy, load: Load, signal: AbortSignal) => Promise<Cached>
  /** What is kept under the key, without loading it. */
  peek: (key: CacheKey) => Promise<Cached | undefined>
  /** Forgets the process's entries, and what is being loaded or stored at the moment. */
  forget: (scope: CacheScope) => Promise<void>
  close: () => Promise<void>
}

interface Parts {
  memory: MemoryTier
  store: Store
  log: Pick<FastifyBaseLogger, 'debug'>
  /** Longest that a refresh behind an answer may take. */
  deadlineMs: number
}

/** One thing that is asked for. */
interface Question {
  key: string
  parts: CacheKey
  policy: Policy
  load: Load
  /** False once something was dropped after it was asked: its answer may be of what the drop meant. */
  isCurrent: () => boolean
}

export function createCache ({ memory, store, log, deadlineMs }: Parts): Cache {
  const { fly, isFlying, reset } = createSingleFlight<Cached>()
  const writes = new Set<Promise<void>>()
  const refreshes = new Set<AbortController>()
  let drops = 0

  /** Written behind the answer: a slow store costs the caller nothing. The lock is held until it is there. */
  function keep (key: string, parts: CacheKey, entry: CacheEntry, { visit, lock }: Turn): void {
    memory.set(key, parts, entry)
    const write = visit.set(key, parts, entry, lock?.fence).then(() => release(lock))
      .finally(() => writes.delete(write))
    writes.add(write)
  }

  function ask (parts: CacheKey, policy: Policy, load: Load): Question {
    const dropsBefore = drops
    return { key: toKey(parts), parts, policy, load, isCurrent: () => drops === dropsBefore }
  }

  async function loadInto (
    { key, parts, policy, isCurrent }: Question, turn: Turn, load: () => Promise<Loaded>
  ): Promise<Cached> {
    let entry: CacheEntry | undefined
    try {
      const { value, cacheable, fresh_seconds: fresh } = await load()
      const now = Date.now()
      if (cacheable) entry = toEntry(value, policy, fresh, now)
      return { value, hit: false, age_seconds: 0, stored_at: now }
    } catch (error) {
      entry = toNegativeEntry(error, Date.now())
      throw error
    } finally {
      if (entry && isCurrent()) keep(key, parts, entry, turn)
      else release(turn.lock)
    }
  }

  /** One flight: from another replica, or loaded. */
  async function land (question: Question, signal: AbortSignal, background: boolean): Promise<Cached> {
    const { load, ...wanted } = question
    const found = await findOrTakeTurn({ ...wanted, freshOnly: background, signal }, memory, store)
    if ('visit' in found) {
      if (!background || question.isCurrent()) return loadInto(question, found, () => load(signal, background))
      await release(found.lock)
      throw new Error('It was dropped while it waited to be loaded, and nobody waits for it.')
    }
    if (found.verdict === 'fresh') return toHit(found.entry, found.tier)
    refresh(question)
    return { ...toHit(found.entry, found.tier), stale: 'revalidating' }
  }

  /** Loads behind an answer. Its flight is another than that of those who wait: theirs may use the whole quota. */
  function refresh (question: Question): void {
    const name = `refresh ${question.key}`
    if (isFlying(name)) return
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(problem('PROVIDER_TIMEOUT', 'The refresh took too long.')), deadlineMs).unref()
    refreshes.add(controller)
    fly(name, signal => land(question, signal, true), controller.signal)
      .catch(error => log.debug({ err: error, tool: question.parts.tool }, 'an answer could not be refreshed'))
      .finally(() => {
        clearTimeout(timer)
        refreshes.delete(controller)
      })
  }

  /** The caller may have joined a flight that was content with an older value than it is. */
  async function flyUntilNew (question: Question, signal: AbortSignal): Promise<Cached> {
    const { key, policy: { max_age_seconds: maxAge } } = question
    const oldest = maxAge === undefined ? -Infinity : Date.now() - maxAge * 1000
    for (;;) {
      const cached = await fly(key, signal => land(question, signal, false), signal)
      if (!cached.hit || cached.stored_at > oldest) return cached
    }
  }

  /** @throws the failure where nothing kept may stand in for it */
  function standIn (key: string, { stale_seconds: stale }: Policy, failure: unknown): Cached {
    const code = passingCode(failure)
    const now = Date.now()
    const entry = code && memory.get(key, now)
    if (!entry || isNegative(entry.value) || now >= entry.fresh_until + stale * 1000) throw failure
    return { ...toHit(entry, 'memory'), stale: code }
  }

  return {
    async fetch (parts, policy, load, signal) {
      const question = ask(parts, policy, load)
      const { key } = question
      if (policy.fresh_seconds <= 0) {
        return fly(key, async signal => {
          const { value } = await load(signal, false)
          return { value, hit: false, age_seconds: 0, stored_at: Date.now() }
        }, signal)
      }
      const now = Date.now()
      const known = memory.get(key, now)
      if (known) {
        const verdict = judge(known, policy, now)
        if (verdict === 'fresh') return toHit(known, 'memory')
        if (verdict === 'grace') {
          refresh(question)
          return { ...toHit(known, 'memory'), stale: 'revalidating' }
        }
      }
      try {
        return await flyUntilNew(question, signal)
      } catch (error) {
        return standIn(key, policy, error)
      }
    },

    async peek (parts) {
      const key = toKey(parts)
      const dropsBefore = drops
      const kept = memory.get(key, Date.now())
      const entry = kept ?? await store.visit().get(key, parts)
      if (!entry || isNegative(entry.value)) return undefined
      if (!kept && drops === dropsBefore) memory.set(key, parts, entry)
      return toHit(entry, kept ? 'memory' : 'store')
    },

    async forget (scope) {
      drops++
      reset()
      memory.drop(scope)
      await Promise.allSettled(writes)
    },

    async close () {
      for (const controller of refreshes) controller.abort(problem('OVERLOADED', 'The server is stopping.'))
      await Promise.allSettled(writes)
    }
  }
}

/** @throws the failure that the entry keeps */
function toHit ({ value, stored_at: storedAt }: CacheEntry, tier: 'memory' | 'store'): Cached {
  if (isNegative(value)) throw toProblem(value)
  return {
    value,
    hit: true,
    age_seconds: Math.max(0, Math.round((Date.now() - storedAt) / 1000)),
    stored_at: storedAt,
    tier
  }
}
