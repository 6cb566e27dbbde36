import fp from 'fastify-plugin'
import { sql, type Kysely } from 'kysely'
import type { Config } from '../../config.ts'
import { lockAuditLog, readAnchor, signAnchor } from '../../db/audit-anchor.ts'
import type { AuditFields, AuditHead } from '../../db/audit-chain.ts'
import { appendAuditLogs, listAuditLogs, readAuditLogs, readLastSeq, type AuditFilter } from '../../db/audit-logs.ts'
import { BrokenChain, pruneAuditLogs } from '../../db/audit-prune.ts'
import { verifyChain } from '../../db/audit-verify.ts'
import type { Database } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import type { AuditVerification } from '../../schemas/audit.ts'
import {
  toEntry, toExported, toFields, toText, type Actor, type AuditEntry, type AuditEvent, type ExportedEntry
} from './event.ts'
import { createAuditMemory } from './memory.ts'
import { createAuditQueue, type QueueCounts } from './queue.ts'
import { startRetention } from './retention.ts'
import { createAuditStream, type AuditStream } from './stream.ts'

export type { Actor, AuditEntry, AuditEvent, ExportedEntry } from './event.ts'

declare module 'fastify' {
  interface FastifyInstance {
    audit: Audit
  }
}

export interface AuditPage extends AuditFilter {
  /** Most rows; default 50. */
  limit?: number | undefined
  /** The `next_cursor` of the page before. */
  cursor?: string | undefined
  /** Rows behind this one, the oldest first. */
  after?: number | undefined
}

export interface Verify {
  /** A place that was noted elsewhere. */
  noted?: AuditHead | undefined
  signal?: AbortSignal | undefined
}

export interface Audit {
  /** Writes the event in the caller's transaction, and fails with it. Call it last: other writers wait meanwhile. */
  record (trx: Kysely<Database>, event: AuditEvent): Promise<void>
  /** Writes the event soon, in a batch. Where 10,000 wait already it is dropped, counted and logged. */
  enqueue (event: AuditEvent): void
  /** Writes what waits. A failure is logged and the rows are kept. */
  flush (): Promise<void>
  /** How many events wait for the database, and how many were dropped since the start. */
  counts (): QueueCounts
  /** The same of the places to which they are copied. */
  copies (): ReturnType<AuditStream['counts']>
  /** A page, the newest first, or with `after` the oldest first. @throws INVALID_INPUT with `cursor` and `after` */
  list (page: AuditPage): Promise<{ items: AuditEntry[], next_cursor: string | null }>
  /** All that fits, the oldest first, up to the last row that stands when it begins. */
  export (filter: AuditFilter): AsyncIterable<ExportedEntry[]>
  /**
   * Reads the whole chain, and compares it with what this process remembers of it. One at a time.
   * @throws OVERLOADED where another one runs, INVALID_INPUT where the noted row is pruned, or the signal's reason
   */
  verify (options?: Verify): Promise<AuditVerification>
  /**
   * Deletes rows older than so many days behind a signed checkpoint, with an event; answers how many.
   * @throws CONFLICT where they are not what was written, unless forced
   */
  prune (days: number, by: Actor, options?: { force?: boolean | undefined }): Promise<number>
  /** Signs the end of the log as it is, with an event, whatever its anchor said. */
  anchor (by: Actor): Promise<void>
}

type AuditConfig = Pick<Config, 'auditRetentionDays' | 'auditFile' | 'auditSyslog'>

const DEFAULT_LIMIT = 50
const MAX_SEQ = String(Number.MAX_SAFE_INTEGER)
const EXPORT_PAGE = 500
const DAY_MS = 86_400_000
const SYSTEM = { actor: 'system' }

