/** The server itself: what it runs on, and the work that keeps it. */
import { Type, type Static } from 'typebox'
import { CacheStatsSchema } from './cache.ts'
import { IdSchema, InstantSchema } from './control.ts'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const count = Type.Integer({ minimum: 0 })

export const KeyStatusSchema = Type.Object({
  /** Where the ring stands: the variable, or the file; null: there is none. */
  source: Nullable(Type.String()),
  /** The kid that wraps what is new. */
  primary: Nullable(Type.String()),
  keys: Type.Array(Type.Object({
    kid: Type.String(),
    /** `missing`: the ring lacks it. `wrong`: what the ring holds under it opens nothing. */
    state: Type.Enum(['primary', 'in the ring', 'missing', 'wrong']),
    /** How many keys it wraps. */
    data_keys: count,
    system_keys: count
  }, strict))
}, strict)
export type KeyStatus = Static<typeof KeyStatusSchema>

export const RewrapSchema = Type.Object({
  /** `none`: there was no run yet. `interrupted`: the process that ran it is gone; a new run does the rest. */
  state: Type.Enum(['none', 'running', 'done', 'failed', 'interrupted']),
  /** As the audit log names actors. */
  started_by: Nullable(Type.String()),
  started_at: Nullable(InstantSchema),
  ended_at: Nullable(InstantSchema),
  /** Data keys that are wrapped anew, and that were to be. */
  done: count,
  total: count,
  /** Connections whose data key does not open, and stays as it is. */
  failed: Type.Array(IdSchema),
  /** What went wrong and what to do. */
  message: Nullable(Type.String())
}, strict)
export type RewrapState = Static<typeof RewrapSchema>

export const SystemSchema = Type.Object({
  version: Type.String(),
  node: Type.String(),
  /** The process that answers: each replica is another. */
  replica: Type.Object({
    id: IdSchema,
    host: Type.String(),
    started_at: InstantSchema,
    uptime_seconds: count,
    /** Resident memory. */
    memory_bytes: count
  }, strict),
  /** What the server depends on, with a sentence about each. */
  dependencies: Type.Array(Type.Object({
    name: Type.String(), state: Type.Enum(['ok', 'down']), message: Type.String()
  }, strict)),
  database: Type.Object({
    kind: Type.Enum(['embedded', 'external']),
    /** Null while it does not answer, as the next two. */
    version: Nullable(Type.String()),
    size_bytes: Nullable(count),
    /** Those that were run, the oldest first. */
    migrations: Nullable(Type.Array(Type.String()))
  }, strict),
  /** Null: it is not used. */
  redis: Nullable(Type.Object({ version: Nullable(Type.String()) }, strict)),
  /** Null: the server speaks http. */
  tls: Nullable(Type.Object({ expires_at: InstantSchema }, strict)),
  /** Entries, hits and more: `GET /api/cache`. */
  cache: Type.Pick(CacheStatsSchema, ['store', 'memory'], strict),
  /** Null while the database does not answer. */
  keys: Nullable(KeyStatusSchema),
  /** Events that are not written yet, and that were dropped since the start, as the queue was full. */
  audit: Type.Object({ waiting: count, dropped: count }, strict)
}, strict)
export type System = Static<typeof SystemSchema>
