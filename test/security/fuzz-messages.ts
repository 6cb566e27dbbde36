/** JSON-RPC messages of every era, right and wrong. */
import fc, { type Arbitrary } from 'fast-check'
import { PROMPTS } from '../../plugins/mcp/prompts.ts'
import type { ToolListing } from '../../tools/listing.ts'
import { anyJson, fromSchema, mutated, nastyText, often, type JsonSchema } from './from-schema.ts'

export interface FuzzedMessage {
  headers: Record<string, string>
  body: string
}

const MODERN = '2026-07-28'
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', MODERN]
const METHODS = [
  'initialize', 'ping', 'tools/list', 'tools/call', 'resources/list', 'resources/read', 'resources/templates/list', 'resources/subscribe', 'prompts/list', 'prompts/get',
  'completion/complete', 'logging/setLevel', 'server/discover', 'subscriptions/listen', 'tasks/get', 'tasks/list', 'sampling/createMessage', 'roots/list', 'elicitation/create',
  'notifications/initialized', 'notifications/cancelled', 'notifications/progress', 'notifications/roots/list_changed', 'rpc.discover', '', 'tools/call ', 'TOOLS/CALL', '__proto__', 'constructor'
]
const URIS = ['market://instrument/AAPL', 'market://calendar/2026', 'market://providers', 'instrument://AAPL', 'file:///etc/passwd', 'http://169.254.169.254/', '', ':', 'market://instrument/%ff', 'market://calendar/99999999']

const id: Arbitrary<unknown> = fc.oneof(
  { weight: 15, arbitrary: fc.integer() }, { weight: 3, arbitrary: fc.string() }, nastyText, fc.uuid(),
  fc.constantFrom<unknown>(null, 0, -1, 1.5, 2 ** 53, 1e308, true, [], {}, 'x'.repeat(100_000))
)

/** For JSON that a number of JavaScript cannot hold: written into the text in place of the id. */
const RAW_IDS = ['1e400', '-1e400', '9'.repeat(400), '0.'.padEnd(400, '1'), '1'.padEnd(100_000, '0'), '-0', '01', '0x1', 'NaN', 'Infinity', '"\\ud800"', '"\\u0000"']

function paramsOf (tools: readonly ToolListing[]): Arbitrary<readonly [method: string, params: unknown]> {
  const call = fc.constantFrom(...tools).chain(({ name, inputSchema }) => {
    const args = fromSchema(inputSchema as JsonSchema)
    return fc.tuple(fc.constant(name), fc.oneof(often(3, args), mutated(args), anyJson))
  }).map(([name, args]) => ['tools/call', { name, arguments: args }] as const)
  const prompt = fc.tuple(fc.oneof(fc.constantFrom(...PROMPTS.map(({ name }) => name)), nastyText), fc.dictionary(
    fc.constantFrom('symbol', 'symbols', 'company', 'period', 'year', 'x'), fc.oneof(fc.constantFrom('AAPL', 'AAPL,MSFT', '2026'), nastyText), { maxKeys: 3 }))
  const version = fc.oneof(fc.constantFrom(...VERSIONS), nastyText)
  return fc.oneof(
    { weight: 6, arbitrary: call },
    fc.tuple(fc.oneof(fc.constantFrom(...tools.map(({ name }) => name)), nastyText), anyJson).map(([name, args]) => ['tools/call', { name, arguments: args }] as const),
    fc.tuple(version, anyJson).map(([protocolVersion, capabilities]) =>
      ['initialize', { protocolVersion, capabilities, clientInfo: { name: 'fuzz', version: '1' } }] as const),
    fc.oneof(fc.constantFrom(...URIS), nastyText).map(uri => ['resources/read', { uri }] as const),
    prompt.map(([name, args]) => ['prompts/get', { name, arguments: args }] as const),
    fc.tuple(prompt, fc.constantFrom(...URIS), nastyText, fc.boolean()).map(([[name, args], uri, value, isPrompt]) => ['completion/complete', {
      ref: isPrompt ? { type: 'ref/prompt', name } : { type: 'ref/resource', uri }, argument: { name: Object.keys(args)[0] ?? 'symbol', value }
    }] as const),
    fc.tuple(fc.constantFrom('notifications/cancelled', 'notifications/progress'), id).map(([method, requestId]) => [method, { requestId, progressToken: requestId, progress: 1 }] as const),
    fc.tuple(fc.oneof(fc.constantFrom(...METHODS), nastyText, fc.string()), fc.oneof(fc.constant(undefined), anyJson))
  )
}

