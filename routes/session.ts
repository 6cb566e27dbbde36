import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problem } from '../errors.ts'
import type { SessionPrincipal } from '../plugins/auth/index.ts'
import { problems } from '../schemas/problem.ts'
import { NewSessionSchema, RotationRequestSchema } from '../schemas/sessions.ts'
import { actorOf } from './actor.ts'

/** What a client may do with its own session. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.post('/api/session/rotate', {
    schema: {
      summary: 'Get a new token for one\'s own session',
      description: 'The answer holds `access_token`, which is shown this once. The former token is taken for ' +
        '`grace_seconds` beside it, and may not be exchanged again.',
      tags: ['sessions'],
      body: Type.Union([RotationRequestSchema, Type.Null()]),
      response: { 200: NewSessionSchema, ...problems }
    }
  }, async (request, reply) => {
    const { session_id: id, previous_expires_at: replaced } = request.principal as SessionPrincipal
    // Whoever still holds the former token must not take the session from who has the new one.
    if (replaced) throw problem('FORBIDDEN', 'This token was replaced: rotate with the new one, or ask the operator to.')
    const { grace_seconds: graceSeconds = 0 } = request.body ?? {}
    const session = await app.sessions.rotate(id, { graceSeconds }, actorOf(request))
    return reply.preventCache().send(session)
  })
}

export default routes
