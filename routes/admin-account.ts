import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../errors.ts'
import { PROOF_MS } from '../plugins/admin/proof.ts'
import { clearAdminCookie, setAdminCookie, type AdminPrincipal } from '../plugins/auth/index.ts'
import {
  AdminIdentitySchema, PasswordRequestSchema, ProofRequestSchema, ProofSchema, RecoveryCodesSchema, TotpRequestSchema,
  TotpSchema
} from '../schemas/admins.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['admin']
const NO_COOKIE = 'An admin token has no password and no second factor. Log in to change those of an admin.'
const NEW_COOKIE = 'The answer sets a new cookie; the old one is refused from now on.'

/** The caller's own: who it is, its password, its second factor, its logout. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/admin', {
    schema: { summary: 'Whom the server takes the caller for', tags, response: { 200: AdminIdentitySchema, ...problems } }
  }, async ({ principal }) => app.admin.identify(principal as AdminPrincipal))

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

  app.post('/api/admin/proof', {
    schema: {
      summary: 'Prove who is logged in',
      description: `Lets the login do for ten minutes what needs a fresh proof. ${NEW_COOKIE}`,
      tags,
      body: ProofRequestSchema,
      response: { 200: ProofSchema, ...problems }
    }
  }, async (request, reply) => {
    const { login, proved_at: provedAt } = await app.admin.prove(cookieOf(request), request.body, actorOf(request))
    setAdminCookie(reply, login)
    return { proved_until: new Date(provedAt.getTime() + PROOF_MS).toISOString() }
  })

  app.post('/api/admin/password', {
    schema: {
      summary: 'Change the own password',
      description: `Ends all other logins of the admin. ${NEW_COOKIE}`,
      tags,
      body: PasswordRequestSchema,
      response: { 204: Type.Null({ description: 'Changed' }), ...problems }
    }
  }, async (request, reply) => {
    setAdminCookie(reply, await app.admin.changePassword(cookieOf(request), request.body, actorOf(request)))
    return reply.code(204).send(null)
  })

  app.post('/api/admin/totp', {
    config: { proof: true },
    schema: {
      summary: 'Begin to turn the second factor on',
      description: 'The answer is what an authenticator app is given, shown this once. Nothing changes before `confirm`.',
      tags,
      response: { 200: TotpSchema, ...problems }
    }
  }, async (request, reply) => {
    const totp = await app.admin.startTotp(cookieOf(request), actorOf(request))
    return reply.preventCache().send(totp)
  })

  app.post('/api/admin/totp/confirm', {
    schema: {
      summary: 'Turn the second factor on',
      description: 'From now on logins need a code too. Ends all other logins of the admin. The answer holds ' +
        `recovery codes, which are shown this once. ${NEW_COOKIE}`,
      tags,
      body: TotpRequestSchema,
      response: { 200: RecoveryCodesSchema, ...problems }
    }
  }, async (request, reply) => {
    const confirmed = await app.admin.confirmTotp(cookieOf(request), request.body, actorOf(request))
    setAdminCookie(reply, confirmed.login)
    return { recovery_codes: confirmed.recovery_codes }
  })

  app.delete('/api/admin/totp', {
    config: { proof: true },
    schema: {
      summary: 'Turn the second factor off',
      description: `Its recovery codes are gone too. ${NEW_COOKIE}`,
      tags,
      response: { 204: Type.Null({ description: 'Turned off' }), ...problems }
    }
  }, async (request, reply) => {
    setAdminCookie(reply, await app.admin.disableTotp(cookieOf(request), actorOf(request)))
    return reply.code(204).send(null)
  })
}

/** @throws FORBIDDEN where an admin token asks */
function cookieOf (request: FastifyRequest): string {
  const { via } = request.principal as AdminPrincipal
  const cookie = via === 'cookie' ? request.cookies[request.server.auth.adminCookie(request).name] : undefined
  if (cookie === undefined) throw problem('FORBIDDEN', NO_COOKIE)
  return cookie
}

export default routes
