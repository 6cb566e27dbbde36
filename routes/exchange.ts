import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ExchangeRequestSchema } from '../schemas/one-time-tokens.ts'
import { problems } from '../schemas/problem.ts'
import { NewSessionSchema } from '../schemas/sessions.ts'
import { actorOf } from './actor.ts'

/** Where a one-time token becomes an access token. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.post('/api/session/exchange', {
    schema: {
      summary: 'Exchange a one-time token',
      description: 'Gives its session a new access token, shown this once; the former one ends. A one-time token is good once.',
      tags: ['sessions'],
      body: ExchangeRequestSchema,
      response: { 200: NewSessionSchema, ...problems }
    }
  }, async (request, reply) => {
    const session = await app.oneTimeTokens.exchange(request.body.token, { ...actorOf(request), ip: request.ip })
    return reply.preventCache().send(session)
  })
}

export default routes
