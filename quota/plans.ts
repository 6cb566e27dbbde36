import type { QuotaPlan } from '../schemas/control.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { QuotaLeft } from '../schemas/receipt.ts'
import type { QuotaWindow } from './types.ts'

/** What the free plan of each provider lets through. */
export const FREE_PLANS: Record<ProviderName, QuotaPlan> = {
  alpaca: { per_minute: 200 },
  polygon: { per_minute: 5 },
  fmp: { per_day: 250 },
  finnhub: { per_second: 30, per_minute: 60 },
  sample: {}
}

/** Whose `X-RateLimit-Limit` is known to be of one minute. */
export const TELLS_PER_MINUTE: ReadonlySet<ProviderName> = new Set(['alpaca', 'finnhub'])

type Per = QuotaLeft['per']

/** How a store counts a window: by buckets, the current one and `span` before it. */
export interface Geometry {
  bucketMs: number
  /** One more than the window has: what a request is late at the provider must not squeeze two into one window. */
  span: number
  /** A session that asked for something within this time has a share of the window. */
  activeMs: number
}

export const GEOMETRY: Record<Per, Geometry> = {
  second: { bucketMs: 100, span: 11, activeMs: 1_000 },
  minute: { bucketMs: 1_000, span: 61, activeMs: 60_000 },
  day: { bucketMs: 600_000, span: 145, activeMs: 3_600_000 }
}

/** What of a window background requests leave to the calls that somebody waits for. */
export const RESERVE = 0.2

export const toReserve = (limit: number) => Math.max(1, Math.ceil(limit * RESERVE))

/** Where a limit comes from: the free plan, the provider's headers, or the connection's settings. */
export type LimitSource = 'plan' | 'learned' | 'set'

export interface Limit extends QuotaWindow {
  source: LimitSource
}

const MEMBERS = { second: 'per_second', minute: 'per_minute', day: 'per_day' } as const

/**
 * The limits that hold: the settings go before what was learned, and that before the free plan. Minutes and days are
 * counted where they have no limit, too.
 */
export function toLimits (provider: ProviderName, learned: QuotaPlan, set: QuotaPlan = {}): Limit[] {
  return (['second', 'minute', 'day'] as const).flatMap(per => {
    const member = MEMBERS[per]
    const sources = [['set', set], ['learned', learned], ['plan', FREE_PLANS[provider]]] as const
    const [source, plan] = sources.find(([, plan]) => plan[member] !== undefined) ?? sources[2]
    const limit = plan[member] ?? null
    return per === 'second' && limit === null ? [] : [{ per, limit, source }]
  })
}

/** Seconds for which a key is left alone that was refused without a word about how long. */
export function toPauseSeconds (limits: readonly Limit[]): number {
  const limited = limits.filter(({ limit }) => limit !== null)
  return limited.length > 0 && limited.every(({ per }) => per === 'day') ? 900 : 60
}
