/** Calls over time, as they are read. */
import { Type, type Static } from 'typebox'
import { IdSchema, InstantSchema } from './control.ts'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const count = Type.Integer({ minimum: 0 })

const figures = {
  calls: count,
  /** Calls that ended with an error or were cancelled. */
  failed: count,
  /** Calls that were answered out of the cache. */
  hits: count,
  /** Of the calls that were answered; null where none was. */
  hit_ratio: Nullable(Type.Number()),
  /** The time of calls, out of a histogram: between its bounds it is an estimate, and at most 20,000. */
  p50_ms: Nullable(Type.Number()),
  p95_ms: Nullable(Type.Number()),
  /** Of the answers' text: its characters divided by two. */
  tokens_estimated: count
}
export const UsageFiguresSchema = Type.Object(figures, strict)
export type UsageFigures = Static<typeof UsageFiguresSchema>

export const UsageRangeSchema = Type.Enum(['hour', 'day', 'week'])
export type UsageRange = Static<typeof UsageRangeSchema>

export const UsageQuerySchema = Type.Object({
  range: Type.Optional(UsageRangeSchema),
  connection_id: Type.Optional(IdSchema),
  session_id: Type.Optional(IdSchema),
  tool: Type.Optional(Type.String({ pattern: '^[a-z0-9_]{1,40}$' }))
}, strict)
export type UsageQuery = Static<typeof UsageQuerySchema>

export const UsageHistorySchema = Type.Object({
  range: UsageRangeSchema,
  /** Included. */
  from: InstantSchema,
  /** Excluded: the end of the part that is not over yet. */
  to: InstantSchema,
  step_seconds: Type.Integer(),
  total: UsageFiguresSchema,
  /** Every part of the time, the oldest first, also those without a call. */
  series: Type.Array(Type.Object({ at: InstantSchema, ...figures }, strict)),
  /** The busiest first, as the next two. */
  by_tool: Type.Array(Type.Object({ tool: Type.String(), ...figures }, strict)),
  /** At most 100. */
  by_session: Type.Array(Type.Object({
    connection_id: IdSchema,
    /** Null: an admin, from outside of any session. */
    session_id: Nullable(IdSchema),
    /** Null where it has none, or is gone. */
    connection_name: Nullable(Type.String()),
    session_name: Nullable(Type.String()),
    ...figures
  }, strict)),
  /** By code of the errors table, or `cancelled`. */
  errors: Type.Array(Type.Object({ code: Type.String(), calls: count }, strict))
}, strict)
export type UsageHistory = Static<typeof UsageHistorySchema>
