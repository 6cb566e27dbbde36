/** What a session has used, and what its providers have left. */
import { Type, type Static } from 'typebox'
import { CapabilitySchema, Nullable, ProviderNameSchema } from './market.ts'

const strict = { additionalProperties: false }
const instant = Type.String()

/** What a key was refused for: not asked again until `until`, or until the key is tested or set anew. */
export const RefusalSchema = Type.Object({
  provider: ProviderNameSchema,
  capability: CapabilitySchema,
  /** The path of the provider's API, and where its plan draws the line: `/v2/aggs/*, stock over 2 years`. */
  endpoint: Type.String(),
  /** What the provider said. */
  message: Type.String(),
  learned_at: instant,
  until: instant
}, strict)
export type Refusal = Static<typeof RefusalSchema>

/** The provider's own count, as its last answer told it. */
export const ProviderLimitSchema = Type.Object({
  limit: Nullable(Type.Number()),
  remaining: Nullable(Type.Number()),
  resets_at: Nullable(instant),
  observed_at: instant
}, strict)
export type ProviderLimit = Static<typeof ProviderLimitSchema>

export const QuotaWindowSchema = Type.Object({
  per: Type.Enum(['second', 'minute', 'day']),
  /** Requests with the key that still count, by whoever holds it: a little longer than the window. */
  used: Type.Integer(),
  /** Null: the plan has none. */
  limit: Nullable(Type.Integer()),
  left: Nullable(Type.Integer()),
  /** When the first of them no longer counts; null: none does. */
  frees_at: Nullable(instant),
  /** Of the limit: the free plan, the provider's headers, or the connection's settings. */
  source: Type.Enum(['plan', 'learned', 'set'])
}, strict)

const quota = {
  /** Empty where nothing is sent: there is no key, or the market is the sample. */
  windows: Type.Array(QuotaWindowSchema),
  /** Nothing is sent until then, because the provider refused for its limit. */
  blocked_until: Nullable(instant),
  /** Null: the provider has not said. */
  limit: Nullable(ProviderLimitSchema)
}
export const QuotaUsageSchema = Type.Object(quota, strict)
export type QuotaUsage = Static<typeof QuotaUsageSchema>

export const ProviderUsageSchema = Type.Object({
  provider: ProviderNameSchema,
  has_key: Type.Boolean(),
  ...quota,
  /** At most 10. */
  not_entitled: Type.Array(Type.Omit(RefusalSchema, ['provider']))
}, strict)
export type ProviderUsage = Static<typeof ProviderUsageSchema>

export const CallsPerDaySchema = Type.Object({
  limit: Type.Integer(),
  used: Type.Integer(),
  left: Type.Integer(),
  /** When the first of them no longer counts; null: none does. */
  frees_at: Nullable(instant)
}, strict)
export type CallsPerDay = Static<typeof CallsPerDaySchema>

export const UsageSchema = Type.Object({
  session: Type.Object({
    /** Null: an admin, from outside of any session; the counts are then of all admins. */
    session_id: Nullable(Type.String()),
    /** Since 00:00 UTC. */
    calls_today: Type.Integer(),
    failed_today: Type.Integer(),
    from_cache_today: Type.Integer(),
    /** What the session's scope allows of calls in any 24 hours; null: it sets no limit. */
    calls_per_day: Nullable(CallsPerDaySchema),
    by_tool: Type.Record(Type.String(), Type.Integer()),
    /** Most tokens of one answer; null: no limit. */
    answer_tokens: Nullable(Type.Integer())
  }, strict),
  providers: Type.Array(ProviderUsageSchema)
}, strict)
export type Usage = Static<typeof UsageSchema>
