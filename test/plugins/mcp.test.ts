import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { problem } from '../../errors.ts'
import type { Caller } from '../../plugins/tools/index.ts'
import { TOKEN, answerQuote, startMcpApp, type FakeCall, type McpAppOptions } from '../conformance/app.ts'

const MODERN = '2026-07-28'
const authorization = `Bearer ${TOKEN}`
const params = { name: 'get_quote', arguments: { symbols: ['AAPL'] } }

async function build (t: Test, options: McpAppOptions = {}) {
  const { app, url } = await startMcpApp(options)
  t.teardown(() => {
    // fetch opens a connection in place of an aborted one, and close() waits for its first request.
    app.server.closeAllConnections()
    return app.close()
  })
  return { app, url }
}

async function connect (t: Test, url: URL, era: 'modern' | 'legacy') {
  const client = new Client({ name: 'test', version: '1.2.3' },
    { versionNegotiation: { mode: era === 'modern' ? { pin: MODERN } : 'legacy' } })
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization } } }))
  t.teardown(() => client.close())
  return client
}

async function post (url: URL, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers
    }
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
}

const envelope = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '9' },
  'io.modelcontextprotocol/clientCapabilities': {}
}
const request = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 1, method, params })
const modernHeaders = (method: string, name?: string): Record<string, string> =>
  ({ 'mcp-protocol-version': MODERN, 'mcp-method': method, ...(name && { 'mcp-name': name }) })

/** A call that hangs until it is aborted. */
function hang () {
  let started = (_: Caller) => {}
  const calls = new Promise<Caller>(resolve => { started = resolve })
  const call: FakeCall = (name, args, caller) => new Promise((resolve, reject) => {
    caller.signal.addEventListener('abort', () => reject(caller.signal.reason))
    started(caller)
  })
  return { call, calls }
}

for (const era of ['modern', 'legacy'] as const) {
  t.test(`a ${era} client lists and calls tools`, async t => {
    const callers: Caller[] = []
    const { url } = await build(t, {
      call: (name, args, caller) => {
        callers.push(caller)
        return answerQuote(name, args, caller)
      }
    })
    const client = await connect(t, url, era)
    const { tools } = await client.listTools()
    t.match(tools, [{ name: 'get_quote', title: 'Latest quotes', annotations: { readOnlyHint: true, openWorldHint: true } }])
    const result = await client.callTool(params)
    t.match(result, { content: [{ type: 'text', text: 'AAPL 191.2' }], structuredContent: { data: [{ price: 191.2 }] } })
    t.match(callers, [{
      principal: { session_id: 'session-1' }, transport: 'mcp', ip: '127.0.0.1', client: { name: 'test', version: '1.2.3' }
    }])
    t.match(client.getInstructions(), /search_symbols/)
  })

  t.test(`a ${era} client is told of a failure inside the tool, and of an unknown tool as a protocol error`, async t => {
    const { url } = await build(t, {
      call: async (name, args, caller) => {
        if (name === 'broken') throw new Error('secret-marker')
        if (name === 'busy') throw problem('PROVIDER_QUOTA', 'The quota is used up.', { retry_after_seconds: 30 })
        return answerQuote(name, args, caller)
      }
    })
    const client = await connect(t, url, era)
    t.match(await client.callTool({ name: 'busy' }),
      { isError: true, content: [{ text: 'The quota is used up. (FMS_PROVIDER_QUOTA) Retry after 30 s.' }] })
    t.match(await client.callTool({ name: 'broken' }),
      { isError: true, content: [{ text: 'Internal error (FMS_INTERNAL)' }] })
    await t.rejects(client.callTool({ name: 'get_quotes' }), { code: -32602, message: /no tool "get_quotes"/ })
  })

  t.test(`cancelling in the ${era} era aborts the call`, async t => {
    const { call, calls } = hang()
    const { url } = await build(t, { call })
    const client = await connect(t, url, era)
    const controller = new AbortController()
    const pending = client.callTool(params, { signal: controller.signal })
    const { signal } = await calls
    controller.abort(new Error('enough'))
    await t.rejects(pending)
    if (!signal.aborted) await once(signal, 'abort')
    t.ok(signal.aborted)
  })
}

