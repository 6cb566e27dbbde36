import { sql, type Kysely } from 'kysely'
import { lockAuditLog, readAuditEnd } from './audit-anchor.ts'
import { hashOf, signHead, type AuditFields, type AuditHead } from './audit-chain.ts'
import type { AuditLogRow, Database } from './types.ts'

/** Which rows; what is given must hold together. */
export interface AuditFilter {
  connection_id?: string | undefined
  session_id?: string | undefined
  actor?: string | undefined
  target?: string | undefined
  action?: string | undefined
  outcome?: string | undefined
  /** First instant, inclusive. */
  from?: Date | undefined
  /** Last instant, exclusive. */
  to?: Date | undefined
}

/** A row with its place in the chain. */
export interface WrittenRow extends AuditFields, AuditHead {}

/**
 * Appends rows to the chain and moves its anchor. Other writers wait until the transaction ends, so append last. An
 * anchor that is missing or was changed stays as it is, to be found.
 * @param trx a transaction, of which it is a part
 * @returns the end of the chain before, and the rows; they stand only when the transaction has ended well
 */
export async function appendAuditLogs (
  trx: Kysely<Database>, key: Buffer, events: readonly AuditFields[]
): Promise<{ before: AuditHead, rows: WrittenRow[] }> {
  await lockAuditLog(trx)
  const { head: before, mac } = await readAuditEnd(trx, key)
  let head = before
  const rows: WrittenRow[] = []
  const records: object[] = []
  for (const event of events) {
    const seq = head.seq + 1
    const hash = hashOf(key, head.hash, String(seq), event)
    rows.push({ ...event, seq, hash })
    records.push({ ...event, details: JSON.parse(event.details), seq, prev_hash: toHex(head.hash), hash: toHex(hash) })
    head = { seq, hash }
  }
  // One parameter for all rows: two hundred rows of sixteen would be a statement of 3,200.
  await sql`WITH written AS (
      INSERT INTO audit_logs SELECT * FROM json_populate_recordset(NULL::audit_logs, ${JSON.stringify(records)}::json)
    )
    UPDATE audit_anchors SET seq = ${head.seq}, hash = ${head.hash}, mac = ${signHead(key, 'anchor', head)}
    WHERE mac = ${mac}::bytea`.execute(trx)
  return { before, rows }
}

/** As Postgres reads a bytea. */
const toHex = (bytes: Buffer) => `\\x${bytes.toString('hex')}`

/** A page, the newest row first: `limit` rows below `cursor`, and one more where there is a further page. */
export function listAuditLogs (
  db: Kysely<Database>, filter: AuditFilter, limit: number, cursor?: string
): Promise<AuditLogRow[]> {
  const query = select(db, filter).orderBy('seq', 'desc').limit(limit + 1)
  return (cursor === undefined ? query : query.where('seq', '<', cursor)).execute()
}

/** The rows from `after` (excluded) to `last` (included), the oldest first, at most `limit`. */
export function readAuditLogs (
  db: Kysely<Database>, filter: AuditFilter, { after, last, limit }: { after: string, last: string, limit: number }
): Promise<AuditLogRow[]> {
  return select(db, filter).where('seq', '>', after).where('seq', '<=', last).orderBy('seq').limit(limit).execute()
}

/** The number of the last row, `0` where there is none. */
export async function readLastSeq (db: Kysely<Database>): Promise<string> {
  const row = await db.selectFrom('audit_logs').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return row?.seq ?? '0'
}

function select (db: Kysely<Database>, filter: AuditFilter) {
  let query = db.selectFrom('audit_logs').selectAll()
  for (const column of ['connection_id', 'session_id', 'actor', 'target', 'action', 'outcome'] as const) {
    const value = filter[column]
    if (value !== undefined) query = query.where(column, '=', value)
  }
  if (filter.from) query = query.where('time', '>=', filter.from)
  if (filter.to) query = query.where('time', '<', filter.to)
  return query
}

/** One tool's calls by one session. */
export interface CallCount { tool: string, calls: number, failed: number, cached: number }

/** What a session called since 00:00 UTC, by tool; without one, what admins called over the connection. */
export async function countCallsToday (
  db: Kysely<Database>, { connection_id: connectionId, session_id: sessionId }: Pick<AuditLogRow, 'connection_id' | 'session_id'>
): Promise<CallCount[]> {
  const isTheirs = sessionId === null
    ? sql`connection_id = ${connectionId} AND session_id IS NULL`
    : sql`session_id = ${sessionId}`
  const { rows } = await sql<CallCount>`
    SELECT coalesce(target, 'unknown') AS tool, count(*)::int AS calls,
      count(*) FILTER (WHERE outcome <> 'ok')::int AS failed,
      count(*) FILTER (WHERE details->>'cache_hit' = 'true')::int AS cached
    FROM audit_logs
    WHERE ${isTheirs} AND action = 'tool.call'
      AND time >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    GROUP BY 1 ORDER BY 1`.execute(db)
  return rows
}
