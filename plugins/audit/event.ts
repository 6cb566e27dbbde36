/** What is told to the audit log, and what it tells. */
import { toCanonicalJson, type AuditFields } from '../../db/audit-chain.ts'
import type { WrittenRow } from '../../db/audit-logs.ts'
import type { AuditLogRow } from '../../db/types.ts'

/** What happened, for the chained log. Never a token, a secret or full arguments. */
export interface AuditEvent {
  /** `<noun>.<verb>`, such as `session.revoke`. */
  action: string
  /** `admin:<name>`, `admin_token:<id>`, `session:<id>`, `cli`, `system`, `anonymous`. */
  actor: string
  /** `ok` where it is not given, or a code of the errors table. */
  outcome?: string
  target?: string | null | undefined
  connection_id?: string | null | undefined
  session_id?: string | null | undefined
  client_name?: string | null | undefined
  client_version?: string | null | undefined
  ip?: string | null | undefined
  request_id?: string | null | undefined
  latency_ms?: number | null | undefined
  /** Facts of the event without secrets. */
  details?: Record<string, unknown>
  /** Now, where it is not given. */
  time?: Date
}

/** Who does something, for the log. */
export interface Actor {
  actor: string
  ip?: string
  request_id?: string
}

export interface AuditEntry extends Omit<AuditLogRow, 'seq' | 'time' | 'prev_hash' | 'hash'> {
  /** Gapless, from 1. */
  seq: number
  /** ISO 8601 UTC. */
  time: string
}

/** As it leaves the server for good: with the row's hash, in hex. */
export interface ExportedEntry extends AuditEntry {
  hash: string
}

const MOST_CHARACTERS = 1_000

export function toFields (event: AuditEvent): AuditFields {
  return {
    time: event.time ?? new Date(),
    actor: toText(event.actor),
    action: toText(event.action),
    target: toTextOrNull(event.target),
    outcome: toText(event.outcome ?? 'ok'),
    connection_id: event.connection_id ?? null,
    session_id: event.session_id ?? null,
    client_name: toTextOrNull(event.client_name),
    client_version: toTextOrNull(event.client_version),
    ip: toTextOrNull(event.ip),
    request_id: toTextOrNull(event.request_id),
    latency_ms: event.latency_ms == null ? null : Math.round(event.latency_ms),
    details: toCanonicalJson(event.details ?? {}, toText)
  }
}

/** A client names itself as it likes: Postgres refuses NUL, UTF-8 has no lone surrogates, and a log line has an end. */
export const toText = (text: string) => PLAIN.test(text)
  ? text
  : Buffer.from(text.slice(0, MOST_CHARACTERS)).toString().replaceAll('\0', '')
const PLAIN = /^[ -~]{0,1000}$/
const toTextOrNull = (text: string | null | undefined) => text == null ? null : toText(text)

export function toEntry ({ prev_hash: _previous, hash: _hash, ...row }: AuditLogRow): AuditEntry {
  return { ...row, seq: Number(row.seq), time: row.time.toISOString() }
}

export const toExported = (row: AuditLogRow): ExportedEntry => ({ ...toEntry(row), hash: row.hash.toString('hex') })

/** The same of a row that was written a moment ago. */
export const writtenToExported = ({ hash, ...row }: WrittenRow): ExportedEntry =>
  ({ ...row, time: row.time.toISOString(), details: JSON.parse(row.details), hash: hash.toString('hex') })
