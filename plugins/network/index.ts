import cors from '@fastify/cors'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import fp from 'fastify-plugin'
import Fastify, { type FastifyRequest } from 'fastify'
import type { Config } from '../../config.ts'
import { problem } from '../../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True: answers whatever Host is named, as probes by address need it. */
    anyHost?: boolean
  }
}

const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** The name in a Host header, without its port, in lower case. */
const nameOf = (host: string) => host.replace(/:\d*$/, '').toLowerCase()

/** Which Host and Origin are let in; security headers; no cross-origin access. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const publicHost = config.publicUrl ? new URL(config.publicUrl).host : undefined
  const names = new Set([...LOCAL_NAMES, ...config.allowedHosts.map(nameOf), ...publicHost ? [nameOf(publicHost)] : []])
  const origins = new Set(config.allowedOrigins.map(origin => origin.toLowerCase()))
  if (config.publicUrl) origins.add(new URL(config.publicUrl).origin)

  const securityHeaders = await computeSecurityHeaders()
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders)
    // Behind a proxy it is the proxy's to say. Of localhost it would bind every other server there to https.
    if (config.tls && !LOCAL_NAMES.includes(nameOf(request.host))) reply.header('strict-transport-security', HSTS)
  })

  app.addHook('onRequest', async request => {
    const host = isDirect(request) ? soleHeader(request, 'host') : undefined
    if (!request.routeOptions.config.anyHost && (host === undefined || !names.has(nameOf(host)))) {
      throw problem('FORBIDDEN', 'This server does not answer to that Host. The operator can add it to ALLOWED_HOSTS, or set PUBLIC_URL.')
    }
    if (request.headers.origin === undefined) return
    const origin = soleHeader(request, 'origin')?.toLowerCase()
    const own = origin === `http://${host}`.toLowerCase() || origin === `https://${host}`.toLowerCase()
    if (origin === undefined || (!own && !origins.has(origin))) {
      throw problem('FORBIDDEN', 'Pages of that Origin may not call this server. The operator can add it to ALLOWED_ORIGINS.')
    }
  })

  await app.register(cors, { origin: false })
}, { name: 'network' })

const HSTS = 'max-age=31536000'

const HELMET_OPTIONS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      fontSrc: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'self'"]
    }
  },
  referrerPolicy: { policy: 'no-referrer' },
  // Said where the server itself speaks https.
  strictTransportSecurity: false
}

/** What helmet sets, asked once: it is the same for every answer, and dear to make anew for each. */
async function computeSecurityHeaders (): Promise<Record<string, string>> {
  const probe = Fastify()
  await probe.register(helmet, HELMET_OPTIONS)
  probe.get('/', async () => '')
  const { headers } = await probe.inject('/')
  await probe.close()
  const own = new Set(['content-type', 'content-length', 'date', 'connection'])
  const set = Object.entries(headers).filter(([name]) => !own.has(name))
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]))
}

/** Whether the URL is a path. One that names a host as well, as to a proxy, could name another than the Host header. */
const isDirect = ({ raw }: FastifyRequest): boolean => raw.url?.startsWith('/') === true

/** A header's value, or undefined where it is missing or sent more than once. */
function soleHeader ({ raw }: FastifyRequest, name: string): string | undefined {
  const values = raw.rawHeaders.filter((_, i) => i % 2 === 1 && raw.rawHeaders[i - 1]!.toLowerCase() === name)
  return values.length === 1 ? values[0] : undefined
}
