import {
  CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY, SERVER_INFO_META_KEY,
  TRACEPARENT_META_KEY
} from '@modelcontextprotocol/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { SERVER_INFO, toClient, toTraceparent } from './server.ts'

/** A `tools/call` with nothing about it that the SDK would have to look at. */
export interface PlainCall {
  id: string | number
  name: string
  args: Record<string, unknown>
  client: ReturnType<typeof toClient>
  traceparent: string | undefined
}

const MODERN = '2026-07-28'
const LEGACY = new Set(['2025-03-26', '2025-06-18', '2025-11-25'])
const MESSAGE_KEYS = new Set(['jsonrpc', 'id', 'method', 'params'])
const PARAM_KEYS = new Set(['name', 'arguments', '_meta'])
const ENVELOPE_KEYS = new Set<string>([
  PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY, TRACEPARENT_META_KEY
])
const CLIENT_KEYS = new Set(['name', 'version', 'title'])

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const hasOnly = (value: Fields, keys: Set<string>) => Object.keys(value).every(key => keys.has(key))

/**
 * Recognises the call that is nearly all of the traffic, in its one plain form: known tool, well-formed message,
 * matching headers. It is answered without a server of its own, with the very bytes that the SDK would send; what is
 * odd in any way is undefined here and left to the SDK.
 */
export function toPlainCall ({ headers, body }: FastifyRequest, tools: ReadonlySet<string>): PlainCall | undefined {
  if (!isFields(body) || !hasOnly(body, MESSAGE_KEYS)) return undefined
  if (body['jsonrpc'] !== '2.0' || body['method'] !== 'tools/call') return undefined
  const { id, params } = body
  if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined
  if (!isFields(params) || !hasOnly(params, PARAM_KEYS)) return undefined
  const { name, arguments: args = {}, _meta: meta } = params
  if (typeof name !== 'string' || !tools.has(name) || !isFields(args)) return undefined
  const accept = headers.accept ?? ''
  if (!accept.includes('application/json') || !accept.includes('text/event-stream')) return undefined

  const version = headers['mcp-protocol-version']
  const call = { id: id as string | number, name, args }
  if (version === MODERN) {
    if (headers['mcp-method'] !== 'tools/call' || headers['mcp-name'] !== name) return undefined
    if (Object.keys(headers).some(header => header.startsWith('mcp-param'))) return undefined
    if (!isFields(meta) || !isPlainEnvelope(meta)) return undefined
    const { [CLIENT_INFO_META_KEY]: client, [TRACEPARENT_META_KEY]: traceparent } = meta
    return { ...call, client: toClient(client), traceparent: toTraceparent(traceparent) }
  }
  const isLegacy = typeof version === 'string' && LEGACY.has(version) && meta === undefined
  return isLegacy ? { ...call, client: undefined, traceparent: undefined } : undefined
}

function isPlainEnvelope (meta: Fields): boolean {
  const { [CLIENT_INFO_META_KEY]: client, [TRACEPARENT_META_KEY]: traceparent } = meta
  return hasOnly(meta, ENVELOPE_KEYS) && meta[PROTOCOL_VERSION_META_KEY] === MODERN &&
    ['undefined', 'string'].includes(typeof traceparent) && isPlainCapabilities(meta[CLIENT_CAPABILITIES_META_KEY]) &&
    (client === undefined || (isFields(client) && hasOnly(client, CLIENT_KEYS) && typeof client['name'] === 'string' &&
      typeof client['version'] === 'string' && ['undefined', 'string'].includes(typeof client['title'])))
}

/** Objects of flags, or empty ones, as clients send them: no tool here depends on any. */
function isPlainCapabilities (value: unknown): boolean {
  return isFields(value) && Object.values(value).every(capability =>
    isFields(capability) && Object.values(capability).every(flag => typeof flag === 'boolean'))
}

/** What makes a result whole in the modern revision. */
const MODERN_RESULT = { resultType: 'complete', _meta: { [SERVER_INFO_META_KEY]: SERVER_INFO } }

export function sendResult (reply: FastifyReply, { id }: PlainCall, result: object, isModern: boolean): FastifyReply {
  const whole = isModern ? { ...result, ...MODERN_RESULT } : result
  return reply.type('application/json').send(JSON.stringify({ result: whole, jsonrpc: '2.0', id }))
}
