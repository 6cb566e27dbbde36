import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config.ts'
import { problem } from '../../errors.ts'
import type { AdminLogin } from '../admin/index.ts'

type Settings = Pick<Config, 'publicUrl'>

const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]'])
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Logs the browser in with the answer.
 * @throws FORBIDDEN over plain http from elsewhere than localhost
 */
export function setAdminCookie (reply: FastifyReply, login: AdminLogin): void {
  const { name, secure } = reply.server.auth.adminCookie(reply.request)
  reply.setCookie(name, login.cookie, { ...optionsOf(secure), expires: login.expires_at })
  reply.header('cache-control', 'no-store')
}

/** Takes the cookie away from the browser. */
export function clearAdminCookie (reply: FastifyReply): void {
  const { name, secure } = reply.server.auth.adminCookie(reply.request)
  reply.clearCookie(name, optionsOf(secure))
}

/** Which cookie a login over this request has. @throws FORBIDDEN over plain http from elsewhere than localhost */
export function adminCookieOf (request: FastifyRequest, { publicUrl }: Settings): { name: string, secure: boolean } {
  const isPublic = publicUrl !== undefined && new URL(publicUrl).host === request.host.toLowerCase()
  const protocol = isPublic ? new URL(publicUrl).protocol : `${request.protocol}:`
  if (protocol === 'https:') return { name: '__Host-fmcp', secure: true }
  if (LOCAL.has(hostnameOf(request.host))) return { name: 'fmcp', secure: false }
  throw problem('FORBIDDEN', 'Logins need https, or http://localhost. Put a proxy with TLS in front and set PUBLIC_URL.')
}

/**
 * Refuses what another site's page could make the browser send.
 * @throws FORBIDDEN
 */
export function assertOwnPage (request: FastifyRequest, { publicUrl }: Settings): void {
  const { 'sec-fetch-site': site, origin, 'content-type': type = '' } = request.headers
  if (SAFE_METHODS.has(request.method)) {
    // Another port of this host is the same site: the cookie comes along, and an export stands in the audit log.
    if (site === undefined || site === 'same-origin' || site === 'none') return
    throw problem('FORBIDDEN', 'With a cookie only this server\'s own pages may read. A script sends an admin token instead.')
  }
  const own = [`${request.protocol}://${request.host}`, ...publicUrl ? [new URL(publicUrl).origin] : []]
  const isOwn = site === undefined ? origin !== undefined && own.includes(origin) : site === 'same-origin'
  if (!isOwn) throw problem('FORBIDDEN', 'A change by cookie must come from this server\'s own pages. A script sends an admin token instead.')
  if (hasBody(request) && !/^application\/json *(;|$)/i.test(type)) {
    throw problem('FORBIDDEN', 'A change by cookie must be sent as application/json.')
  }
}

function hasBody ({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function optionsOf (secure: boolean): CookieSerializeOptions {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure }
}

function hostnameOf (host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
}
