import type {} from '@fastify/cookie'
import type {} from '@fastify/swagger'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { codeOf, problem } from '../../errors.ts'
import { refusal } from '../../tokens/gate.ts'
import { addProofGuard } from '../admin/proof.ts'
import type { AdminPrincipal } from '../admin/index.ts'
import { adminCookieOf, assertOwnPage } from './cookies.ts'
import { createBearerLimit } from './limit.ts'
import { hasQueryToken, queryTokensOf } from './query.ts'
import type {} from '../limits.ts'
import { baseOf } from '../network/base.ts'
import { assertAddress } from '../sessions/scope.ts'
import type { SessionPrincipal } from '../sessions/index.ts'

export type { AdminPrincipal } from '../admin/index.ts'
export type { SessionPrincipal } from '../sessions/index.ts'
export { clearAdminCookie, setAdminCookie } from './cookies.ts'

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
  /**
   * Lets session tokens in.
   * @throws UNAUTHENTICATED with WWW-Authenticate, FORBIDDEN from an address that the session may not be used from,
   * INVALID_INPUT where a token is sent in two ways, RATE_LIMITED, OVERLOADED
   */
  requireSession: Guard
  /** Lets admin tokens and an admin's own pages in. @throws UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, OVERLOADED */
  requireAdmin: Guard
  /** The cookie of a login over this request. @throws FORBIDDEN over plain http from elsewhere than localhost */
  adminCookie: (request: FastifyRequest) => { name: string, secure: boolean }
}

type Settings = Pick<Config, 'publicUrl' | 'allowQueryTokens'>

export default fp<{ config: Settings }>(async (app, { config }) => {
  const limit = createBearerLimit()
  if (config.allowQueryTokens) app.log.warn(QUERY_TOKENS_WARNING)
  app.decorateRequest('principal', null)

  app.decorate('auth', {
    async requireSession (request, reply) {
      try {
        const principal = await limit(request.ip, async () => app.sessions.verify(sessionTokenOf(request, config)))
        assertAddress(principal, request.ip)
        app.limits.countSession(principal.session_id)
        app.sessions.touch(principal.session_id, { address: request.ip })
        request.principal = principal
        if (hasQueryToken(request)) reply.header('cache-control', 'private, no-store')
      } catch (error) {
        if (codeOf(error) === 'UNAUTHENTICATED') reply.header('www-authenticate', challenge(request, config))
        throw error
      }
    },

    async requireAdmin (request, reply) {
      try {
        if (hasQueryToken(request)) throw refusal(IN_URL)
        if (request.headers.authorization !== undefined) {
          request.principal = await limit(request.ip, async () => app.admin.verifyToken(bearerOf(request)))
          return
        }
        const cookie = request.cookies[adminCookieOf(request, config).name]
        if (cookie === undefined) throw refusal('Log in, or send an admin token.')
        assertOwnPage(request, config)
        request.principal = await app.admin.verifyCookie(cookie)
      } catch (error) {
        if (codeOf(error) === 'UNAUTHENTICATED') reply.header('www-authenticate', isSent(request) ? `Bearer ${INVALID}` : 'Bearer')
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
  addProofGuard(app)
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

const IN_URL = 'No token is taken from this URL. Send it as a header, Authorization: Bearer, and make a new one: this one ' +
  'may stand in the logs of a proxy.'
const TWICE = 'The token is sent in two ways. Send it in the Authorization header alone.'

/** Also logged at the start. */
export const QUERY_TOKENS_WARNING = 'ALLOW_QUERY_TOKENS is on: session tokens are taken from URLs, where proxies, browsers ' +
  'and histories keep them, and which MCP forbids. Turn it off when no client needs it.'

/** @throws UNAUTHENTICATED, or INVALID_INPUT where it is sent in two ways */
function sessionTokenOf (request: FastifyRequest, { allowQueryTokens }: Settings): string {
  const [token, ...more] = queryTokensOf(request)
  if (token === undefined) return bearerOf(request)
  if (more.length || request.headers.authorization !== undefined) throw problem('INVALID_INPUT', TWICE)
  if (!allowQueryTokens) throw refusal(IN_URL)
  return token
}

/** Whether a token came at all: RFC 6750 names an error only then. */
const isSent = (request: FastifyRequest) => hasQueryToken(request) || /^bearer /i.test(request.headers.authorization ?? '')

const INVALID = 'error="invalid_token"'
/** Routes of the resource `/mcp`; all others are of the server's own. */
const MCP_ROUTES = new Set(['/mcp', '/messages'])

function challenge (request: FastifyRequest, config: Settings): string {
  const path = MCP_ROUTES.has(request.routeOptions.url ?? '') ? '/mcp' : ''
  const metadata = `Bearer resource_metadata="${baseOf(request, config)}/.well-known/oauth-protected-resource${path}"`
  return isSent(request) ? `${metadata}, ${INVALID}` : metadata
}