function message (tools: readonly ToolListing[]): Arbitrary<{ method: string, name: string, json: unknown }> {
  const envelope = (version: unknown, more: unknown) => ({
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': more
  })
  const request = fc.tuple(paramsOf(tools), id, fc.constantFrom('plain', 'plain', 'modern', 'notification'), fc.oneof(fc.constant({}), anyJson))
    .map(([[method, params], id, kind, more]) => {
      const whole = kind === 'modern' ? { ...(params as object), _meta: envelope(MODERN, more) } : params
      return { jsonrpc: '2.0', ...(kind !== 'notification' && { id }), method, ...(whole !== undefined && { params: whole }) }
    })
  const answer = fc.tuple(id, anyJson, fc.boolean()).map(([id, value, isError]) => ({ jsonrpc: '2.0', id, [isError ? 'error' : 'result']: value }))
  const whole = fc.oneof(often(8, request), often(4, mutated(request)), answer, mutated(answer), anyJson)
  return whole.map(json => {
    const { method, params } = (json ?? {}) as { method?: unknown, params?: { name?: unknown } | null }
    return { json, method: String(method), name: String(params?.name) }
  })
}

/** A message and its headers, which may fit it or not. */
export function createMessages (tools: readonly ToolListing[]): Arbitrary<FuzzedMessage> {
  const single = message(tools)
  const batch = fc.array(single, { maxLength: 8 }).map(list => ({ json: list.map(({ json }) => json), method: list[0]?.method ?? '', name: list[0]?.name ?? '' }))
  return fc.tuple(
    fc.oneof({ weight: 6, arbitrary: single }, batch),
    fc.oneof({ weight: 12, arbitrary: fc.constant('fitting') }, { weight: 4, arbitrary: fc.constantFrom(...VERSIONS, undefined) }, nastyText),
    fc.oneof({ weight: 8, arbitrary: fc.constant('application/json, text/event-stream') }, fc.constantFrom('', '*/*', 'application/json', 'text/event-stream', 'text/html;q=x', ';,')),
    fc.oneof({ weight: 20, arbitrary: fc.constant('application/json') }, fc.constantFrom('application/json; charset=utf-8', 'text/plain', 'application/json;charset=utf-16', 'multipart/form-data', 'json', '')),
    fc.oneof({ weight: 12, arbitrary: fc.constant('') }, fc.constantFrom(...RAW_IDS)),
    fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
    fc.boolean()
  ).map(([{ json, method, name }, version, accept, type, rawId, cut, names]) => {
    const text = JSON.stringify(json) ?? ''
    const whole = rawId ? text.replace(/"id":[^,}\]]*/, `"id":${rawId}`) : text
    const isModern = text.includes(MODERN)
    const said = version === 'fitting' ? (isModern ? MODERN : VERSIONS[text.length % 4]) : version
    const headers = {
      accept,
      'content-type': type,
      ...(said !== undefined && { 'mcp-protocol-version': said }),
      ...((names || (isModern && version === 'fitting')) && { 'mcp-method': method, ...(name !== 'undefined' && { 'mcp-name': name }) })
    }
    return { headers: sendable(headers), body: whole.slice(0, Math.ceil(whole.length * cut)) }
  })
}

/** What Node sends at all: a real attacker is not held to it, and test/security/abuses.ts is not either. */
function sendable (headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 2000)]))
}
