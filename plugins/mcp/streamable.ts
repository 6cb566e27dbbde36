import {
  DEFAULT_NEGOTIATED_PROTOCOL_VERSION, WebStandardStreamableHTTPServerTransport, classifyInboundRequest,
  createMcpHandler, isInitializeRequest, type Server
} from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createLru } from '../../lru.ts'
import type { McpCatalogue } from './catalogue.ts'
import { sendEmptyBody, sendRpcError } from './body.ts'
import { sendResult, toPlainCall, type PlainCall } from './direct.ts'
import { createSend, isStream, type Send } from './respond.ts'
import { FIRST_STRUCTURED_VERSION, introducedBy, toClient, toExchange, toSdkRequest, type Exchange } from './server.ts'

export const FIRST_MODERN_VERSION = '2026-07-28'
const METHOD_NOT_ALLOWED = -32000
/** Methods that may wait for a provider. */
const CANCELLABLE: unknown[] = ['tools/call', 'resources/read', 'completion/complete']

export interface StreamableOptions {
  catalogue: McpCatalogue
  createServer: () => Server
  keepAliveMs: number
  /** False: every call goes through the SDK. */
  direct: boolean
}

/** POST and DELETE /mcp: Streamable HTTP of the modern revision, and of the 2025 ones without sessions. */
export function registerStreamable (scope: FastifyInstance, options: StreamableOptions): void {
  const { createServer, keepAliveMs, catalogue } = options
  // To notify, a call needs the SDK's context.
  const direct = options.direct && !catalogue.notifies
  const tools = new Set(direct ? catalogue.listTools().map(({ name }) => name) : [])
  const modern = createMcpHandler(createServer, {
    legacy: 'reject',
    keepAliveMs,
    onerror: error => scope.log.debug({ err: error }, 'MCP request refused')
  })
  const send = createSend(scope.sessions)
  const legacy = createLegacyHandler(options, send)

  async function serveDirect (request: FastifyRequest, reply: FastifyReply, exchange: Exchange, call: PlainCall) {
    const { version, client, ...caller } = exchange
    const isModern = version >= FIRST_MODERN_VERSION
    const structured = version >= FIRST_STRUCTURED_VERSION
    const run = (signal: AbortSignal, known = client) => catalogue.callTool(call.name, call.args,
      { ...caller, signal, client: call.client ?? known, structured, traceparent: call.traceparent })
    if (!isModern) return legacy.run(request, reply, exchange, call, run)
    const signal = toDisconnectSignal(reply)
    try {
      return sendResult(reply, call, await run(signal), true)
    } catch (error) {
      if (signal.aborted) return reply.hijack()
      throw error
    }
  }

  scope.post('/mcp', async (request, reply) => {
    if (request.body === undefined) return sendEmptyBody(reply)
    const version = versionOf(request)
    const exchange = toExchange(request, 'mcp', version ?? DEFAULT_NEGOTIATED_PROTOCOL_VERSION)
    const plain = direct ? toPlainCall(request, tools) : undefined
    if (plain) return serveDirect(request, reply, exchange, plain)
    const introduced = introducedBy(request.body)
    if (introduced) scope.sessions.touch(exchange.principal.session_id, { client: introduced })
    if (isLegacy(request, version)) return legacy.serve(request, reply, exchange)
    const signal = toDisconnectSignal(reply)
    const response = await modern.fetch(
      toSdkRequest(exchange, request.headers, signal), { parsedBody: request.body })
    return signal.aborted ? reply.hijack() : send(exchange, reply, response)
  })

  scope.delete('/mcp', async (request, reply) => refuseMethod(reply))
}

export const refuseMethod = (reply: FastifyReply) =>
  sendRpcError(reply.header('allow', 'POST'), 405, METHOD_NOT_ALLOWED, 'Method not allowed.')

export function versionOf (request: FastifyRequest): string | undefined {
  return request.headers['mcp-protocol-version']?.toString()
}

/** What names a modern version is the modern handler's to answer, batches and responses too. */
function isLegacy ({ body }: FastifyRequest, version: string | undefined): boolean {
  if (version !== undefined && version >= FIRST_MODERN_VERSION) return false
  return classifyInboundRequest({
    httpMethod: 'POST', body, ...(version !== undefined && { protocolVersionHeader: version })
  }).kind === 'legacy'
}

