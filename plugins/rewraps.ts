import fp from 'fastify-plugin'
import { randomUUID } from 'node:crypto'
import { ConfigError } from '../config.ts'
import { beginRewrap, endRewrap, markRewrap, readRewrap } from '../db/key-rewraps.ts'
import { codeOf, isProblem, problem } from '../errors.ts'
import type { RewrapState } from '../schemas/system.ts'
import type { Rewrapped } from '../vault/rewrap.ts'
import type { Actor } from './audit/index.ts'
import type {} from './vault.ts'

export interface Rewraps {
  /**
   * Begins to wrap every key by the primary master key, and does not wait for the end.
   * @throws CONFLICT where a run is under way
   */
  start: (by: Actor) => Promise<RewrapState>
  /**
   * The same, and waits. A run that is under way elsewhere is no hindrance: both do the work of one.
   * @throws what ended it
   */
  run: (by: Actor, onProgress?: (done: number, total: number) => void) => Promise<Rewrapped>
  /** The last run, at whichever replica. */
  read: () => Promise<RewrapState>
}

declare module 'fastify' {
  interface FastifyInstance { rewraps: Rewraps }
}

interface Progress { done: number, total: number }

const MARK_MS = 1000
/** How many failures are named. */
const MOST_NAMED = 10

/** Runs the vault's rewrap with its begin and its end in the audit log, and tells how far it is. */
export default fp(async app => {
  const { db, audit, vault, log } = app
  const running = new Set<Promise<unknown>>()
  const stop = new AbortController()
  app.addHook('onClose', async () => {
    stop.abort(problem('OVERLOADED', 'The server was stopped. Start the run again: it goes on where it stopped.'))
    await Promise.allSettled(running)
  })

  async function begin (by: Actor, takeOver: boolean): Promise<string> {
    const id = randomUUID()
    await db.transaction().execute(async trx => {
      if (!await beginRewrap(trx, { id, by: by.actor, takeOver })) {
        throw problem('CONFLICT', 'The keys are being wrapped already. GET /api/keys/rewrap tells how far it is.')
      }
      await audit.record(trx, { ...by, action: 'keys.rewrap', details: { phase: 'begin' } })
    })
    return id
  }

  /** What is told of the end, and how it ended. */
  async function end (id: string, by: Actor, progress: Progress, ended: Rewrapped | Error): Promise<void> {
    const { failed, kid, ...counts } = ended instanceof Error ? { failed: [], kid: null } : ended
    const outcome = ended instanceof Error ? codeOf(ended) : failed.length ? 'CONFLICT' : 'ok'
    const message = ended instanceof Error ? toMessage(ended) : failed.length ? explainFailed(failed) : null
    await db.transaction().execute(async trx => {
      await endRewrap(trx, id, { outcome, message, failed, ...progress })
      const details = { phase: 'end', ...counts, failed: failed.length }
      await audit.record(trx, { ...by, action: 'keys.rewrap', target: kid, outcome, details })
    })
  }

  async function work (id: string, by: Actor, onProgress: (done: number, total: number) => void): Promise<Rewrapped> {
    const progress: Progress = { done: 0, total: 0 }
    const timer = setInterval(() => {
      markRewrap(db, id, progress).catch((error: unknown) => log.debug({ err: error }, 'a run could not show itself'))
    }, MARK_MS).unref()
    try {
      const result = await vault.rewrap({
        signal: stop.signal,
        onProgress (done, total) {
          Object.assign(progress, { done, total })
          onProgress(done, total)
        }
      })
      await end(id, by, progress, result)
      return result
    } catch (error) {
      await end(id, by, progress, error as Error).catch((failure: unknown) =>
        log.error({ err: failure }, 'the end of a run that wraps keys could not be recorded'))
      throw error
    } finally {
      clearInterval(timer)
    }
  }

  function track<T> (work: Promise<T>): Promise<T> {
    running.add(work)
    work.catch(() => {}).finally(() => running.delete(work))
    return work
  }

  const rewraps: Rewraps = {
    async start (by) {
      const id = await begin(by, false)
      track(work(id, by, () => {})).catch((error: unknown) => log.error({ err: error }, 'keys could not be wrapped anew'))
      return rewraps.read()
    },

    async run (by, onProgress = () => {}) {
      const id = await begin(by, true)
      return track(work(id, by, onProgress))
    },

    async read () {
      const row = await readRewrap(db)
      if (!row) {
        return { state: 'none', started_by: null, started_at: null, ended_at: null, done: 0, total: 0, failed: [], message: null }
      }
      const { outcome, alive, started_by: by, started_at: from, ended_at: to, done, total, failed, message } = row
      return {
        state: outcome !== null ? outcome === 'ok' ? 'done' : 'failed' : alive ? 'running' : 'interrupted',
        started_by: by,
        started_at: from.toISOString(),
        ended_at: to?.toISOString() ?? null,
        done,
        total,
        failed,
        message
      }
    }
  }
  app.decorate('rewraps', rewraps)
}, { name: 'rewraps', dependencies: ['db', 'vault', 'audit'] })

/** What an operator may read of it: the rest is in the log. */
function toMessage (error: Error): string {
  return isProblem(error) || error instanceof ConfigError
    ? error.message
    : 'It failed for a reason that the server\'s log tells. Start it again: it goes on where it stopped.'
}

/** What to do about data keys that do not open. */
export function explainFailed (failed: string[]): string {
  const more = failed.length > MOST_NAMED ? ', …' : ''
  return `${failed.length} data keys do not open, since their rows were changed or moved, and stay as they are. They ` +
    `belong to the connections ${failed.slice(0, MOST_NAMED).join(', ')}${more}. Delete the provider keys of each, run ` +
    '"fmcp keys rotate" on it, and store the keys again.'
}
