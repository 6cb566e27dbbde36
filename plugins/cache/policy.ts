import type { CacheEntry } from './driver.ts'
import { isNegative } from './negative.ts'

/** How old an answer may be, as its tool, its connection and its caller want it. */
export interface Policy {
  /** For how long a value that is loaded now is fresh. 0: neither read nor kept. */
  fresh_seconds: number
  /** The oldest that a kept value may be to be fresh; absent where freshness ends at an instant. */
  fresh_age_seconds?: number
  /** Past freshness, for how long it is still given at once while a newer one is loaded behind it. */
  grace_seconds: number
  /** Past freshness, for how long it stands in where no newer one can be had. */
  stale_seconds: number
  /** Asked for by the caller: an older one is not given, but where no other can be had. 0: none is. */
  max_age_seconds?: number
}

export type Verdict = 'fresh' | 'grace' | 'old'

/** What a kept entry is good for now, by the policy of now: the session may have changed since it was stored. */
export function judge (entry: CacheEntry, policy: Policy, now: number): Verdict {
  const { stored_at: storedAt } = entry
  if (policy.max_age_seconds !== undefined && now - storedAt >= policy.max_age_seconds * 1000) return 'old'
  if (isNegative(entry.value)) return now < entry.fresh_until ? 'fresh' : 'old'
  const freshUntil = policy.fresh_age_seconds === undefined
    ? entry.fresh_until
    : Math.min(entry.fresh_until, storedAt + policy.fresh_age_seconds * 1000)
  if (now < freshUntil) return 'fresh'
  return now < freshUntil + policy.grace_seconds * 1000 ? 'grace' : 'old'
}

/** The entry of a value that was loaded now. */
export function toEntry (value: unknown, policy: Policy, freshSeconds: number | undefined, now: number): CacheEntry {
  const freshUntil = now + Math.min(policy.fresh_seconds, freshSeconds ?? Infinity) * 1000
  const kept = Math.max(policy.grace_seconds, policy.stale_seconds) * 1000
  return { value, stored_at: now, fresh_until: freshUntil, expires_at: freshUntil + kept }
}
