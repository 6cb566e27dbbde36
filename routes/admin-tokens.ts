import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AdminTokenRequestSchema, AdminTokenSchema, NewAdminTokenSchema } from '../schemas/admins.ts'
import { IdSchema } from '../schemas/control.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['admin']

/** The tokens that give scripts an admin's access. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/admin-tokens', {
    schema: { summary: 'List the admin tokens', tags, response: { 200: Type.Array(AdminTokenSchema), ...problems } }
  }, () => app.admin.listTokens())

  app.post('/api/admin-tokens', {
    config: { proof: true },
    schema: {
      summary: 'Create an admin token',
      description: 'The answer holds `token`, which is shown this once.',
      tags,
      body: AdminTokenRequestSchema,
      response: { 201: NewAdminTokenSchema, ...problems }
    }
  }, async (request, reply) => {
    const token = await app.admin.createToken(request.body, actorOf(request))
    return reply.code(201).preventCache().send(token)
  })

  app.delete('/api/admin-tokens/:id', {
    schema: {
      summary: 'Revoke an admin token',
      tags,
      params: Type.Object({ id: IdSchema }),
      response: { 204: Type.Null({ description: 'Revoked' }), ...problems }
    }
  }, async (request, reply) => {
    await app.admin.revokeToken(request.params.id, actorOf(request))
    return reply.code(204).send(null)
  })
}

export default routes
