import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { baseOf } from '../plugins/network/base.ts'
import { IdSchema } from '../schemas/control.ts'
import { NewOneTimeTokenSchema, OneTimeTokenRequestSchema } from '../schemas/one-time-tokens.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

/** One-time tokens: how a client that cannot send a header comes to a session. */
const routes: FastifyPluginAsyncTypebox<{ config: Config }> = async (app, { config }) => {
  app.post('/api/sessions/:id/one-time-token', {
    schema: {
      summary: 'Create a one-time token',
      description: 'The answer holds the token, which is shown this once, and the two places where it can be used.',
      tags: ['sessions'],
      params: Type.Object({ id: IdSchema }),
      body: Type.Union([OneTimeTokenRequestSchema, Type.Null()]),
      response: { 201: NewOneTimeTokenSchema, ...problems }
    }
  }, async (request, reply) => {
    const { params: { id }, body } = request
    const made = await app.oneTimeTokens.create(id, body ?? {}, baseOf(request, config), actorOf(request))
    return reply.code(201).preventCache().send(made)
  })
}

export default routes
