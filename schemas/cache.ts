/** What the cache holds, and how often it was of use. */
import { Type, type Static } from 'typebox'
import { IdSchema } from './control.ts'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const count = Type.Integer({ minimum: 0 })

const use = {
  /** In the store; null while it does not answer. */
  entries: Nullable(count),
  bytes: Nullable(count),
  /** Calls that were answered, in the last 24 hours. */
  calls: count,
  /** Of them, those out of the cache. */
  hits: count,
  /** Null where nothing was called. */
  hit_ratio: Nullable(Type.Number())
}

export const CacheStatsSchema = Type.Object({
  store: Type.Object({ name: Type.Enum(['redis', 'postgres']), state: Type.Enum(['ok', 'down']) }, strict),
  /** The tier in the process that answers: each replica has its own. */
  memory: Type.Object({ entries: count, bytes: count, limit_bytes: count }, strict),
  ...use,
  by_tool: Type.Array(Type.Object({ tool: Type.String(), ...use }, strict)),
  by_connection: Type.Array(Type.Object({ connection_id: IdSchema, ...use }, strict))
}, strict)
export type CacheStats = Static<typeof CacheStatsSchema>

/** Which entries: those that are all of it; none of it is everything. */
export const CacheFilterSchema = Type.Object({
  connection: Type.Optional(IdSchema),
  session: Type.Optional(IdSchema),
  tool: Type.Optional(Type.String({ pattern: '^[a-z0-9_]{1,40}$' }))
}, strict)
export type CacheFilter = Static<typeof CacheFilterSchema>

export const CacheDroppedSchema = Type.Object({ dropped: count }, strict)
