import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { AdminLogin } from '../plugins/admin.ts'
import { setAdminCookie } from '../plugins/auth.ts'
import { LoginRequestSchema, LoginSchema, SetupRequestSchema, SetupStateSchema, type Login } from '../schemas/control.ts'
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
    const login = await app.admin.setup(request.body, actorOf(request))
    setAdminCookie(reply, login)
    return reply.code(201).send(toLogin(login))
  })

  app.post('/api/login', {
    schema: {
      summary: 'Log in',
      description: 'The answer sets a cookie, which is sent by this site\'s own pages only.',
      tags,
      body: LoginRequestSchema,
      response: { 200: LoginSchema, ...problems }
    }
  }, async (request, reply) => {
    const login = await app.admin.login(request.body, actorOf(request))
    setAdminCookie(reply, login)
    return toLogin(login)
  })
}

function toLogin ({ admin: { name }, expires_at: expires }: AdminLogin): Login {
  return { name, expires_at: expires.toISOString() }
}

export default routes
