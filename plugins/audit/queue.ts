import type { FastifyBaseLogger } from 'fastify'
import { DatabaseError } from 'pg'

const MOST_WAITING = 10_000
const BATCH = 200
const PAUSE_MS = 1_000

export interface AuditQueue<T> {
  /** Drops it where 10,000 wait. */
  add: (row: T) => void
  /** Writes what waits. A failure is logged and the rows are kept. */
  flush: () => Promise<void>
  close: () => Promise<void>
  counts: () => QueueCounts
}

/** How many wait, and how many were dropped since the start. */
export interface QueueCounts {
  waiting: number
  dropped: number
}

/**
 * Collects rows and writes them in batches, in their order: after the pause, or as soon as 200 wait. While they cannot
 * be written the rows stay and are tried again, with one line in the log when it begins and one when it ends.
 * @param append writes all of the rows or none
 * @param pauseMs how long the first of a batch waits for others
 */
export function createAuditQueue<T extends { action: string }> (
  append: (rows: readonly T[]) => Promise<unknown>, log: FastifyBaseLogger, pauseMs = PAUSE_MS
): AuditQueue<T> {
  const waiting: T[] = []
  let dropped = 0
  let reported = 0
  let failing = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  function add (row: T): void {
    if (waiting.length >= MOST_WAITING) {
      dropped += 1
      return
    }
    waiting.push(row)
    if (waiting.length === BATCH) flush()
    else timer ??= setTimeout(flush, pauseMs).unref()
  }

  function flush (): Promise<void> {
    writing ??= drain().finally(() => {
      writing = undefined
      if (waiting.length > 0) timer ??= setTimeout(flush, PAUSE_MS).unref()
    })
    return writing
  }

  async function drain (): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    try {
      while (waiting.length > 0) await write(waiting.slice(0, BATCH))
    } catch (error) {
      if (!failing) log.error({ err: error, waiting: waiting.length }, 'audit events cannot be written now; they are kept')
      failing = true
      return
    }
    if (failing) log.info({}, 'audit events are written again')
    failing = false
    if (dropped > reported) log.error({ dropped: dropped - reported }, 'audit events were dropped: the queue was full')
    reported = dropped
  }

  async function write (rows: T[]): Promise<void> {
    try {
      await append(rows)
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (rows.length > 1) {
        for (const row of rows) await write([row])
        return
      }
      dropped += 1
      reported += 1
      log.error({ err: error, action: rows[0]?.action }, 'an audit event was dropped: Postgres refuses its values')
    }
    waiting.splice(0, rows.length)
  }

  async function close (): Promise<void> {
    await flush()
    clearTimeout(timer)
    if (waiting.length > 0) log.fatal({ lost: waiting.length }, 'audit events were lost: they could not be written in time')
  }

  return { add, flush, close, counts: () => ({ waiting: waiting.length, dropped }) }
}

/** SQLSTATE 22 (data) and 23 (integrity): the same row would fail forever and hold up the others. */
function isRefusal (error: unknown): boolean {
  return error instanceof DatabaseError && /^2[23]/.test(error.code ?? '')
}
