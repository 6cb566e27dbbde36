import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import type { AdminLogin, Browser } from '../plugins/admin/index.ts'
import { setAdminCookie } from '../plugins/auth/index.ts'
import { LoginRequestSchema, LoginSchema, SetupRequestSchema, SetupStateSchema, type Login } from '../schemas/admins.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['admin']

/** The ways in: the first admin by the setup code, every later login by password. For the public scope. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/setup', {
    schema: { summary: 'Whether the first admin is still to be made', tags, response: { 200: SetupStateSchema, ...problems } }
  }, async () => ({ needed: await app.admin.needsSetup() }))

  app.post('/api/setup', {
    schema: {
      summary: 'Make the first admin',
      description: 'Takes the one-time code that the server printed at its first start, and logs the admin in.',
      tags,
      body: SetupRequestSchema,
      response: { 201: LoginSchema, ...problems }
    }
  }, async (request, reply) => {
    const login = await app.admin.setup(request.body, actorOf(request), browserOf(request))
    setAdminCookie(reply, login)
    return reply.code(201).send(toLogin(login))
  })

  app.post('/api/login', {
    schema: {
      summary: 'Log in',
      description: 'The answer sets a cookie, which is sent by this site\'s own pages only. An admin with a second ' +
        'factor sends `code` too; without it the answer is 401 with `totp_required`.',
      tags,
      body: LoginRequestSchema,
      response: { 200: LoginSchema, ...problems }
    }
  }, async (request, reply) => {
    const login = await app.admin.login(request.body, actorOf(request), browserOf(request))
    setAdminCookie(reply, login)
    return toLogin(login)
  })
}

/** @throws FORBIDDEN over plain http from elsewhere than localhost, before a password is looked at */
function browserOf (request: FastifyRequest): Browser {
  const { name } = request.server.auth.adminCookie(request)
  return { cookie: request.cookies[name], userAgent: request.headers['user-agent'] }
}

function toLogin ({ admin: { name }, expires_at: expires }: AdminLogin): Login {
  return { name, expires_at: expires.toISOString() }
}

export default routes
