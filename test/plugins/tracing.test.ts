import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { build, type ConnectOptions } from '../helper.ts'
import { startCollector, type Collector, type ReceivedSpan } from '../otlp.ts'
import { buildOnce } from '../server/process.ts'
import { sendJson } from '../upstream/index.ts'

// What its library reads by itself: how long spans wait for others, and what the service is called.
process.env['OTEL_BSP_SCHEDULE_DELAY'] = '20'
process.env['OTEL_SERVICE_NAME'] = 'market-data'
process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'deployment.environment.name=test'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`
const MODERN = '2026-07-28'
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '9' },
  'io.modelcontextprotocol/clientCapabilities': {}
}

async function buildTraced (t: Test, env: Record<string, string> = {}, options: ConnectOptions = {}) {
  const collector = await startCollector(t)
  const world = await build(t, { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`, ...env })
  const session = await world.connect({ settings: { provider_order: ['finnhub'] }, ...options })
  return { ...world, ...session, collector }
}

/** The first span that fits, as soon as it has come. */
async function spanOf (collector: Collector, fits: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
  for (;;) {
    const span = collector.spans.find(fits)
    if (span) return span
    await sleep(20)
  }
}
const named = (name: string, traceId?: string) => (span: ReceivedSpan) =>
  span.name === name && (traceId === undefined || span.trace_id === traceId)

t.test('traceparent of a request is carried over the call and the cache to each attempt at a provider, and ends there', async t => {
  const { get, collector, upstream, logs } = await buildTraced(t)
  let failures = 0
  upstream.fault('finnhub', (_, response) => failures++ ? false : sendJson(response, 500, {}))
  const { status, headers } = await get('get_quote?symbols=AAPL', { traceparent: TRACEPARENT, baggage: 'user=hidden-baggage' })
  t.equal(status, 200)

  const request = await spanOf(collector, named('GET /api/tools/get_quote', TRACE))
  t.match(request, { parent_id: PARENT, kind: 2, attributes: { 'http.route': '/api/tools/get_quote', 'url.path': '/api/tools/get_quote', 'http.response.status_code': 200 } })
  t.equal(request.attributes['fms.request_id'], headers['x-request-id'])
  const call = await spanOf(collector, named('tools/call get_quote', TRACE))
  t.match(call, { parent_id: request.span_id, kind: 1, links: [], attributes: { 'gen_ai.tool.name': 'get_quote', 'fms.transport': 'rest' } })
  const cache = await spanOf(collector, named('cache', TRACE))
  t.match(cache, { parent_id: call.span_id, attributes: { 'fms.cache': 'miss' } })
  const attempts = await Promise.all(['unavailable', 'ok'].map(outcome =>
    spanOf(collector, span => span.name === 'GET finnhub' && span.attributes['fms.outcome'] === outcome)))
  for (const attempt of attempts) t.match(attempt, { trace_id: TRACE, parent_id: cache.span_id, kind: 3, attributes: { 'fms.provider': 'finnhub' } })
  t.match(attempts.map(({ status }) => status), [2, 0])
  t.equal(attempts[1]?.attributes['http.request.resend_count'], 1)

  t.match(collector.resource, { 'service.name': 'market-data', 'deployment.environment.name': 'test', 'service.version': /^\d/ })
  for (const { headers } of upstream.requests) {
    for (const header of ['traceparent', 'tracestate', 'baggage']) t.notOk(header in headers, `${header} is not told to a provider`)
  }
  const lines = logs.map(line => JSON.parse(line)).filter(({ request_id: id }) => id === headers['x-request-id'])
  t.ok(lines.length >= 2)
  for (const line of lines) t.equal(line.trace_id, TRACE, line.msg)
})

t.test('traceparent of an MCP message is what its call is under, and the request is linked', async t => {
  const { app, token, collector } = await buildTraced(t)
  // The direct way, and that of the SDK, which a progress token is for.
  for (const meta of [{}, { progressToken: 1 }]) {
    const trace = TRACE.replace(/^../, 'progressToken' in meta ? 'bb' : 'aa')
    const { statusCode, json } = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: {
        host: 'localhost',
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': MODERN,
        'mcp-method': 'tools/call',
        'mcp-name': 'get_quote'
      },
      payload: {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'get_quote',
          arguments: { symbols: ['AAPL'] },
          _meta: { ...ENVELOPE, ...meta, traceparent: TRACEPARENT.replace(TRACE, trace) }
        }
      }
    })
    t.equal(statusCode, 200)
    t.notOk(json().result.isError)
    const call = await spanOf(collector, named('tools/call get_quote', trace))
    t.match(call, { parent_id: PARENT, kind: 2, attributes: { 'fms.transport': 'mcp' } })
    const request = await spanOf(collector, span => span.span_id === call.links[0]?.[1])
    t.equal(request.name, 'POST /mcp')
    t.not(request.trace_id, trace)
  }
})

