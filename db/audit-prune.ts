/** Old rows go, and a signed checkpoint stands in their place, from which the chain goes on. */
import { sql, type Kysely } from 'kysely'
import { signHead, type AuditHead } from './audit-chain.ts'
import { readStart, walkChain, type Break } from './audit-verify.ts'
import type { Database } from './types.ts'

const LOCK = 8_421_300_219
/** What one transaction reads and deletes stays far below the pool's statement timeout. */
const MOST_ROWS = 10_000

export interface Pruned {
  rows: number
  /** The last row that went. */
  upTo: number
  /** True: there are more to go. */
  hasMore: boolean
}

/** What is to go is not what was written: it stays, to be looked into. */
export class BrokenChain extends Error {
  readonly broken: Break
  constructor (broken: Break) {
    super(`the audit log is broken at row ${broken.seq}: ${broken.reason}`)
    this.broken = broken
  }
}

export interface PruneOptions {
  /** Rows before it go, up to the first one that is not. */
  before: Date
  /** True: even where they are not what was written. */
  force?: boolean | undefined
}

/**
 * Deletes the oldest rows, at most 10,000, and signs where the chain goes on. One replica at a time does it.
 * @returns null where there is nothing to delete, or another replica does it now
 * @throws BrokenChain
 */
export async function pruneAuditLogs (
  trx: Kysely<Database>, key: Buffer, { before, force = false }: PruneOptions
): Promise<Pruned | null> {
  const { rows: [lock] } = await sql<{ taken: boolean }>`
    SELECT pg_try_advisory_xact_lock(${sql.lit(LOCK)}) AS taken`.execute(trx)
  const span = lock?.taken && await findSpan(trx, before)
  if (!span) return null
  const end = force ? await readPlaceBefore(trx, span.last + 1) : await verifyPlace(trx, key, span.last)
  if (!end) return null
  const checkpoint = { ...end, mac: signHead(key, 'checkpoint', end) }
  await trx.insertInto('audit_checkpoints').values(checkpoint)
    .onConflict(conflict => conflict.column('seq').doUpdateSet(checkpoint)).execute()
  await trx.deleteFrom('audit_checkpoints').where('seq', '<>', String(end.seq)).execute()
  const { numDeletedRows } = await trx.deleteFrom('audit_logs').where('seq', '<=', String(end.seq)).executeTakeFirst()
  return { rows: Number(numDeletedRows), upTo: end.seq, hasMore: span.hasMore }
}

/** The rows from the first one to the last before the instant. The newest row of all always stays. */
async function findSpan (trx: Kysely<Database>, before: Date): Promise<{ last: number, hasMore: boolean } | null> {
  const { rows: [row] } = await sql<Record<'first' | 'end', string | null>>`
    SELECT (SELECT min(seq) FROM audit_logs) AS first, coalesce(
      (SELECT seq FROM audit_logs WHERE time >= ${before} ORDER BY seq LIMIT 1),
      (SELECT max(seq) FROM audit_logs)) AS end`.execute(trx)
  if (row?.first == null || row.end === null) return null
  const [first, end] = [Number(row.first), Number(row.end)]
  if (end <= first) return null
  const last = Math.min(end - 1, first + MOST_ROWS - 1)
  return { last, hasMore: last < end - 1 }
}

/** The place of the row, where all rows up to it are what was written. */
async function verifyPlace (trx: Kysely<Database>, key: Buffer, last: number): Promise<AuditHead> {
  const start = await readStart(trx, key)
  const { head, broken } = start.broken ? start : await walkChain(trx, key, start.head, { last })
  if (broken) throw new BrokenChain(broken)
  if (head.seq < last) throw new BrokenChain({ seq: head.seq + 1, reason: 'missing' })
  return head
}

/** What the first row from `seq` on says of the row before it; nobody looks whether that is there. */
async function readPlaceBefore (trx: Kysely<Database>, seq: number): Promise<AuditHead | null> {
  const row = await trx.selectFrom('audit_logs').select(['seq', 'prev_hash']).where('seq', '>=', String(seq))
    .orderBy('seq').limit(1).executeTakeFirst()
  return row ? { seq: Number(row.seq) - 1, hash: row.prev_hash } : null
}
