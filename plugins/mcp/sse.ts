import {
  isJSONRPCNotification, isJSONRPCRequest, isJSONRPCResponse, type JSONRPCMessage, type Server, type Transport
} from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { problem } from '../../errors.ts'
import type { SessionPrincipal } from '../auth.ts'
import type { Bus } from '../bus.ts'
import { sendEmptyBody, sendRpcError } from './body.ts'
import { createRelay } from './relay.ts'
import { toClient, toSdkRequest, type Exchange } from './server.ts'
import { refuseMethod, versionOf } from './streamable.ts'

const MAX_STREAMS = 4096
const MAX_STREAMS_PER_SESSION = 32
const MAX_BUFFERED_BYTES = 1024 * 1024

const SESSION_NOT_FOUND = -32001
const INVALID_REQUEST = -32600
const HTTP_SSE_VERSION = '2024-11-05'
const STREAM_ID = /^[\w-]{24}$/

export interface SseOptions {
  createServer: () => Server
  /** Path of the public URL, where a proxy serves the app below one. */
  basePath: string
  idleMs: number
  keepAliveMs: number
  /** The way to streams of other replicas. */
  bus: Bus
}

interface SseStream {
  principal: SessionPrincipal
  server: Server
  transport: Transport
  raw: ServerResponse
  lastMessageAt: number
}

/** What the HTTP+SSE transport lets the rest of the app do. */
export interface SseStreams {
  /** Ends the open streams of the principals that match, and aborts their calls. Answers how many. */
  endStreams (matches: (principal: SessionPrincipal) => boolean): number
}

/**
 * GET /mcp and POST /messages: HTTP+SSE of revision 2024-11-05, which is only a framing of the SDK's messages. A stream
 * belongs to the session that opened it: its id is worth nothing without that session's token. A message may come to
 * any replica.
 */
export function registerSse (scope: FastifyInstance, options: SseOptions): SseStreams {
  const { createServer, basePath, idleMs, keepAliveMs, bus } = options
  const streams = new Map<string, SseStream>()
  const endStreams: SseStreams['endStreams'] = matches => {
    const ended = [...streams.values()].filter(stream => matches(stream.principal))
    for (const stream of ended) stream.transport.close()
    return ended.length
  }

  scope.get('/mcp', { exposeHeadRoute: false }, async (request, reply) => {
    if (!opensStream(request)) return refuseMethod(reply)
    const principal = request.getDecorator<SessionPrincipal>('principal')
    assertCapacity(streams, principal)
    const id = randomBytes(18).toString('base64url')
    const { raw } = reply.hijack()
    writeHead(raw, reply)
    const server = createServer()
    const transport = toTransport(raw, `${basePath}/messages?sessionId=${id}`, () => streams.get(id))
    streams.set(id, { principal, server, transport, raw, lastMessageAt: Date.now() })
    raw.once('close', () => {
      streams.delete(id)
      transport.onclose?.()
    })
    await server.connect(transport)
  })

  const find = (id: string, session: string) => {
    const stream = streams.get(id)
    return stream?.principal.session_id === session ? stream : undefined
  }
  const relay = createRelay(bus, {
    has: (id, session) => find(id, session) !== undefined,
    deliver ({ stream: id, session_id: session, request_id: requestId, ip, message }) {
      const stream = find(id, session)
      const log = scope.log.child({ reqId: requestId })
      if (!stream || !isMessage(message)) return
      deliver(stream, message, { principal: stream.principal, log, requestId, ip }, {})
    }
  })

  scope.post<{ Querystring: { sessionId?: string } }>('/messages', async (request, reply) => {
    const { body: message, log, id: requestId, ip } = request
    if (message === undefined) return sendEmptyBody(reply)
    const id = String(request.query.sessionId)
    const principal = request.getDecorator<SessionPrincipal>('principal')
    const { session_id: session } = principal
    const stream = find(id, session)
    if (!stream && (streams.has(id) || !STREAM_ID.test(id))) return refuseUnknown(reply)
    if (!isMessage(message)) {
      return sendRpcError(reply, 400, INVALID_REQUEST, 'Invalid Request: the body is not a JSON-RPC message')
    }
    if (stream) deliver(stream, message, { principal, log, requestId, ip }, request.headers)
    else {
      const taken = await relay({ stream: id, session_id: session, request_id: requestId, ip, message })
      if (!taken) return refuseUnknown(reply)
    }
    return reply.code(202).type('text/plain').send('Accepted')
  })

  const tick = setInterval(() => {
    const idleSince = Date.now() - idleMs
    for (const { raw, transport, lastMessageAt } of streams.values()) {
      if (lastMessageAt <= idleSince) transport.close()
      else write(raw, ': keepalive\n\n')
    }
  }, Math.min(keepAliveMs, idleMs))
  tick.unref()
  scope.addHook('preClose', async () => {
    clearInterval(tick)
    endStreams(() => true)
  })
  return { endStreams }
}