t.test('a call over HTTP+SSE is under the request that brought it', async t => {
  const { app, token, collector } = await buildTraced(t)
  const url = new URL('/mcp', await app.listen({ host: '127.0.0.1', port: 0 }))
  t.teardown(() => app.server.closeAllConnections())
  const client = new ClientV1({ name: 'test', version: '1' })
  await client.connect(new SSEClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${token}`, traceparent: TRACEPARENT } } }))
  await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } })
  const call = await spanOf(collector, named('tools/call get_quote', TRACE))
  t.match(await spanOf(collector, span => span.span_id === call.parent_id), { name: 'POST /messages' })
  await client.close()
})

t.test('no span holds a token, a query, a key or the text of an error', async t => {
  const { app, get, token, collector, upstream } = await buildTraced(t, { ALLOW_QUERY_TOKENS: 'true' })
  const oneTime = await app.oneTimeTokens.create((await app.sessions.verify(token)).session_id, {}, 'http://localhost', { actor: 'test' })
  const ask = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers: { host: 'localhost', ...headers } })
  upstream.fault('finnhub', (_, response) => sendJson(response, 403, { error: 'hidden-words test-finnhub-key' }))
  await get('get_quote?symbols=HIDDENSYM')
  await ask(`/api/whoami?token=${token}`)
  await ask(`/nowhere/${token}?api_key=hidden-query`)
  await ask(`/mcp/connect/${oneTime.one_time_token}`)
  await app.inject({ method: 'POST', url: `/mcp/connect/messages/${'i'.repeat(43)}.${'p'.repeat(43)}`, headers: { host: 'localhost', 'content-type': 'application/json' }, payload: '{' })
  await app.inject({ method: 'POST', url: '/api/login', headers: { host: 'localhost', origin: 'http://localhost' }, payload: { name: 'a', password: 'hidden-password' } })
  await ask('/api/connections/not-an-id', { authorization: `Bearer ${token}` })
  await app.close()
  t.ok(collector.spans.length > 8)
  const secrets = [
    token.slice(-30), oneTime.one_time_token.slice(-30), 'HIDDENSYM', 'hidden', 'test-finnhub-key', 'p'.repeat(43), 'not-an-id'
  ]
  for (const secret of secrets) t.notOk(collector.raw.some(body => body.includes(secret)), `${secret} is in no span`)
  for (const { name, attributes, status_message: message, events } of collector.spans) {
    t.notMatch(Object.values(attributes).join(), /\?/, `${name} has no query`)
    t.equal(message, '', name)
    t.equal(events, 0, name)
  }
  t.match(collector.spans.find(({ attributes }) => attributes['http.response.status_code'] === 404 && attributes['url.path'] === 'unknown')?.name, 'GET')
})

t.test('probes and scrapes are no traces, and a request that nobody waited for is one', async t => {
  const { app, token, collector, upstream } = await buildTraced(t)
  let arrived = () => {}
  const asked = new Promise<void>(resolve => { arrived = resolve })
  upstream.fault('finnhub', () => { arrived() })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const leave = new AbortController()
  await fetch(`${url}/health/ready`)
  await fetch(`${url}/metrics`)
  const left = fetch(`${url}/api/tools/get_quote?symbols=AAPL`, { headers: { authorization: `Bearer ${token}` }, signal: leave.signal })
  await asked
  leave.abort()
  await t.rejects(left)
  await spanOf(collector, named('GET /api/tools/get_quote'))
  await app.close()
  t.same(collector.spans.filter(({ name }) => /health|metrics/.test(name)), [])
})

t.test('a sampler of the environment is honoured', async t => {
  process.env['OTEL_TRACES_SAMPLER'] = 'always_off'
  t.teardown(() => { delete process.env['OTEL_TRACES_SAMPLER'] })
  const { app, get, collector } = await buildTraced(t)
  t.equal((await get('get_quote?symbols=AAPL', { traceparent: TRACEPARENT })).status, 200)
  await app.close()
  t.same(collector.spans, [])
})

t.test('a collector that fails costs no call, is told of once, and once when it is back', async t => {
  const { get, collector, logs } = await buildTraced(t)
  const told = (text: string) => logs.filter(line => line.includes(text)).length
  collector.answer(400)
  const callUntil = async (isSo: () => boolean) => {
    for (; !isSo(); await sleep(30)) {
      const { status } = await get('get_quote?symbols=AAPL')
      if (status !== 200) throw new Error(`a call failed with ${status}`)
    }
  }
  await callUntil(() => told('traces cannot be sent') > 0)
  const refused = collector.requests()
  await callUntil(() => collector.requests() > refused + 1)
  t.equal(told('traces cannot be sent'), 1)
  collector.answer(200)
  await callUntil(() => told('traces are sent again') > 0)
  t.equal(told('traces are sent again'), 1)
})

t.test('a collector that does not answer does not hold up a stop', async t => {
  const { app, get } = await buildTraced(t, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
  await get('get_quote?symbols=AAPL')
  await app.close()
})

t.test('without a collector nothing of OpenTelemetry is loaded but what the metrics bring', async t => {
  buildOnce()
  const root = join(import.meta.dirname, '..', '..')
  const script = `
    import { createRequire } from 'node:module'
    await import(${JSON.stringify(join(root, 'dist', 'app.js'))})
    const files = Object.keys(createRequire(import.meta.url).cache)
    console.log(JSON.stringify([...new Set(files.map(file => /node_modules\\/(@opentelemetry\\/[^/]+|@fastify\\/[^/]+)/.exec(file)?.[1]))]))`
  const { NODE_OPTIONS: _, ...env } = process.env
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: root, env, encoding: 'utf8' })
  const loaded = JSON.parse(output) as (string | null)[]
  t.ok(loaded.includes('@fastify/cookie'), 'the packages are seen')
  t.same(loaded.filter(name => name?.startsWith('@opentelemetry/')), ['@opentelemetry/api'])
  t.notOk(loaded.includes('@fastify/otel'))
})