t.test('the client of the first SDK works over Streamable HTTP', async t => {
  const { url } = await build(t)
  const client = new OldClient({ name: 'old', version: '1' })
  await client.connect(new OldTransport(url, { requestInit: { headers: { authorization } } }))
  t.teardown(() => client.close())
  t.match(await client.listTools(), { tools: [{ name: 'get_quote' }] })
  t.match(await client.callTool(params), { structuredContent: { data: [{ symbol: 'AAPL' }] } })
})

t.test('versions without structured content get the whole answer as text', async t => {
  const { url } = await build(t)
  for (const headers of [{}, { 'mcp-protocol-version': '2025-03-26' }]) {
    const { json } = await post(url, request('tools/call', params), headers)
    t.strictSame(json.result, { content: [{ type: 'text', text: '{"data":[{"symbol":"AAPL","price":191.2}]}' }] })
  }
})

t.test('a disconnect of the 2025 era is not a cancel', async t => {
  const { call, calls } = hang()
  const { app, url } = await build(t, { call })
  const connected = once(app.server, 'connection')
  const controller = new AbortController()
  const pending = fetch(url, {
    method: 'POST',
    body: JSON.stringify(request('tools/call', params)),
    signal: controller.signal,
    headers: { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  })
  const { signal } = await calls
  const [socket] = await connected
  const closed = once(socket, 'close')
  controller.abort()
  await t.rejects(pending)
  await closed
  t.notOk(signal.aborted)
  t.equal((await post(url, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, {})).status, 202)
  t.ok(signal.aborted, 'while a cancel is one')
})

t.test('the modern revision is answered with what it owes', async t => {
  const { url } = await build(t)
  const discovered = await post(url, request('server/discover', { _meta: envelope }), modernHeaders('server/discover'))
  t.match(discovered.json.result, { resultType: 'complete', ttlMs: 300_000, cacheScope: 'private', supportedVersions: [MODERN] })
  const listed = await post(url, request('tools/list', { _meta: envelope }), modernHeaders('tools/list'))
  t.match(listed.json.result, { resultType: 'complete', ttlMs: 300_000, cacheScope: 'private', tools: [{ name: 'get_quote' }] })
  const again = await post(url, request('tools/list', { _meta: envelope }), modernHeaders('tools/list'))
  t.equal(again.text, listed.text)

  const call = { ...params, _meta: envelope }
  const refused = [
    [request('tools/call', call), modernHeaders('tools/call', 'get_bars'), 400, -32020],
    [request('tools/call', call), modernHeaders('tools/list', 'get_quote'), 400, -32020],
    [request('tools/call', call), { 'mcp-protocol-version': '2025-11-25' }, 400, -32020],
    [request('tools/call', params), modernHeaders('tools/call', 'get_quote'), 400, -32602],
    [request('ping', { _meta: envelope }), modernHeaders('ping'), 404, -32601],
    [request('tools/list', { _meta: { ...envelope, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } }),
      { ...modernHeaders('tools/list'), 'mcp-protocol-version': '2099-01-01' }, 400, -32022],
    [[request('tools/list', { _meta: envelope })], modernHeaders('tools/list'), 400, -32600]
  ] as const
  for (const [body, headers, status, code] of refused) {
    t.match(await post(url, body, headers), { status, json: { error: { code } } }, `${status} ${code}`)
  }
  for (const method of ['GET', 'DELETE']) {
    const response = await fetch(url, {
      method, headers: { authorization, accept: 'text/event-stream', 'mcp-protocol-version': MODERN, 'content-type': 'application/json' }
    })
    t.equal(response.status, 405, method)
  }
})

t.test('a call carries the trace context of its caller, and only a valid one', async t => {
  const seen: unknown[] = []
  const { url } = await build(t, {
    catalogue: {
      listTools: () => [],
      async callTool (name, args, { traceparent }) {
        seen.push(traceparent)
        return { content: [] }
      }
    }
  })
  const valid = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  for (const traceparent of [valid, 'junk']) {
    const body = request('tools/call', { ...params, _meta: { ...envelope, traceparent } })
    await post(url, body, modernHeaders('tools/call', 'get_quote'))
  }
  t.strictSame(seen, [valid, undefined])
})

t.test('nothing is read before the token', async t => {
  const { url } = await build(t)
  for (const [method, path] of [['POST', '/mcp'], ['GET', '/mcp'], ['DELETE', '/mcp'], ['POST', '/messages']] as const) {
    const response = await fetch(new URL(path, url), {
      method, headers: { authorization: 'Bearer wrong', accept: 'text/event-stream' }, ...(method === 'POST' && { body: '{' })
    })
    t.equal(response.status, 401, `${method} ${path}`)
    t.equal(response.headers.get('www-authenticate'), 'Bearer')
  }
})

t.test('a body that cannot be read is refused as JSON-RPC wants it', async t => {
  const { url } = await build(t)
  t.match(await post(url, ''), { status: 400, json: { error: { code: -32700 }, id: null } }, 'empty')
  t.match(await post(url, '{"jsonrpc":'), { status: 400, json: { error: { code: -32700 } } }, 'cut off')
  t.match(await post(url, '{"__proto__":{"a":1}}'), { status: 400, json: { error: { code: -32700 } } }, '__proto__')
  t.match(await post(url, '{"a":'.repeat(200) + '1' + '}'.repeat(200)), { status: 400, json: { error: { code: -32600 } } }, 'deep')
  t.match(await post(url, { jsonrpc: '1.0' }), { status: 400, json: { error: { code: -32600 } } }, 'no JSON-RPC')
  t.match(await post(url, `"${'x'.repeat(2 * 1024 * 1024)}"`), { status: 413, json: { error: { code: -32600 } } }, '2 MB')
  t.match(await post(url, '{}', { 'content-type': 'text/plain' }), { status: 415, json: { error: { code: -32600 } } }, 'text')
  const quoted = request('tools/call', { ...params, arguments: { symbols: ['\\"' + '['.repeat(100)] } })
  t.equal((await post(url, quoted)).status, 200, 'brackets in a string are no depth')
})

t.test('params of a wrong shape are the caller\'s fault, in a short sentence', async t => {
  const { url } = await build(t)
  for (const [method, wrong] of [['initialize', { capabilities: null }], ['initialize', {}], ['tools/list', { cursor: 1 }]] as const) {
    const { json: { error } } = await post(url, request(method, wrong))
    t.equal(error.code, -32602, method)
    t.match(error.message, new RegExp(`^The params of ${method} are not valid: [a-zA-Z.]+: .*\\.$`))
  }
})

t.test('a 2025 batch is answered as one', async t => {
  const { url } = await build(t)
  const { text } = await post(url, [request('tools/list'), { ...request('ping'), id: 2 }])
  t.match(JSON.parse(text), [{ id: 1, result: { tools: [{}] } }, { id: 2, result: {} }])
})

t.test('a catalogue that notifies answers 2025 clients with a stream, and the modern ones too', async t => {
  const { url } = await build(t, {
    catalogue: {
      notifies: true,
      capabilities: { logging: {} },
      listTools: () => [],
      async callTool (name, args, { context }) {
        const progressToken = context?.mcpReq._meta?.progressToken ?? 0
        await context?.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
        return { content: [{ type: 'text', text: 'done' }] }
      }
    }
  })
  for (const headers of [{}, modernHeaders('tools/call', 'get_quote')]) {
    const modern = 'mcp-method' in headers
    const body = request('tools/call', { ...params, _meta: { progressToken: 7, ...(modern && envelope) } })
    const { text, headers: got } = await post(url, body, headers)
    t.equal(got.get('content-type'), 'text/event-stream')
    t.equal(got.get('x-accel-buffering'), 'no')
    t.ok(text.startsWith(': ok\n\n'))
    t.match(text, /notifications\/progress[^]*done/)
  }
})

t.test('a plain call is answered with the bytes that the SDK sends; what is odd in any way goes to the SDK', async t => {
  const { url: direct } = await build(t)
  const { url: whole } = await build(t, { direct: false })
  const modern = modernHeaders('tools/call', 'get_quote')
  const legacy = { 'mcp-protocol-version': '2025-11-25' }
  const meta = (extra: object) => request('tools/call', { ...params, _meta: { ...envelope, ...extra } })
  const plain = request('tools/call', params)
  const cases: [string, unknown, Record<string, string>][] = [
    ['modern', meta({}), modern],
    ['modern, id as text', { ...meta({}), id: 'a' }, modern],
    ['modern, no arguments', request('tools/call', { name: 'get_quote', _meta: envelope }), modern],
    ['modern, no client info', meta({ 'io.modelcontextprotocol/clientInfo': undefined }), modern],
    ['modern, capabilities', meta({ 'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, roots: { listChanged: true } } }), modern],
    ['modern, odd capabilities', meta({ 'io.modelcontextprotocol/clientCapabilities': { elicitation: 5 } }), modern],
    ['modern, no capabilities', meta({ 'io.modelcontextprotocol/clientCapabilities': undefined }), modern],
    ['modern, odd client info', meta({ 'io.modelcontextprotocol/clientInfo': { name: 5 } }), modern],
    ['modern, other version in the envelope', meta({ 'io.modelcontextprotocol/protocolVersion': '2025-11-25' }), modern],
    ['modern, progress token', meta({ progressToken: 1 }), modern],
    ['modern, other name in the header', meta({}), { ...modern, 'mcp-name': 'get_bars' }],
    ['modern, other method in the header', meta({}), { ...modern, 'mcp-method': 'tools/list' }],
    ['modern, no envelope', plain, modern],
    ['modern, arguments a list', request('tools/call', { name: 'get_quote', arguments: [], _meta: envelope }), modern],
    ['modern, unknown tool', request('tools/call', { name: 'get_x', _meta: envelope }), modernHeaders('tools/call', 'get_x')],
    ['modern, unknown version', meta({}), { ...modern, 'mcp-protocol-version': '2099-01-01' }],
    ['modern, id null', { ...meta({}), id: null }, modern],
    ['modern, id a fraction', { ...meta({}), id: 1.5 }, modern],
    ['modern, accepts JSON only', meta({}), { ...modern, accept: 'application/json' }],
    ['legacy', plain, legacy],
    ['legacy, 2025-03-26', plain, { 'mcp-protocol-version': '2025-03-26' }],
    ['legacy, no version', plain, {}],
    ['legacy, progress token', request('tools/call', { ...params, _meta: { progressToken: 1 } }), legacy],
    ['legacy, task', request('tools/call', { ...params, task: { ttl: 1 } }), legacy],
    ['legacy, accepts JSON only', plain, { ...legacy, accept: 'application/json' }],
    ['legacy, unknown tool', request('tools/call', { name: 'get_x' }), legacy],
    ['legacy, arguments a text', request('tools/call', { name: 'get_quote', arguments: 'x' }), legacy],
    ['legacy, a further member', { ...plain, extra: 1 }, legacy],
    ['legacy, a batch', [plain], legacy]
  ]
  const view = ({ status, headers, text }: Awaited<ReturnType<typeof post>>) => [status, headers.get('content-type'), text]
  for (const [name, body, headers] of cases) {
    t.same(view(await post(direct, body, headers)), view(await post(whole, body, headers)), name)
  }
})
