import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import {
  appendAuditLogs, listAuditLogs, toCanonicalJson, verifyChain, type AuditFields, type AuditFilter, type AuditHead
} from '../db/audit-logs.ts'
import type { AuditLogRow, Database } from '../db/types.ts'
import { createAuditQueue } from './audit-queue.ts'

declare module 'fastify' {
  interface FastifyInstance {
    audit: Audit
  }
}

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

export interface Audit {
  /** Writes the event in the caller's transaction, and fails with it. Call it last: other writers wait meanwhile. */
  record (trx: Kysely<Database>, event: AuditEvent): Promise<void>
  /** Writes the event soon, in a batch. Where 10,000 wait already it is dropped, counted and logged. */
  enqueue (event: AuditEvent): void
  /** Writes what waits. A failure is logged and the rows are kept. */
  flush (): Promise<void>
  /** How many events wait, and how many were dropped since the start. */
  counts (): { waiting: number, dropped: number }
  /** A page, the newest first. */
  list (filter: AuditFilter): Promise<{ items: AuditEntry[], next_cursor: string | null }>
  /** See verifyChain of db/audit-logs.ts. */
  verify (noted?: AuditHead): Promise<number | null>
}

const DEFAULT_LIMIT = 50
const MOST_CHARACTERS = 1_000

export default fp(async app => {
  const key = app.vault.systemKey('audit')
  const append = (events: readonly AuditFields[]) =>
    app.db.transaction().execute(trx => appendAuditLogs(trx, key, events))
  const queue = createAuditQueue(append, app.log)

  app.decorate('audit', {
    async record (trx, event) {
      const fields = [toFields(event)]
      await (trx.isTransaction ? appendAuditLogs(trx, key, fields) : append(fields))
    },
    enqueue: event => queue.add(toFields(event)),
    flush: queue.flush,
    counts: queue.counts,
    async list ({ limit = DEFAULT_LIMIT, ...filter }) {
      const rows = await listAuditLogs(app.db, withoutNul(filter), limit)
      const items = rows.slice(0, limit).map(toEntry)
      return { items, next_cursor: rows.length > limit ? String(items.at(-1)?.seq) : null }
    },
    verify: noted => verifyChain(app.db, key, noted)
  })
  app.addHook('onClose', queue.close)
}, { name: 'audit', dependencies: ['db', 'vault'] })

function toFields (event: AuditEvent): AuditFields {
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
const toText = (text: string) => PLAIN.test(text) ? text : Buffer.from(text.slice(0, MOST_CHARACTERS)).toString().replaceAll('\0', '')
const PLAIN = /^[ -~]{0,1000}$/
const toTextOrNull = (text: string | null | undefined) => text == null ? null : toText(text)

const withoutNul = (filter: AuditFilter): AuditFilter => Object.fromEntries(
  Object.entries(filter).map(([key, value]) => [key, typeof value === 'string' ? toText(value) : value]))

function toEntry ({ seq, time, prev_hash: _previous, hash: _hash, ...row }: AuditLogRow): AuditEntry {
  return { ...row, seq: Number(seq), time: time.toISOString() }
}
