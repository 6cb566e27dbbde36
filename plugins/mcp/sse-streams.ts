import {
  isJSONRPCNotification, isJSONRPCRequest, isJSONRPCResponse, type JSONRPCMessage, type Server, type Transport
} from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import { isProblem, problem } from '../../errors.ts'
import type {} from '../limits.ts'
import { assertAddress } from '../sessions/scope.ts'
import type { SessionPrincipal } from '../sessions/index.ts'
import { sendEmptyBody, sendRpcError } from './body.ts'
import { createRelay } from './relay.ts'
import { introducedBy, toClient, toSdkRequest, type Exchange } from './server.ts'
import { toSseTransport, write, writeHead } from './sse-transport.ts'
import { versionOf } from './streamable.ts'

const MAX_STREAMS = 4096
const MAX_STREAMS_PER_SESSION = 32

const SESSION_NOT_FOUND = -32001
const INVALID_REQUEST = -32600
const HTTP_SSE_VERSION = '2024-11-05'

/** What the paths of messages name: long enough to be a credential where it is one. */
const ID_BYTES = { bearer: 18, secret: 32 }
const STREAM_ID = /^(?:[\w-]{24}|[\w-]{43})$/

export interface SseOptions {
  createServer: () => Server
  idleMs: number
  keepAliveMs: number
}

export interface StreamOptions {
  principal: SessionPrincipal
  /** The URL that the stream's messages are sent to. */
  endpoint: (id: string) => string
  /** Who may send messages: the session's token, or whoever knows the id, which nobody can guess. */
  by: 'bearer' | 'secret'
}

interface SseStream extends Pick<StreamOptions, 'principal' | 'by'> {
  server: Server
  transport: Transport
  raw: ServerResponse
  /** What was agreed on in the stream that this one takes the place of: a client says `initialize` once. */
  version: string | undefined
  lastMessageAt: number
}

/** What the HTTP+SSE transport lets the rest of the app do. */
export interface SseStreams {
  /** Ends the open streams of the principals that match, and aborts their calls. Answers how many. */
  endStreams (matches: (principal: SessionPrincipal) => boolean): number
  /** How many are open here. */
  countStreams (): number
}

/** The open streams of HTTP+SSE here, and the way to those of other replicas. */
export function createSseStreams (scope: FastifyInstance, { createServer, idleMs, keepAliveMs }: SseOptions) {
  const { sessions, bus } = scope
  const streams = new Map<string, SseStream>()
  const endStreams: SseStreams['endStreams'] = matches => {
    const ended = [...streams.values()].filter(stream => matches(stream.principal))
    for (const stream of ended) stream.transport.close()
    return ended.length
  }

  /** @throws OVERLOADED, or RATE_LIMITED where the session has as many streams as it may */
  function assertRoom ({ session_id: session }: SessionPrincipal): void {
    if (streams.size >= MAX_STREAMS) {
      throw problem('OVERLOADED', 'Too many streams are open. Try again later.', { retry_after_seconds: 30 })
    }
    let own = 0
    for (const { principal } of streams.values()) if (principal.session_id === session) own++
    if (own >= MAX_STREAMS_PER_SESSION) {
      throw problem('RATE_LIMITED', `This session has ${own} open streams, the most that it may have. Close one first.`)
    }
  }

  /** Answers with a stream, which ends with the principal's token. @throws UNAUTHENTICATED, OVERLOADED, RATE_LIMITED */
  async function open (reply: FastifyReply, { principal, endpoint, by }: StreamOptions): Promise<void> {
    const id = randomBytes(ID_BYTES[by]).toString('base64url')
    const release = await sessions.hold(principal, () => streams.get(id)?.transport.close())
    try {
      assertRoom(principal)
    } catch (error) {
      release()
      throw error
    }
    const { raw } = reply.hijack()
    writeHead(raw, reply)
    const server = createServer()
    const transport = toSseTransport(raw, endpoint(id), () => {
      const stream = streams.get(id)
      if (stream) stream.lastMessageAt = Date.now()
    })
    const version = versionOf(reply.request)
    streams.set(id, { principal, by, server, transport, raw, version, lastMessageAt: Date.now() })
    finished(raw, () => {
      streams.delete(id)
      release()
      transport.onclose?.()
    })
    await server.connect(transport)
  }

  /** The stream, where it is here and this sender's. */
  function find (id: string, session: string | undefined): SseStream | undefined {
    const stream = streams.get(id)
    return stream && session === (stream.by === 'bearer' ? stream.principal.session_id : undefined) ? stream : undefined
  }

  const relay = createRelay(bus, {
    has: (id, session) => find(id, session || undefined) !== undefined,
    deliver ({ stream: id, session_id: session, request_id: requestId, ip, message }) {
      const stream = find(id, session || undefined)
      const log = scope.log.child({ request_id: requestId })
      if (!stream || !isMessage(message)) return
      try {
        deliver(stream, message, { principal: stream.principal, log, requestId, ip }, {})
      } catch (error) {
        if (!isProblem(error)) throw error
        log.info({ code: error.code }, error.message)
      }
    }
  })

  /**
   * Takes one message for a stream, here or at another replica.
   * @param principal of the token that came with it; undefined: the id is the proof
   */
  async function receive (
    request: FastifyRequest, reply: FastifyReply, id: string, principal: SessionPrincipal | undefined
  ): Promise<FastifyReply> {
    const { body: message, log, id: requestId, ip } = request
    if (message === undefined) return sendEmptyBody(reply)
    const session = principal?.session_id
    const stream = find(id, session)
    if (!stream && (streams.has(id) || !STREAM_ID.test(id))) return refuseUnknown(reply)
    if (!isMessage(message)) {
      return sendRpcError(reply, 400, INVALID_REQUEST, 'Invalid Request: the body is not a JSON-RPC message')
    }
    if (stream) {
      deliver(stream, message, { principal: principal ?? stream.principal, log, requestId, ip }, request.headers)
    } else {
      const taken = await relay({ stream: id, session_id: session ?? '', request_id: requestId, ip, message })
      if (!taken) return refuseUnknown(reply)
    }
    return reply.code(202).type('text/plain').send('Accepted')
  }

  function deliver (stream: SseStream, message: JSONRPCMessage, sender: Sender, headers: IncomingHttpHeaders): void {
    const { server, transport, by, principal: { session_id: id } } = stream
    if (by === 'secret') {
      assertAddress(stream.principal, sender.ip)
      scope.limits.countSession(id)
      sessions.touch(id, { address: sender.ip })
    }
    stream.lastMessageAt = Date.now()
    const introduced = introducedBy(message)
    if (introduced) sessions.touch(id, { client: introduced })
    const version = server.getNegotiatedProtocolVersion() ?? stream.version ?? HTTP_SSE_VERSION
    const exchange: Exchange = { ...sender, transport: 'sse', version, client: toClient(server.getClientVersion()) }
    transport.onmessage?.(message, { request: toSdkRequest(exchange, headers, never) })
  }

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
  return { open, receive, endStreams, assertRoom, countStreams: () => streams.size }
}

const refuseUnknown = (reply: FastifyReply) => sendRpcError(reply, 404, SESSION_NOT_FOUND, 'Session not found')

const isMessage = (body: unknown): body is JSONRPCMessage =>
  isJSONRPCRequest(body) || isJSONRPCNotification(body) || isJSONRPCResponse(body)

type Sender = Pick<Exchange, 'principal' | 'log' | 'requestId' | 'ip'>

const never = new AbortController().signal
