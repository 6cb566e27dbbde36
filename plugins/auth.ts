import type {} from '@fastify/cookie'
import type {} from '@fastify/swagger'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { codeOf, problem } from '../errors.ts'
import { refusal } from '../tokens/gate.ts'
import type { AdminPrincipal } from './admin.ts'
import { adminCookieOf, assertOwnPage } from './auth-cookies.ts'
import { createBearerLimit } from './auth-limit.ts'
import type {} from './limits.ts'
import type { SessionPrincipal } from './sessions.ts'

export type { AdminPrincipal } from './admin.ts'
export type { SessionPrincipal } from './sessions.ts'
export { clearAdminCookie, setAdminCookie } from './auth-cookies.ts'

declare module 'fastify' {
  interface FastifyInstance {
    auth: Auth
  }
  interface FastifyRequest {
    /** Who asks; null in the public scope. */
    principal: SessionPrincipal | AdminPrincipal | null
  }
}

type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

export interface Auth {
  /** Lets session tokens in. @throws UNAUTHENTICATED with WWW-Authenticate, RATE_LIMITED, OVERLOADED */
  requireSession: Guard
  /** Lets admin tokens and an admin's own pages in. @throws UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, OVERLOADED */
  requireAdmin: Guard
  /** The cookie of a login over this request. @throws FORBIDDEN over plain http from elsewhere than localhost */
  adminCookie: (request: FastifyRequest) => { name: string, secure: boolean }
}

type Settings = Pick<Config, 'publicUrl'>

export default fp<{ config: Settings }>(async (app, { config }) => {
  const limit = createBearerLimit()
  app.decorateRequest('principal', null)

  app.decorate('auth', {
    async requireSession (request, reply) {
      try {
        const principal = await limit(request.ip, async () => app.sessions.verify(bearerOf(request)))
        app.limits.countSession(principal.session_id)
        app.sessions.touch(principal.session_id, { address: request.ip })
        request.principal = principal
      } catch (error) {
        if (codeOf(error) === 'UNAUTHENTICATED') reply.header('www-authenticate', challenge(request, config))
        throw error
      }
    },

    async requireAdmin (request, reply) {
      try {
        if (request.headers.authorization !== undefined) {
          request.principal = await limit(request.ip, async () => app.admin.verifyToken(bearerOf(request)))
          return
        }
        const cookie = request.cookies[adminCookieOf(request, config).name]
        if (cookie === undefined) throw refusal('Log in, or send an admin token.')
        assertOwnPage(request, config)
        request.principal = await app.admin.verifyCookie(cookie)
      } catch (error) {
        if (codeOf(error) === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer')
        throw error
      }
    },

    adminCookie: request => adminCookieOf(request, config)
  })
}, { name: 'auth', dependencies: ['limits', 'sessions', 'admin', '@fastify/cookie'] })

/** Makes a scope the sessions': each route that is registered in it from now on asks for a session token. */
export function sessionScope (app: FastifyInstance): void {
  guard(app, app.auth.requireSession, [{ bearerAuth: [] }])
}

/** Makes a scope the admins': each route that is registered in it from now on asks for an admin. */
export function adminScope (app: FastifyInstance): void {
  guard(app, app.auth.requireAdmin, [{ adminToken: [] }, { adminCookie: [] }])
}

function guard (app: FastifyInstance, hook: Guard, security: Record<string, string[]>[]): void {
  app.addHook('onRoute', route => { route.schema = { ...route.schema, security } })
  app.addHook('onRequest', hook)
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i
const MOST_CHARACTERS = 200

/** @throws UNAUTHENTICATED where there is no header, more than one, or another scheme */
function bearerOf ({ headers, raw }: FastifyRequest): string {
  const header = headers.authorization ?? ''
  if (header.length > MOST_CHARACTERS || isRepeated(raw.rawHeaders)) throw refusal()
  const [, token] = BEARER.exec(header) ?? []
  if (!token) throw refusal()
  return token
}

/** Node keeps the first of several: a proxy that reads the last would have checked another token. */
function isRepeated (rawHeaders: string[]): boolean {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization').length > 1
}

const HOST = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i

function challenge (request: FastifyRequest, { publicUrl }: Settings): string {
  if (!publicUrl && !HOST.test(request.host)) throw problem('INVALID_INPUT', 'The Host header is not a host name.')
  const base = publicUrl ?? `${request.protocol}://${request.host}`
  return `Bearer resource_metadata="${base}/.well-known/oauth-protected-resource"`
}
