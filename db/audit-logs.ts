import { createHmac } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { lengthPrefixed } from '../vault/envelope.ts'
import type { AuditLogRow, Database } from './types.ts'

/** A row before its place in the chain. Strings are well-formed and hold no NUL; `details` is canonical JSON. */
export interface AuditFields extends Omit<AuditLogRow, 'seq' | 'details' | 'prev_hash' | 'hash'> {
  details: string
}

/** Which rows; what is given must hold together. */
export interface AuditFilter {
  connection_id?: string | undefined
  session_id?: string | undefined
  actor?: string | undefined
  action?: string | undefined
  outcome?: string | undefined
  /** First instant, inclusive. */
  from?: Date | undefined
  /** Last instant, exclusive. */
  to?: Date | undefined
  /** Most rows; default 50. */
  limit?: number | undefined
  /** The `next_cursor` of the page before. */
  cursor?: string | undefined
}

/** The last row of the chain, as an operator may have noted it elsewhere. */
export interface AuditHead {
  seq: number
  hash: Buffer
}

const LOCK = 8_421_300_218
const GENESIS: AuditHead = { seq: 0, hash: Buffer.alloc(32) }
const PAGE = 1_000

/**
 * Appends rows to the chain. Other writers wait until the transaction ends, so append last.
 * @param trx a transaction, of which it is a part
 */
export async function appendAuditLogs (
  trx: Kysely<Database>, key: Buffer, events: readonly AuditFields[]
): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(trx)
  let head = await readAuditHead(trx) ?? GENESIS
  const rows = []
  for (const event of events) {
    const seq = head.seq + 1
    const hash = hashOf(key, head.hash, String(seq), event)
    rows.push({ ...event, details: JSON.parse(event.details), seq, prev_hash: head.hash, hash })
    head = { seq, hash }
  }
  // One parameter for all rows: two hundred rows of sixteen would be a statement of 3,200.
  const json = JSON.stringify(rows.map(row => ({ ...row, prev_hash: toHex(row.prev_hash), hash: toHex(row.hash) })))
  await sql`INSERT INTO audit_logs SELECT * FROM json_populate_recordset(NULL::audit_logs, ${json}::json)`.execute(trx)
}

/** As Postgres reads a bytea. */
const toHex = (bytes: Buffer) => `\\x${bytes.toString('hex')}`

/** The last row; null where there is none. */
export async function readAuditHead (db: Kysely<Database>): Promise<AuditHead | null> {
  const row = await db.selectFrom('audit_logs').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1)
    .executeTakeFirst()
  return row ? { seq: Number(row.seq), hash: row.hash } : null
}

/** A page, the newest row first, and one row more where there is a further page. */
export function listAuditLogs (db: Kysely<Database>, filter: AuditFilter, limit: number): Promise<AuditLogRow[]> {
  let query = db.selectFrom('audit_logs').selectAll().orderBy('seq', 'desc').limit(limit + 1)
  for (const column of ['connection_id', 'session_id', 'actor', 'action', 'outcome'] as const) {
    const value = filter[column]
    if (value !== undefined) query = query.where(column, '=', value)
  }
  if (filter.from) query = query.where('time', '>=', filter.from)
  if (filter.to) query = query.where('time', '<', filter.to)
  if (filter.cursor !== undefined) query = query.where('seq', '<', filter.cursor)
  return query.execute()
}

/**
 * Reads the whole chain and answers the first seq that is missing, edited or out of order; null where all is well.
 * Rows cut off at the end show only against a head that was noted elsewhere: a shorter chain is a whole chain too.
 */
export async function verifyChain (db: Kysely<Database>, key: Buffer, noted?: AuditHead): Promise<number | null> {
  let head = GENESIS
  for (;;) {
    const rows = await db.selectFrom('audit_logs').selectAll().where('seq', '>', String(head.seq))
      .orderBy('seq').limit(PAGE).execute()
    for (const row of rows) {
      const seq = head.seq + 1
      if (Number(row.seq) !== seq || !row.prev_hash.equals(head.hash)) return seq
      const hash = hashOf(key, head.hash, row.seq, { ...row, details: toCanonicalJson(row.details) })
      if (!row.hash.equals(hash)) return seq
      head = { seq, hash }
      if (seq === noted?.seq && !noted.hash.equals(hash)) return seq
    }
    if (rows.length < PAGE) break
  }
  return noted && noted.seq > head.seq ? head.seq + 1 : null
}

function hashOf (key: Buffer, previous: Buffer, seq: string, row: AuditFields): Buffer {
  const fields = lengthPrefixed([
    seq, row.time.toISOString(), row.actor, row.action, row.target, row.outcome, row.connection_id, row.session_id,
    row.client_name, row.client_version, row.ip, row.request_id,
    row.latency_ms === null ? null : String(row.latency_ms), row.details
  ])
  return createHmac('sha256', key).update(previous).update(fields).digest()
}

/**
 * JSON with the keys in order: jsonb keeps neither their order nor the way a number was written.
 * @param toText what becomes of each text in it, keys too
 */
export function toCanonicalJson (value: unknown, toText: (text: string) => string = text => text): string {
  if (typeof value === 'string') return JSON.stringify(toText(value))
  if (Array.isArray(value)) return `[${value.map(part => toCanonicalJson(part, toText)).join(',')}]`
  if (value instanceof Date) return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, part]) => part !== undefined)
    .map(([key, part]) => [toText(key), part] as const).sort(([a], [b]) => a < b ? -1 : 1)
  return `{${members.map(([key, part]) => `${JSON.stringify(key)}:${toCanonicalJson(part, toText)}`).join(',')}}`
}

/** One tool's calls by one session. */
export interface CallCount { tool: string, calls: number, failed: number, cached: number }

/** What a session called since 00:00 UTC, by tool. */
export async function countCallsToday (db: Kysely<Database>, sessionId: string): Promise<CallCount[]> {
  const { rows } = await sql<CallCount>`
    SELECT coalesce(target, 'unknown') AS tool, count(*)::int AS calls,
      count(*) FILTER (WHERE outcome <> 'ok')::int AS failed,
      count(*) FILTER (WHERE details->>'cache_hit' = 'true')::int AS cached
    FROM audit_logs
    WHERE session_id = ${sessionId} AND action = 'tool.call'
      AND time >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    GROUP BY 1 ORDER BY 1`.execute(db)
  return rows
}
