import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { AdminPrincipal } from '../plugins/auth/index.ts'
import { AdminAccountSchema, AdminRequestSchema, BrowserLoginSchema, EndedLoginsSchema } from '../schemas/admins.ts'
import { IdSchema } from '../schemas/control.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['admin']
const params = Type.Object({ id: IdSchema })

/** All admins, and where they are logged in. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/admins', {
    schema: { summary: 'List the admins', tags, response: { 200: Type.Array(AdminAccountSchema), ...problems } }
  }, () => app.admin.listAdmins())

  app.post('/api/admins', {
    config: { proof: true },
    schema: {
      summary: 'Create an admin',
      tags,
      body: AdminRequestSchema,
      response: { 201: AdminAccountSchema, ...problems }
    }
  }, async (request, reply) => reply.code(201).send(await app.admin.createAdmin(request.body, actorOf(request))))

  app.delete('/api/admins/:id', {
    config: { proof: true },
    schema: {
      summary: 'Delete an admin',
      description: 'Ends its logins. The last admin stays. Admin tokens that it made stay too: revoke them.',
      tags,
      params,
      response: { 204: Type.Null({ description: 'Deleted' }), ...problems }
    }
  }, async (request, reply) => {
    await app.admin.deleteAdmin(request.params.id, actorOf(request))
    return reply.code(204).send(null)
  })

  app.get('/api/admins/:id/logins', {
    schema: {
      summary: 'List an admin\'s logins',
      description: 'Those that have not ended, the last used first.',
      tags,
      params,
      response: { 200: Type.Array(BrowserLoginSchema), ...problems }
    }
  }, ({ params: { id }, principal }) => app.admin.listLogins(id, (principal as AdminPrincipal).login_id))

  app.delete('/api/admins/:id/logins', {
    schema: {
      summary: 'End an admin\'s logins',
      tags,
      params,
      querystring: Type.Object({
        keep_own: Type.Optional(Type.Boolean({ description: 'The caller\'s own login stays' }))
      }, { additionalProperties: false }),
      response: { 200: EndedLoginsSchema, ...problems }
    }
  }, async request => {
    const { login_id: own } = request.principal as AdminPrincipal
    const kept = request.query.keep_own ? own : undefined
    return { ended: await app.admin.endLogins(request.params.id, actorOf(request), kept) }
  })

  app.delete('/api/admins/:id/logins/:login', {
    schema: {
      summary: 'End a login',
      tags,
      params: Type.Object({ id: IdSchema, login: IdSchema }),
      response: { 204: Type.Null({ description: 'Ended' }), ...problems }
    }
  }, async (request, reply) => {
    await app.admin.endLogin(request.params.id, request.params.login, actorOf(request))
    return reply.code(204).send(null)
  })
}

export default routes