/**
 * A client of Streamable HTTP opens its optional stream with the same GET, but names its version or session. It is
 * refused, which tells it that there is no such stream.
 */
function opensStream (request: FastifyRequest): boolean {
  return request.headers['mcp-session-id'] === undefined && versionOf(request) === undefined &&
    request.headers.accept?.includes('text/event-stream') === true
}

function assertCapacity (streams: Map<string, SseStream>, { session_id: session }: SessionPrincipal): void {
  if (streams.size >= MAX_STREAMS) {
    throw problem('OVERLOADED', 'Too many streams are open. Try again later.', { retry_after_seconds: 30 })
  }
  let own = 0
  for (const { principal } of streams.values()) if (principal.session_id === session) own++
  if (own >= MAX_STREAMS_PER_SESSION) {
    throw problem('RATE_LIMITED', `This session has ${own} open streams, the most that it may have. Close one first.`)
  }
}

function writeHead (raw: ServerResponse, reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) raw.setHeader(name, value)
  }
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no'
  })
}

/** Writes to the stream's response; `close` ends it, which reaches the server by the response's own event. */
function toTransport (raw: ServerResponse, endpoint: string, stream: () => SseStream | undefined): Transport {
  return {
    async start () {
      write(raw, `event: endpoint\ndata: ${endpoint}\n\n`)
    },
    async send (message) {
      const open = stream()
      if (open) open.lastMessageAt = Date.now()
      write(raw, `event: message\ndata: ${JSON.stringify(message)}\n\n`)
    },
    async close () {
      // A peer that does not read would hold an ended stream, and a shutdown, for ever.
      if (raw.writableLength > 0) raw.destroy()
      else raw.end()
    }
  }
}

/** Drops a stream whose peer does not read. */
function write (raw: ServerResponse, frame: string): void {
  if (raw.destroyed || raw.writableEnded) return
  raw.write(frame)
  if (raw.writableLength > MAX_BUFFERED_BYTES) raw.destroy()
}

const refuseUnknown = (reply: FastifyReply) => sendRpcError(reply, 404, SESSION_NOT_FOUND, 'Session not found')

const isMessage = (body: unknown): body is JSONRPCMessage =>
  isJSONRPCRequest(body) || isJSONRPCNotification(body) || isJSONRPCResponse(body)

type Sender = Pick<Exchange, 'principal' | 'log' | 'requestId' | 'ip'>

function deliver (stream: SseStream, message: JSONRPCMessage, sender: Sender, headers: IncomingHttpHeaders): void {
  const { server, transport } = stream
  stream.lastMessageAt = Date.now()
  const version = server.getNegotiatedProtocolVersion() ?? HTTP_SSE_VERSION
  const exchange: Exchange = { ...sender, transport: 'sse', version, client: toClient(server.getClientVersion()) }
  transport.onmessage?.(message, { request: toSdkRequest(exchange, headers, never) })
}

const never = new AbortController().signal
