import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { clearAdminCookie, type AdminPrincipal } from '../plugins/auth.ts'
import { AdminIdentitySchema, AdminTokenRequestSchema, AdminTokenSchema, IdSchema, NewAdminTokenSchema } from '../schemas/control.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['admin']

/** The admin's own: who it is, its logout, and the tokens that give scripts its access. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/admin', {
    schema: { summary: 'Whom the server takes the caller for', tags, response: { 200: AdminIdentitySchema, ...problems } }
  }, async ({ principal }) => {
    const { name, via, token_id: tokenId = null } = principal as AdminPrincipal
    return { name, via, token_id: tokenId }
  })

  app.post('/api/logout', {
    schema: {
      summary: 'Log out',
      description: 'Ends the browser\'s login. A token is not ended: revoke it instead.',
      tags,
      response: { 204: Type.Null({ description: 'Logged out' }), ...problems }
    }
  }, async (request, reply) => {
    const cookie = request.cookies[app.auth.adminCookie(request).name]
    if (cookie !== undefined) await app.admin.logout(cookie, actorOf(request))
    clearAdminCookie(reply)
    return reply.code(204).send(null)
  })

  app.get('/api/admin-tokens', {
    schema: { summary: 'List the admin tokens', tags, response: { 200: Type.Array(AdminTokenSchema), ...problems } }
  }, () => app.admin.listTokens())

  app.post('/api/admin-tokens', {
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
