import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { parseHead } from '../db/audit-chain.ts'
import { problem } from '../errors.ts'
import { CONTENT_TYPES, toText } from '../plugins/audit/export.ts'
import {
  AuditExportSchema, AuditFilterSchema, AuditPageSchema, AuditVerificationSchema, AuditVerifySchema
} from '../schemas/audit.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'
import { signalOf } from './signal.ts'

const StreamSchema = Type.Unsafe<Readable>({ type: 'string' })

/** What happened. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/audit', {
    schema: {
      summary: 'Read the audit log',
      description: 'Newest first. The filters hold together; `cursor` is the `next_cursor` of the page before. To follow ' +
        'the log, send the highest `seq` that you have as `after`: what came since is answered the oldest first. Calls of ' +
        'tools are in the log within a second.',
      tags: ['audit'],
      querystring: AuditFilterSchema,
      response: { 200: AuditPageSchema, ...problems }
    }
  }, request => app.audit.list(toFilter(request.query)))

  app.get('/api/audit/export', {
    config: { proof: true },
    schema: {
      summary: 'Export the audit log',
      description: 'Oldest first, as NDJSON or CSV, each row with its hash. The filters hold together.',
      tags: ['audit'],
      querystring: AuditExportSchema,
      response: {
        200: {
          description: 'The rows',
          content: { 'application/x-ndjson': { schema: StreamSchema }, 'text/csv': { schema: StreamSchema } }
        },
        ...problems
      }
    }
  }, async (request, reply) => {
    const { format = 'ndjson', ...query } = request.query
    const filter = toFilter(query)
    await app.audit.record(app.db, { ...actorOf(request), action: 'audit.export', details: { format, ...query } })
    const name = `audit-${new Date().toISOString().slice(0, 10)}.${format}`
    return reply.type(CONTENT_TYPES[format])
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('cache-control', 'no-store')
      .send(Readable.from(toText(app.audit.export(filter), format)))
  })

  app.get('/api/audit/verify', {
    schema: {
      summary: 'Verify the audit log',
      description: 'Reads the whole chain; one at a time. `head` is `seq:hash` as an earlier answer told it.',
      tags: ['audit'],
      querystring: AuditVerifySchema,
      response: { 200: AuditVerificationSchema, ...problems }
    }
  }, (request, reply) => app.audit.verify({ noted: parseHead(request.query.head), signal: signalOf(reply) }))
}

/** The names of the query as those of the log. */
function toFilter<T extends { since?: string, until?: string }> ({ since, until, ...filter }: T) {
  return { ...filter, from: toInstant('since', since), to: toInstant('until', until) }
}

/** The schema's format allows a leap second, which a Date does not know. */
function toInstant (name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const instant = new Date(text)
  if (Number.isNaN(instant.getTime())) throw problem('INVALID_INPUT', `${name} is not an instant that can be compared.`)
  return instant
}

export default routes
