import type { FastifyBaseLogger } from 'fastify'
import { awake } from '../../awake.ts'
import { isOutage } from '../../db/outage.ts'
import type { HealthState } from '../health.ts'
import { RedisDown } from '../redis.ts'
import type { CacheDriver, CacheEntry, CacheKey, CacheLock, CacheScope } from './driver.ts'

/** The store as one call sees it: after a failure it is not asked again, and everything is undefined. */
export interface Visit {
  readonly failed: boolean
  get: (key: string, parts: CacheKey) => Promise<CacheEntry | undefined>
  set: (key: string, parts: CacheKey, entry: CacheEntry, fence?: number) => Promise<boolean | undefined>
  lock: (key: string, parts: CacheKey, ttlMs: number) => Promise<CacheLock | undefined>
}

/** A driver that nobody waits for: each question ends within 250 ms, and none is asked while it is known to fail. */
export interface Store {
  visit: () => Visit
  /**
   * Answers how many entries went. Where it fails the drop is owed: nothing is read before it is made up for.
   * @throws the driver's error
   */
  drop: (scope: CacheScope) => Promise<number>
  state: () => HealthState
}

const ANSWER_MS = 250
/** Failures in a row after which it is asked once a second only. */
const MOST_FAILURES = 3
const PAUSE_MS = 1000
/** Drops that are owed one by one; beyond them everything goes. */
const MOST_OWED = 100

class StoreDown extends Error {}

export function createStore (driver: CacheDriver, log: Pick<FastifyBaseLogger, 'info' | 'warn'>): Store {
  let failures = 0
  let told = false
  let askAgainAt = 0
  let owed: CacheScope[] = []
  let settling: Promise<void> | undefined
  /** On their way, also where nobody waits for them any more. */
  const sets = new Set<Promise<boolean>>()

  function succeeded (): void {
    if (told) log.info(`the cache's store (${driver.name}) works again`)
    failures = 0
    told = false
  }

  function failed (error: unknown): void {
    failures++
    // That Redis or Postgres is away is theirs to say.
    if (!told && !(error instanceof RedisDown) && !isOutage(error)) {
      told = true
      log.warn({ err: error }, `the cache's store (${driver.name}) fails; answers come from memory and the providers`)
    }
    askAgainAt = Date.now() + PAUSE_MS
  }

  async function ask<T> (question: () => Promise<T>): Promise<T> {
    if (failures >= MOST_FAILURES) {
      if (Date.now() < askAgainAt) throw new StoreDown('The store is away')
      askAgainAt = Date.now() + PAUSE_MS
    }
    try {
      if (owed.length) await awake(ANSWER_MS, settle())
      const answer = await awake(ANSWER_MS, question())
      succeeded()
      return answer
    } catch (error) {
      failed(error)
      throw error
    }
  }

  /** What should have gone while the store was away goes before anything is read. */
  function settle (): Promise<void> {
    settling ??= (async () => {
      while (owed.length) {
        const [scope] = owed
        await dropStored(scope!)
        owed = owed.filter(other => other !== scope)
      }
    })().finally(() => { settling = undefined })
    return settling
  }

  function set (...given: Parameters<CacheDriver['set']>): Promise<boolean> {
    const stored = driver.set(...given).finally(() => sets.delete(stored))
    sets.add(stored)
    return stored
  }

  /** After what is on its way: it would be there again. */
  async function dropStored (scope: CacheScope): Promise<number> {
    await Promise.allSettled(sets)
    return driver.drop(scope)
  }

  function owe (scope: CacheScope): void {
    owed = owed.length < MOST_OWED ? [...owed, scope] : [{}]
  }

  return {
    visit () {
      let isOver = false
      const tryTo = async <T>(question: () => Promise<T>) => {
        if (isOver) return undefined
        try {
          return await ask(question)
        } catch {
          isOver = true
          return undefined
        }
      }
      return {
        get failed () { return isOver },
        get: (key, parts) => tryTo(() => driver.get(key, parts)),
        set: (key, parts, entry, fence) => tryTo(() => set(key, parts, entry, fence)),
        async lock (key, parts, ttlMs) {
          const locking = driver.lock.bind(driver, key, parts, ttlMs)
          let late: Promise<CacheLock | undefined> | undefined
          const lock = await tryTo(() => { late = locking(); return late })
          // Got after all, when nobody waited any more: the others need not wait until it expires.
          if (!lock) late?.then(held => held?.release()).catch(() => {})
          return lock
        }
      }
    },

    async drop (scope) {
      try {
        const dropped = await dropStored(scope)
        succeeded()
        return dropped
      } catch (error) {
        owe(scope)
        failed(error)
        throw error
      }
    },

    state: () => failures ? 'down' : 'ok'
  }
}
