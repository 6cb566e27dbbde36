import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type {} from '../one-time-tokens.ts'
import { sendRpcError } from './body.ts'
import { opensStream } from './sse.ts'
import type { createSseStreams } from './sse-streams.ts'

const METHOD_NOT_ALLOWED = -32000
const EXPLANATION = 'This address opens one MCP stream, once. Give it to a client of HTTP+SSE as the server\'s URL; ' +
  'looking at it here does not use it up.\n'
const AHEAD = /prefetch|preview|prerender/i

/**
 * GET /mcp/connect/<one-time token>: HTTP+SSE for a client that cannot send a header. The stream then is its session,
 * and takes messages at a path that nobody can guess. What only looks at the address does not use the token up.
 * @param endpoint that path, by the stream's id
 */
export function registerConnect (
  scope: FastifyInstance, streams: ReturnType<typeof createSseStreams>, endpoint: (id: string) => string
): void {
  scope.addHook('onRoute', route => {
    route.schema = { ...route.schema, tags: ['mcp'], summary: 'MCP: HTTP+SSE by a one-time token' }
  })
  scope.addHook('onRequest', async (_request, reply) => { reply.header('cache-control', 'no-store') })

  scope.head('/mcp/connect/:token', async (_request, reply) => reply.code(204).send())

  scope.get<{ Params: { token: string } }>('/mcp/connect/:token', {
    exposeHeadRoute: false, config: { isStream: true, otel: false }
  }, async (request, reply) => {
    if (isPrefetch(request)) return reply.code(204).send()
    if (!request.headers.accept?.includes('text/event-stream')) return reply.type('text/plain').send(EXPLANATION)
    if (!opensStream(request)) return refuseMethod(reply)
    const { params: { token }, ip, id } = request
    const principal = await scope.oneTimeTokens.claim(token, { actor: 'anonymous', ip, request_id: id }, streams.assertRoom)
    scope.sessions.touch(principal.session_id, { address: ip })
    await streams.open(reply, { principal, endpoint, by: 'secret' })
  })

  // A client that tries Streamable HTTP first goes on to HTTP+SSE by this answer.
  scope.post('/mcp/connect/:token', async (_request, reply) => refuseMethod(reply))

  scope.post<{ Params: { key: string } }>('/mcp/connect/messages/:key', async (request, reply) => {
    const [id = '', proof = ''] = request.params.key.split('.')
    // Other replicas are asked for the stream only where this is right.
    const known = scope.oneTimeTokens.isStreamProof(id, proof)
    return streams.receive(request, reply, known ? id : '', undefined)
  })
}

const refuseMethod = (reply: FastifyReply) =>
  sendRpcError(reply.header('allow', 'GET, HEAD'), 405, METHOD_NOT_ALLOWED, 'Method not allowed: open the stream with GET.')

/** A browser that loads a page before somebody asks for it says so. */
const isPrefetch = ({ headers }: FastifyRequest) =>
  ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].some(name => AHEAD.test(String(headers[name])))