/**
 * The 2025 revisions, one server a request. A disconnect is not a cancel there: the call runs to its end, and
 * `notifications/cancelled` reaches it by the caller and the request id.
 */
function createLegacyHandler ({ catalogue, createServer, keepAliveMs }: StreamableOptions, send: Send) {
  const clients = createLru<NonNullable<Exchange['client']>>(5000)
  const running = new Map<string, Set<() => void>>()
  const never = new AbortController().signal

  /** Stateless: the name given to initialize is remembered for the log, and nothing else depends on it. */
  const callerOf = ({ headers }: FastifyRequest, { principal, ip }: Exchange) =>
    [principal.session_id, ip, headers['user-agent']].join('\n')

  async function serve (request: FastifyRequest, reply: FastifyReply, exchange: Exchange): Promise<FastifyReply> {
    const caller = callerOf(request, exchange)
    const introduced = isInitializeRequest(request.body) ? toClient(request.body.params.clientInfo) : undefined
    if (introduced) clients.set(caller, introduced)
    exchange.client = clients.get(caller)

    cancelRunning(running, caller, request.body)
    const server = createServer()
    const enableJsonResponse = !catalogue.notifies
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse, keepAliveMs })
    await server.connect(transport)
    const { cancelled, forget } = track(running, caller, request.body, () => server.close())
    const end = () => {
      forget()
      server.close()
    }
    try {
      const sdkRequest = toSdkRequest(exchange, request.headers, never)
      const handled = transport.handleRequest(sdkRequest, { parsedBody: request.body })
      const response = await (cancelled ? Promise.race([handled, cancelled]) : handled)
      if (isStream(response)) return await send(exchange, reply, response, end)
      end()
      return send(exchange, reply, response)
    } catch (error) {
      end()
      throw error
    }
  }

  /** A plain call, cancellable like any other. */
  async function run (request: FastifyRequest, reply: FastifyReply, exchange: Exchange, call: PlainCall,
    work: (signal: AbortSignal, client: Exchange['client']) => Promise<object>): Promise<FastifyReply> {
    const caller = callerOf(request, exchange)
    const abort = new AbortController()
    const { forget } = track(running, caller, request.body, () => abort.abort())
    try {
      return sendResult(reply, call, await work(abort.signal, clients.get(caller)), false)
    } catch (error) {
      if (abort.signal.aborted) return reply.code(202).send()
      throw error
    } finally {
      forget()
    }
  }

  return { serve, run }
}

/** Makes a single request cancellable until it is forgotten; a batch is not. */
function track (running: Map<string, Set<() => void>>, caller: string, body: unknown, stop: () => void) {
  if (!isObject(body) || !CANCELLABLE.includes(body['method'])) return { cancelled: undefined, forget: () => {} }
  const key = keyOf(caller, body['id'])
  let cancel = () => {}
  const cancelled = new Promise<Response>(resolve => {
    cancel = () => {
      // A cancelled request is not answered; the POST that carried it must still end.
      resolve(new Response(null, { status: 202 }))
      stop()
    }
  })
  const calls = running.get(key) ?? new Set()
  running.set(key, calls.add(cancel))
  const forget = () => {
    calls.delete(cancel)
    if (calls.size === 0) running.delete(key)
  }
  return { cancelled, forget }
}

function cancelRunning (running: Map<string, Set<() => void>>, caller: string, body: unknown): void {
  if (!isObject(body) || body['method'] !== 'notifications/cancelled' || !isObject(body['params'])) return
  const calls = running.get(keyOf(caller, body['params']['requestId']))
  // Two clients of one token may have the same id: which of them cancelled cannot be told, and a cancel may be ignored.
  if (calls?.size === 1) for (const cancel of calls) cancel()
}

const keyOf = (caller: string, id: unknown) => `${caller}\n${typeof id} ${String(id)}`

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Aborts when the connection closes before the answer was written. */
function toDisconnectSignal (reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => { if (!reply.raw.writableFinished) controller.abort() })
  return controller.signal
}
