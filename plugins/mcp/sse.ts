import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { SessionPrincipal } from '../auth/index.ts'
import { hasQueryToken } from '../auth/query.ts'
import type { createSseStreams } from './sse-streams.ts'
import { FIRST_MODERN_VERSION, refuseMethod, versionOf } from './streamable.ts'

/**
 * GET /mcp and POST /messages: HTTP+SSE of revision 2024-11-05, which is only a framing of the SDK's messages. A stream
 * belongs to the session that opened it: its id is worth nothing without that session's token. A message may come to
 * any replica.
 * @param basePath path of the public URL, where a proxy serves the app below one
 * @param secretEndpoint where a stream takes messages that come without a token
 */
export function registerSse (
  scope: FastifyInstance, streams: ReturnType<typeof createSseStreams>, basePath: string,
  secretEndpoint: (id: string) => string
): void {
  scope.get('/mcp', { exposeHeadRoute: false, config: { isStream: true, otel: false } }, async (request, reply) => {
    if (!opensStream(request)) return refuseMethod(reply)
    const principal = request.getDecorator<SessionPrincipal>('principal')
    // Who cannot send a header here cannot send one with the messages either.
    await streams.open(reply, hasQueryToken(request)
      ? { principal, endpoint: secretEndpoint, by: 'secret' }
      : { principal, endpoint: id => `${basePath}/messages?sessionId=${id}`, by: 'bearer' })
  })

  scope.post<{ Querystring: { sessionId?: string } }>('/messages', async (request, reply) =>
    streams.receive(request, reply, String(request.query.sessionId), request.getDecorator<SessionPrincipal>('principal')))
}

/**
 * A client of Streamable HTTP opens its optional stream with the same GET, but names its version or session. It is
 * refused, which tells it that there is no such stream.
 */
export function opensStream (request: FastifyRequest): boolean {
  return request.headers['mcp-session-id'] === undefined && request.headers.accept?.includes('text/event-stream') === true &&
    (versionOf(request) === undefined || isReconnect(request))
}

/**
 * An EventSource whose stream ended names the version that was agreed on there, and asks past all caches. The optional
 * stream of Streamable HTTP is not asked for so.
 */
function isReconnect (request: FastifyRequest): boolean {
  return String(versionOf(request)) < FIRST_MODERN_VERSION && request.headers['cache-control'] === 'no-cache'
}
