import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '../errors.ts'
import { AuditFilterSchema, AuditPageSchema } from '../schemas/control.ts'
import { problems } from '../schemas/problem.ts'

/** What happened, newest first. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/audit', {
    schema: {
      summary: 'Read the audit log',
      description: 'Newest first. The filters hold together; `cursor` is the `next_cursor` of the page before.',
      tags: ['audit'],
      querystring: AuditFilterSchema,
      response: { 200: AuditPageSchema, ...problems }
    }
  }, request => {
    const { since, until, ...filter } = request.query
    return app.audit.list({ ...filter, from: toInstant('since', since), to: toInstant('until', until) })
  })
}

/** The schema's format allows a leap second, which a Date does not know. */
function toInstant (name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const instant = new Date(text)
  if (Number.isNaN(instant.getTime())) throw problem('INVALID_INPUT', `${name} is not an instant that can be compared.`)
  return instant
}

export default routes
