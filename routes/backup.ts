import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { Type } from 'typebox'
import { sendBackup } from '../db/backup.ts'
import { problem } from '../errors.ts'
import { problems } from '../schemas/problem.ts'
import { VERSION } from '../version.ts'
import { actorOf } from './actor.ts'
import { signalOf } from './signal.ts'

/** Who takes nothing for so long must not keep the database from cleaning up. */
const STALL_MS = 60_000

/** The file of `fmcp backup`. It is never restored over HTTP: that needs a shell, and an empty database. */
const routes: FastifyPluginAsyncTypebox<{ stallMs?: number }> = async (app, { stallMs = STALL_MS }) => {
  let isRunning = false

  app.post('/api/backup', {
    config: { proof: true },
    schema: {
      summary: 'Take a backup',
      description: 'The same file as `fmcp backup` writes, one at a time. It holds no secret in plain, and nothing in it ' +
        'can be opened without the key ring, which is not in it. A download that breaks is told by `fmcp restore`.',
      tags: ['system'],
      response: {
        200: {
          description: 'The backup',
          content: { 'application/gzip': { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) } }
        },
        ...problems
      }
    }
  }, async (request, reply) => {
    if (isRunning) {
      throw problem('OVERLOADED', 'A backup is being taken already. Ask again when that is done.', { retry_after_seconds: 10 })
    }
    isRunning = true
    try {
      await app.audit.record(app.db, { ...actorOf(request), action: 'backup.create' })
    } catch (error) {
      isRunning = false
      throw error
    }
    const out = new PassThrough()
    const signal = signalOf(reply)
    const taken = async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        if (!out.write(chunk)) await once(out, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(stallMs)]) })
      }
    }
    sendBackup(app.db, app.vault.systemKey('audit'), { server: VERSION, signal }, taken)
      .then(() => out.end(), (error: Error) => {
        request.log.warn({ err: error }, 'a backup was not taken to its end')
        out.destroy(error)
      })
      .finally(() => { isRunning = false })
    const name = `fmcp-${new Date().toISOString().slice(0, 10)}.backup`
    return reply.type('application/gzip')
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('cache-control', 'no-store')
      .send(out)
  })
}

export default routes
