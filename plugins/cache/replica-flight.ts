import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheEntry, CacheKey, CacheLock } from './driver.ts'
import type { MemoryTier } from './memory.ts'
import { judge, type Policy, type Verdict } from './policy.ts'
import type { Store, Visit } from './store.ts'

/** A value that is kept already, and the tier that had it. */
export interface Found { entry: CacheEntry, tier: 'memory' | 'store', verdict: Exclude<Verdict, 'old'> }

/** The right to load, with what is needed to store what was loaded. */
export interface Turn { visit: Visit, lock: CacheLock | undefined }

export interface Search {
  key: string
  parts: CacheKey
  policy: Policy
  /** True: only a fresh value will do. */
  freshOnly: boolean
  /** False once something was dropped: what the store had before is kept no more. */
  isCurrent: () => boolean
  signal: AbortSignal
}

/**
 * How long a replica may load alone. One that died is waited for so long; one that is slower is no longer waited for,
 * and its fence keeps it from overwriting what came after it.
 */
const LOCK_MS = 5000
const [LEAST_POLL_MS, MOST_POLL_MS] = [25, 100]

/**
 * Looks whether another replica has the value or is loading it, and waits for it there.
 * @returns what was found, or the turn of this replica to load
 * @throws the signal's reason
 */
export async function findOrTakeTurn (
  { key, parts, policy, freshOnly, isCurrent, signal }: Search, memory: MemoryTier, store: Store
): Promise<Found | Turn> {
  const visit = store.visit()
  const startedAt = Date.now()
  const { max_age_seconds: _, ...ageless } = policy

  async function look (): Promise<Found | undefined> {
    const stored = await visit.get(key, parts)
    signal.throwIfAborted()
    const now = Date.now()
    const kept = memory.get(key, now)
    const isNewer = stored && stored.expires_at > now && (!kept || stored.stored_at > kept.stored_at)
    if (isNewer && isCurrent()) memory.set(key, parts, stored)
    const entry = isNewer ? stored : kept
    // What was fetched since this flight began is new enough for whoever asked for a new one.
    const verdict = entry ? judge(entry, entry.stored_at > startedAt ? ageless : policy, now) : 'old'
    if (!entry || verdict === 'old' || (freshOnly && verdict !== 'fresh')) return undefined
    return { entry, tier: isNewer ? 'store' : 'memory', verdict }
  }

  let found = await look()
  while (!found && !visit.failed) {
    const lock = await visit.lock(key, parts, LOCK_MS)
    if (lock) {
      // Whoever held it before may have stored between the look and the lock.
      found = await look().catch(async error => {
        await release(lock)
        throw error
      })
      if (!found) return { visit, lock }
      await release(lock)
    } else if (!visit.failed) {
      await pause(signal)
      found = await look()
    }
  }
  return found ?? { visit, lock: undefined }
}

/** A lock that cannot be given back ends by itself. */
export async function release (lock: CacheLock | undefined): Promise<void> {
  await lock?.release().catch(() => {})
}

async function pause (signal: AbortSignal): Promise<void> {
  const ms = LEAST_POLL_MS + Math.random() * (MOST_POLL_MS - LEAST_POLL_MS)
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}
