/** What happened, as it is read. */
import { Type, type Static } from 'typebox'
import { IdSchema, InstantSchema } from './control.ts'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }

export const AuditEntrySchema = Type.Object({
  /** Gapless, from 1. */
  seq: Type.Integer(),
  time: InstantSchema,
  actor: Type.String(),
  action: Type.String(),
  target: Nullable(Type.String()),
  /** `ok`, or a code of the errors table. */
  outcome: Type.String(),
  connection_id: Nullable(IdSchema),
  session_id: Nullable(IdSchema),
  client_name: Nullable(Type.String()),
  client_version: Nullable(Type.String()),
  ip: Nullable(Type.String()),
  request_id: Nullable(Type.String()),
  latency_ms: Nullable(Type.Number()),
  details: Type.Record(Type.String(), Type.Unknown())
}, strict)

const filterText = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))
const filters = {
  action: filterText,
  actor: filterText,
  target: filterText,
  outcome: filterText,
  connection_id: Type.Optional(IdSchema),
  session_id: Type.Optional(IdSchema),
  /** First instant, inclusive. */
  since: Type.Optional(InstantSchema),
  /** Last instant, exclusive. */
  until: Type.Optional(InstantSchema)
}

export const AuditFilterSchema = Type.Object({
  ...filters,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  /** `next_cursor` of the page before. */
  cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })),
  /** Rows behind this one, the oldest first: to follow the log. */
  after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
}, strict)

/** Newest first; with `after` the oldest first. */
export const AuditPageSchema = Type.Object({
  items: Type.Array(AuditEntrySchema),
  /** Null: this was the last page, or the question had `after`. */
  next_cursor: Nullable(Type.String())
}, strict)

export const AuditExportSchema = Type.Object({
  ...filters,
  format: Type.Optional(Type.Enum(['ndjson', 'csv'], { default: 'ndjson' }))
}, strict)
export type AuditFormat = NonNullable<Static<typeof AuditExportSchema>['format']>

export const AuditVerifySchema = Type.Object({
  /** `seq:hash` of a row, noted elsewhere: it must be in the log. */
  head: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}:[0-9a-f]{64}$' }))
}, strict)

/** Whether the log is what the server wrote. */
export const AuditVerificationSchema = Type.Object({
  ok: Type.Boolean(),
  /** How many rows are what was written. */
  rows: Type.Integer(),
  /** The first row that must be there: 1, or the one behind what was pruned. */
  from_seq: Type.Integer(),
  /** The last row that is what was written. */
  head: Type.Object({ seq: Type.Integer(), hash: Type.String() }, strict),
  /** The first row that is not, and why: see docs/audit.md. */
  broken: Nullable(Type.Object({ seq: Type.Integer(), reason: Type.String() }, strict))
}, strict)
export type AuditVerification = Static<typeof AuditVerificationSchema>
