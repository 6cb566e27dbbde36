/** The signed end of the audit log, by which rows that were cut off behind it show. */
import { sql, type Kysely } from 'kysely'
import { GENESIS, isSigned, signHead, type AuditHead, type SignedHead } from './audit-chain.ts'
import type { Database } from './types.ts'

const LOCK = 8_421_300_218

/** What stands at the end of the log, for who holds its lock. */
export interface AuditEnd {
  /** Where the next row goes. */
  head: AuditHead
  /** The anchor's mac where the anchor is the server's own; null where it is missing or was changed. */
  mac: Buffer | null
}

interface EndRow {
  seq: string | null
  hash: Buffer
  anchor_seq: string | null
  anchor_hash: Buffer
  mac: Buffer
}

/** Other writers wait until the transaction ends. */
export async function lockAuditLog (trx: Kysely<Database>): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(trx)
}

/**
 * The end of the chain. Where the anchor is ahead of the rows, rows were cut off: the chain goes on from the anchor, so
 * that the gap stays for ever.
 */
export async function readAuditEnd (trx: Kysely<Database>, key: Buffer): Promise<AuditEnd> {
  const { rows: [row] } = await sql<EndRow>`
    SELECT last.seq, last.hash, anchor.seq AS anchor_seq, anchor.hash AS anchor_hash, anchor.mac
    FROM (SELECT) AS one
    LEFT JOIN audit_anchors AS anchor ON true
    LEFT JOIN LATERAL (SELECT seq, hash FROM audit_logs ORDER BY seq DESC LIMIT 1) AS last ON true`.execute(trx)
  const last = row?.seq == null ? GENESIS : { seq: Number(row.seq), hash: row.hash }
  if (row?.anchor_seq == null) return { head: last, mac: null }
  const anchor = { seq: Number(row.anchor_seq), hash: row.anchor_hash, mac: row.mac }
  if (!isSigned(key, 'anchor', anchor)) return { head: last, mac: null }
  return { head: anchor.seq < last.seq ? last : { seq: anchor.seq, hash: anchor.hash }, mac: anchor.mac }
}

/** Null where there is none. */
export async function readAnchor (db: Kysely<Database>): Promise<SignedHead | null> {
  const row = await db.selectFrom('audit_anchors').select(['seq', 'hash', 'mac']).executeTakeFirst()
  return row ? { ...row, seq: Number(row.seq) } : null
}

/** Takes the last row for the end, whatever the anchor said. The log must be locked. */
export async function signAnchor (trx: Kysely<Database>, key: Buffer): Promise<AuditHead> {
  const row = await trx.selectFrom('audit_logs').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1)
    .executeTakeFirst()
  const head = row ? { seq: Number(row.seq), hash: row.hash } : GENESIS
  const signed = { ...head, mac: signHead(key, 'anchor', head) }
  await trx.insertInto('audit_anchors').values(signed)
    .onConflict(conflict => conflict.column('id').doUpdateSet(signed)).execute()
  return head
}