export default fp<{ config: AuditConfig }>(async (app, { config }) => {
  const { db, log } = app
  const key = app.vault.systemKey('audit')
  const memory = createAuditMemory(log)
  const stream = createAuditStream(db, config, log)
  /** Transactions that have appended: what they find at the end of the log afterwards is their own. */
  const writers = new WeakSet<Kysely<Database>>()

  async function append (trx: Kysely<Database>, events: readonly AuditFields[]): Promise<AuditHead | undefined> {
    const { before, rows } = await appendAuditLogs(trx, key, events)
    if (!writers.has(trx)) memory.found(before)
    writers.add(trx)
    stream.add(rows)
    return rows.at(-1)
  }
  async function appendAlone (events: readonly AuditFields[]): Promise<void> {
    const head = await db.transaction().execute(trx => append(trx, events))
    if (head) memory.wrote(head)
  }
  const queue = createAuditQueue(appendAlone, log)

  const audit: Audit = {
    async record (trx, event) {
      const fields = [toFields(event)]
      await (trx.isTransaction ? append(trx, fields) : appendAlone(fields))
    },
    enqueue: event => queue.add(toFields(event)),
    flush: queue.flush,
    counts: queue.counts,
    copies: stream.counts,

    async list ({ limit = DEFAULT_LIMIT, cursor, after, ...filter }) {
      if (after !== undefined) {
        if (cursor !== undefined) throw problem('INVALID_INPUT', 'Send cursor to go back in the log, or after to follow it, not both.')
        const range = { after: String(after), last: MAX_SEQ, limit }
        return { items: (await readAuditLogs(db, withoutNul(filter), range)).map(toEntry), next_cursor: null }
      }
      const rows = await listAuditLogs(db, withoutNul(filter), limit, cursor)
      const items = rows.slice(0, limit).map(toEntry)
      return { items, next_cursor: rows.length > limit ? String(items.at(-1)?.seq) : null }
    },

    async * export (filter) {
      await queue.flush()
      const last = await readLastSeq(db)
      for (let after = '0'; ;) {
        const rows = await readAuditLogs(db, withoutNul(filter), { after, last, limit: EXPORT_PAGE })
        if (rows.length > 0) yield rows.map(toExported)
        if (rows.length < EXPORT_PAGE) return
        after = rows.at(-1)!.seq
      }
    },

    verify: oneAtATime(async ({ noted, signal }) => {
      await queue.flush()
      const known = [...noted ? [noted] : [], ...memory.heads()]
      const { fromSeq, rows, head, broken } = await verifyChain(db, key, { noted: known, signal })
      if (noted && !broken && noted.seq < fromSeq - 1) {
        throw problem('INVALID_INPUT',
          `The log begins at row ${fromSeq}: what was noted of row ${noted.seq} cannot be compared with it.`)
      }
      return { ok: !broken, rows, from_seq: fromSeq, head: { seq: head.seq, hash: head.hash.toString('hex') }, broken }
    }),

    async prune (days, by, { force } = {}) {
      const before = new Date(Date.now() - days * DAY_MS)
      const pruneSome = () => db.transaction().execute(async trx => {
        const pruned = await pruneAuditLogs(trx, key, { before, force })
        if (!pruned) return null
        const { rows, upTo } = pruned
        const details = { rows, up_to_seq: upTo, before: before.toISOString(), ...(force && { force }) }
        await audit.record(trx, { ...by, action: 'audit.prune', details })
        return pruned
      })
      for (let rows = 0; ;) {
        const pruned = await pruneSome().catch(explainBreak)
        rows += pruned?.rows ?? 0
        if (!pruned?.hasMore) return rows
      }
    },

    async anchor (by) {
      await db.transaction().execute(async trx => {
        await lockAuditLog(trx)
        const { seq } = await signAnchor(trx, key)
        await audit.record(trx, { ...by, action: 'audit.anchor', details: { seq } })
      })
    }
  }
  await signFirstAnchor()
  app.decorate('audit', audit)

  const retention = config.auditRetentionDays > 0
    ? startRetention({ prune: () => audit.prune(config.auditRetentionDays, SYSTEM), log })
    : async () => {}
  app.addHook('onClose', async () => {
    await retention()
    await queue.close()
    await stream.close()
  })

  /** A migration has no key. A log from before it says up to where nothing but its chain vouches for it. */
  async function signFirstAnchor (): Promise<void> {
    const isUnsigned = async () => (await readAnchor(db))?.mac.length === 0
    if (!await isUnsigned()) return
    await db.transaction().execute(async trx => {
      await lockAuditLog(trx)
      if (!await isUnsigned()) return
      const { seq } = await signAnchor(trx, key)
      const { rows: [had] } = await sql<{ any: boolean }>`
        SELECT EXISTS (SELECT FROM connections) OR EXISTS (SELECT FROM admins) AS any`.execute(trx)
      if (seq > 0 || had?.any) await audit.record(trx, { ...SYSTEM, action: 'audit.anchor', details: { seq } })
    })
  }
}, { name: 'audit', dependencies: ['db', 'vault'] })

function explainBreak (error: unknown): never {
  if (!(error instanceof BrokenChain)) throw error
  throw problem('CONFLICT', `Nothing is deleted: ${error.message}. Look into it (fmcp audit verify), export the log, ` +
    'then prune it with --force.', { cause: error })
}

function oneAtATime<T> (verify: (options: Verify) => Promise<T>): (options?: Verify) => Promise<T> {
  let isRunning = false
  return async (options = {}) => {
    if (isRunning) {
      throw problem('OVERLOADED', 'The audit log is being verified already. Ask again when that is done.',
        { retry_after_seconds: 5 })
    }
    isRunning = true
    return verify(options).finally(() => { isRunning = false })
  }
}

const withoutNul = (filter: AuditFilter): AuditFilter => Object.fromEntries(
  Object.entries(filter).map(([key, value]) => [key, typeof value === 'string' ? toText(value) : value]))
