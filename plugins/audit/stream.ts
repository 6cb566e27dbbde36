import type { FastifyBaseLogger } from 'fastify'
import type { Kysely } from 'kysely'
import { appendFile } from 'node:fs/promises'
import type { Config } from '../../config.ts'
import { lockAuditLog } from '../../db/audit-anchor.ts'
import type { WrittenRow } from '../../db/audit-logs.ts'
import type { Database } from '../../db/types.ts'
import { writtenToExported } from './event.ts'
import { createAuditQueue, type AuditQueue, type QueueCounts } from './queue.ts'
import { createSyslogSink } from './syslog.ts'

/** One event as it leaves the database for another place. */
export interface AuditLine {
  action: string
  time: string
  outcome: string
  /** The whole event, with seq and hash. */
  json: string
}

export interface AuditSink {
  name: 'file' | 'syslog'
  /** Writes all or throws; what is written twice has the same seq and hash. */
  write: (lines: readonly AuditLine[]) => Promise<void>
  close: () => Promise<void>
}

export interface AuditStream {
  /** Rows of a transaction that may still fail. */
  add: (rows: readonly WrittenRow[]) => void
  /** Writes what waits. */
  flush: () => Promise<void>
  close: () => Promise<void>
  /** Of each place: how many wait for it, and how many were dropped since the start. */
  counts: () => Partial<Record<AuditSink['name'], QueueCounts>>
}

const PAUSE_MS = 100

/**
 * Copies each row that this process has written to the file and the syslog server of the configuration, in the order
 * of the chain, once its transaction has ended well. What cannot be written waits, 10,000 rows at each place.
 */
export function createAuditStream (
  db: Kysely<Database>, { auditFile, auditSyslog }: Pick<Config, 'auditFile' | 'auditSyslog'>, log: FastifyBaseLogger
): AuditStream {
  const sinks = [...auditFile ? [createFileSink(auditFile)] : [], ...auditSyslog ? [createSyslogSink(auditSyslog)] : []]
  const outlets = sinks.map(sink => createAuditQueue(sink.write, log.child({ audit_stream: sink.name }), PAUSE_MS))
  const inlet = createAuditQueue<WrittenRow>(async rows => {
    const lines = (await keepStanding(db, rows)).map(toLine)
    for (const line of lines) for (const outlet of outlets) outlet.add(line)
  }, log.child({ audit_stream: 'all' }), PAUSE_MS)
  /** The first fills the others. */
  const each = async (work: (queue: Pick<AuditQueue<never>, 'flush' | 'close'>) => Promise<void>) => {
    await work(inlet)
    await Promise.all(outlets.map(work))
  }

  return {
    add (rows) { if (sinks.length > 0) for (const row of rows) inlet.add(row) },
    flush: () => each(queue => queue.flush()),
    async close () {
      await each(queue => queue.close())
      await Promise.all(sinks.map(sink => sink.close()))
    },
    counts () {
      const { waiting, dropped } = inlet.counts()
      return Object.fromEntries(sinks.map(({ name }, i) => {
        const own = outlets[i]!.counts()
        return [name, { waiting: waiting + own.waiting, dropped: dropped + own.dropped }]
      }))
    }
  }
}

/** The rows whose transactions have ended well. */
async function keepStanding (db: Kysely<Database>, rows: readonly WrittenRow[]): Promise<WrittenRow[]> {
  // Who wrote them held the lock until its transaction ended.
  await lockAuditLog(db)
  const seqs = rows.map(({ seq }) => String(seq))
  const found = await db.selectFrom('audit_logs').select(['seq', 'hash']).where('seq', 'in', seqs).execute()
  const standing = new Set(found.map(({ seq, hash }) => `${seq}:${hash.toString('hex')}`))
  return rows.filter(({ seq, hash }) => standing.delete(`${seq}:${hash.toString('hex')}`))
}

function toLine (row: WrittenRow): AuditLine {
  const entry = writtenToExported(row)
  return { action: row.action, time: entry.time, outcome: row.outcome, json: JSON.stringify(entry) }
}

/** Opened for each batch: a file that logrotate has moved away is made anew without a signal. */
function createFileSink (file: string): AuditSink {
  let isTorn = false
  return {
    name: 'file',
    async write (lines) {
      const text = lines.map(({ json }) => `${json}\n`).join('')
      try {
        await appendFile(file, isTorn ? `\n${text}` : text, { mode: 0o600 })
        isTorn = false
      } catch (error) {
        // A disk that is full may have taken half a line.
        isTorn ||= (error as NodeJS.ErrnoException).syscall === 'write'
        throw error
      }
    },
    async close () {}
  }
}
