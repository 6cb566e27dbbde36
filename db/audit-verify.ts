/** Whether the audit log is what the server wrote. */
import type { Kysely } from 'kysely'
import { readAnchor } from './audit-anchor.ts'
import { GENESIS, hashOf, isSameHead, isSigned, toCanonicalJson, type AuditHead } from './audit-chain.ts'
import type { AuditLogRow, Database } from './types.ts'

/** Why a log is not what was written; docs/audit.md says what each may mean. */
export type BreakReason =
  'missing' | 'edited' | 'misplaced' | 'cut_off' | 'rewritten' | 'below_checkpoint' | 'checkpoint_forged' |
  'anchor_missing' | 'anchor_unsigned' | 'anchor_forged' | 'anchor_behind'

export interface Break {
  /** The first row that is not what was written. */
  seq: number
  reason: BreakReason
}

/** Rows up to `head` are what was written. */
export interface Walk {
  rows: number
  head: AuditHead
  broken: Break | null
}

export interface Verification extends Walk {
  /** The first row that must be there: 1, or the one behind what was pruned. */
  fromSeq: number
}

export interface VerifyOptions {
  /** Places that were noted elsewhere. */
  noted?: readonly AuditHead[]
  signal?: AbortSignal | undefined
}

/** One page is hashed without a pause. */
const PAGE = 500

/**
 * Reads the whole chain in one snapshot, page by page, up to the first row that is not what was written.
 * @throws the signal's reason
 */
export async function verifyChain (
  db: Kysely<Database>, key: Buffer, options: VerifyOptions = {}
): Promise<Verification> {
  if (db.isTransaction) return verifySnapshot(db, key, options)
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
    .execute(trx => verifySnapshot(trx, key, options))
}

async function verifySnapshot (
  trx: Kysely<Database>, key: Buffer, { noted = [], signal }: VerifyOptions
): Promise<Verification> {
  const start = await readStart(trx, key)
  const walk = start.broken ? { rows: 0, ...start } : await walkChain(trx, key, start.head, { noted, signal })
  const broken = walk.broken ?? checkNoted(start.head, walk.head, noted) ?? await checkAnchor(trx, key, walk.head)
  return { fromSeq: start.head.seq + 1, ...walk, broken }
}

/** Where the chain begins: at the newest checkpoint, or at nothing. */
export async function readStart (db: Kysely<Database>, key: Buffer): Promise<Pick<Walk, 'head' | 'broken'>> {
  const rows = await db.selectFrom('audit_checkpoints').select(['seq', 'hash', 'mac']).orderBy('seq').execute()
  const checkpoints = rows.map(row => ({ ...row, seq: Number(row.seq) }))
  const forged = checkpoints.find(checkpoint => !isSigned(key, 'checkpoint', checkpoint))
  if (forged) return { head: GENESIS, broken: { seq: forged.seq, reason: 'checkpoint_forged' } }
  const head = checkpoints.at(-1) ?? GENESIS
  const below = await db.selectFrom('audit_logs').select('seq').where('seq', '<=', String(head.seq))
    .orderBy('seq').limit(1).executeTakeFirst()
  return { head, broken: below ? { seq: Number(below.seq), reason: 'below_checkpoint' } : null }
}

export interface WalkOptions extends VerifyOptions {
  /** The last row to look at. */
  last?: number
}

/** Checks the rows after `head`, one by one. */
export async function walkChain (
  db: Kysely<Database>, key: Buffer, head: AuditHead, { noted = [], signal, last }: WalkOptions
): Promise<Walk> {
  for (let rows = 0; ;) {
    signal?.throwIfAborted()
    let query = db.selectFrom('audit_logs').selectAll().where('seq', '>', String(head.seq)).orderBy('seq').limit(PAGE)
    if (last !== undefined) query = query.where('seq', '<=', String(last))
    const page = await query.execute()
    for (const row of page) {
      const reason = checkRow(key, head, row)
      if (reason) return { rows, head, broken: { seq: head.seq + 1, reason } }
      head = { seq: head.seq + 1, hash: row.hash }
      rows += 1
      if (isRewritten(head, noted)) return { rows, head, broken: { seq: head.seq, reason: 'rewritten' } }
    }
    if (page.length < PAGE) return { rows, head, broken: null }
  }
}

function checkRow (key: Buffer, head: AuditHead, row: AuditLogRow): BreakReason | null {
  if (Number(row.seq) !== head.seq + 1) return 'missing'
  const hash = hashOf(key, row.prev_hash, row.seq, { ...row, details: toCanonicalJson(row.details) })
  if (!row.hash.equals(hash)) return 'edited'
  return row.prev_hash.equals(head.hash) ? null : 'misplaced'
}

const isRewritten = (head: AuditHead, noted: readonly AuditHead[]) =>
  noted.some(note => note.seq === head.seq && !isSameHead(note, head))

function checkNoted (start: AuditHead, head: AuditHead, noted: readonly AuditHead[]): Break | null {
  if (isRewritten(start, noted)) return { seq: start.seq, reason: 'rewritten' }
  return noted.some(({ seq }) => seq > head.seq) ? { seq: head.seq + 1, reason: 'cut_off' } : null
}

async function checkAnchor (db: Kysely<Database>, key: Buffer, head: AuditHead): Promise<Break | null> {
  const anchor = await readAnchor(db)
  const broken = (reason: BreakReason, seq = head.seq) => ({ seq, reason })
  if (!anchor) return broken('anchor_missing')
  if (anchor.mac.length === 0) return broken('anchor_unsigned')
  if (!isSigned(key, 'anchor', anchor)) return broken('anchor_forged')
  if (anchor.seq > head.seq) return broken('cut_off', head.seq + 1)
  if (anchor.seq < head.seq) return broken('anchor_behind', anchor.seq + 1)
  return isSameHead(anchor, head) ? null : broken('rewritten')
}
