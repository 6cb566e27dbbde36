import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { IdSchema, NewSessionSchema, SessionRequestSchema, SessionSchema } from '../schemas/control.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['sessions']
const params = Type.Object({ id: IdSchema })

/** Sessions: what a client presents to use a connection. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.post('/api/connections/:id/session', {
    schema: {
      summary: 'Create a session',
      description: 'The answer holds `access_token`, which is shown this once.',
      tags,
      params,
      body: Type.Union([SessionRequestSchema, Type.Null()]),
      response: { 201: NewSessionSchema, ...problems }
    }
  }, async (request, reply) => {
    const session = await app.sessions.create(request.params.id, request.body ?? {}, actorOf(request))
    return reply.code(201).preventCache().send(session)
  })

  app.get('/api/connections/:id/sessions', {
    schema: {
      summary: 'List a connection\'s sessions',
      tags,
      params,
      response: { 200: Type.Array(SessionSchema), ...problems }
    }
  }, async request => {
    const { id } = await app.connections.get(request.params.id)
    return app.sessions.list(id)
  })

  app.delete('/api/sessions/:id', {
    schema: {
      summary: 'Revoke a session',
      description: 'Its token is refused from now on, and its open streams end.',
      tags,
      params,
      response: { 204: Type.Null({ description: 'Revoked' }), ...problems }
    }
  }, async (request, reply) => {
    await app.sessions.revoke(request.params.id, actorOf(request))
    return reply.code(204).send(null)
  })
}

export default routes
