import type { Config } from '../config.ts'
import type { Policy } from '../plugins/cache/index.ts'
import type { ConnectionSettings } from '../schemas/control.ts'
import { secondsOf, type Freshness } from './freshness.ts'

/** An answer past its freshness is given while a newer one is loaded for as long again, and at most so long. */
const MOST_GRACE_SECONDS = 600

/**
 * How old an answer may be: the connection's word goes before the configuration's, and that before the tool's.
 * @param maxAge seconds, as the caller asked
 */
export function policyOf (
  tool: { name: string, freshness: () => Freshness },
  { caching, ttl_seconds: own }: ConnectionSettings,
  config: Pick<Config, 'caching' | 'cacheTtlSeconds' | 'staleIfErrorSeconds'>,
  maxAge: number | undefined,
  now: Date
): Policy {
  const freshness = config.caching && caching ? own[tool.name] ?? config.cacheTtlSeconds ?? tool.freshness() : 0
  const fresh = secondsOf(freshness, now)
  const policy: Policy = { fresh_seconds: fresh, grace_seconds: 0, stale_seconds: config.staleIfErrorSeconds }
  // Where an event ends its freshness, an answer is wrong after it, and not only old.
  if (typeof freshness === 'number') {
    policy.fresh_age_seconds = fresh
    policy.grace_seconds = Math.min(fresh, MOST_GRACE_SECONDS)
  }
  if (maxAge !== undefined) policy.max_age_seconds = maxAge
  return policy
}
