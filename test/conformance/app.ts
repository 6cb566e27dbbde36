import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { loadConfig } from '../../config.ts'
import { problem } from '../../errors.ts'
import mcp, { type McpOptions } from '../../plugins/mcp/index.ts'
import type { Sessions } from '../../plugins/sessions/index.ts'
import network from '../../plugins/network/index.ts'
import type { SessionPrincipal } from '../../plugins/auth/index.ts'
import type { Caller } from '../../plugins/tools/index.ts'
import type { Answer } from '../../tools/answer.ts'
import type { ToolListing } from '../../tools/listing.ts'

export const TOKEN = 'test-token'
export const OTHER_TOKEN = 'other-token'

export type FakeCall = (name: string, args: Record<string, unknown>, caller: Caller) => Promise<Answer>

export interface McpAppOptions extends Partial<McpOptions> {
  call?: FakeCall
  listings?: ToolListing[]
  /** Of the fake sessions; by default nothing ends. */
  hold?: Sessions['hold']
  /** With the network plugin, which refuses foreign Host and Origin headers. */
  checkOrigin?: boolean
}

/** An app that has the MCP plugin on fake `auth` and `tools` plugins, listening on a free port of 127.0.0.1. */
export async function startMcpApp (options: McpAppOptions = {}): Promise<{ app: FastifyInstance, url: URL }> {
  const { call = answerQuote, listings = [LISTING], config = CONFIG, hold = holdForEver, ...others } = options
  const { checkOrigin, ...rest } = others
  const app = Fastify()
  if (checkOrigin) app.register(network, { config: loadConfig({}) })
  app.register(fp(async app => {
    app.decorateRequest('principal', null)
    app.decorate('auth', {
      async requireSession (request: FastifyRequest, reply: FastifyReply) {
        const id = TOKENS[request.headers.authorization ?? '']
        if (!id) {
          reply.header('www-authenticate', 'Bearer')
          throw problem('UNAUTHENTICATED', 'Send a session token as a bearer token.')
        }
        request.principal = toPrincipal(id)
      },
      requireAdmin: async () => { throw problem('FORBIDDEN', 'There are no admins here.') },
      adminCookie: () => ({ name: 'admin', secure: false })
    })
  }, { name: 'auth' }))
  app.register(fp(async app => {
    app.decorate('tools', {
      list: () => listings,
      call: async (name, args, caller) => call(name, args as Record<string, unknown>, caller),
      handOut: () => {}
    })
  }, { name: 'tools' }))
  app.register(fp(async app => {
    const sessions: Pick<Sessions, 'hold' | 'touch'> = { hold, touch: () => {} }
    app.decorate('sessions', sessions as Sessions)
  }, { name: 'sessions' }))
  app.register(fp(async () => {}, { name: 'one-time-tokens' }))
  app.register(fp(async app => {
    app.decorate('bus', { publish: async () => {}, subscribe: () => {}, healthy: () => true, healthyAt: Date.now })
  }, { name: 'bus' }))
  app.register(mcp, { config, ...rest })
  const url = new URL('/mcp', await app.listen({ port: 0, host: '127.0.0.1' }))
  return { app, url }
}

const holdForEver: Sessions['hold'] = async () => () => {}

const CONFIG = { publicUrl: undefined, sseIdleSeconds: 900 }

/** The session of each `Authorization` header that the fake lets in. */
export const TOKENS: Record<string, string> = { [`Bearer ${TOKEN}`]: 'session-1', [`Bearer ${OTHER_TOKEN}`]: 'session-2' }

const toPrincipal = (id: string): SessionPrincipal => ({
  kind: 'session',
  session_id: id,
  connection_id: 'connection-1',
  name: null,
  expires_at: null,
  scope: {},
  token_last_four: 'test',
  previous_expires_at: null
})

export const LISTING: ToolListing = {
  name: 'get_quote',
  title: 'Latest quotes',
  description: 'The latest quote of each symbol.',
  inputSchema: { type: 'object', properties: { symbols: { type: 'array', items: { type: 'string' } } }, required: ['symbols'] },
  outputSchema: { type: 'object', properties: { data: {}, meta: { type: 'object' } }, required: ['data', 'meta'] },
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }
}

/** The answer of a tool that has nothing to do. */
export const answerQuote: FakeCall = async name => {
  if (name !== 'get_quote') throw problem('TOOL_NOT_FOUND', `There is no tool "${name}".`, { suggestions: ['get_quote'] })
  return {
    structured: {
      data: [{ symbol: 'AAPL', price: 191.2 }],
      meta: {
        provider: 'sample',
        as_of: '2026-11-20T21:00:00Z',
        tried: [],
        cache: { hit: true, age_seconds: 12 },
        market: { session: 'closed', next_open: '2026-11-23T14:30:00Z', now: '2026-11-22T12:00:00Z' }
      }
    },
    table: undefined,
    text: 'AAPL 191.2',
    fullText: '{"data":[{"symbol":"AAPL","price":191.2}]}'
  }
}
