import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { test, type Test } from 'tap'
import type { SessionRequest } from '../schemas/sessions.ts'
import { build, type ConnectOptions } from './helper.ts'

const by = { actor: 'test' }
const INFO = { name: 'test-client', version: '1.2.3' }

/** The server on a port, and a session of this scope. */
async function serve (t: Test, request: SessionRequest, options: ConnectOptions = {}) {
  const { app, config, connect, upstream } = await build(t)
  const { connectionId, token: free } = await connect(options)
  const { access_token: token, session_id: sessionId } = await app.sessions.create(connectionId, request, by)
  const url = new URL('/mcp', await app.listen({ host: '127.0.0.1', port: 0 }))
  t.teardown(() => app.server.closeAllConnections())
  const headers = { authorization: `Bearer ${token}` }
  const get = async (path: string, own: Record<string, string> = headers) => {
    const response = await fetch(new URL(path, url), { headers: own })
    return { status: response.status, body: await response.json() as any }
  }
  return { app, config, url, headers, free, token, sessionId, connectionId, upstream, get }
}

const CLIENTS: Record<string, (url: URL, headers: Record<string, string>) => Promise<Pick<Client, 'listTools' | 'callTool' | 'close'>>> = {
  async modern (url, headers) {
    const client = new Client(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
    return client
  },
  async legacy (url, headers) {
    const client = new Client(INFO, { versionNegotiation: { mode: 'legacy' } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
    return client
  },
  async 'HTTP+SSE' (url, headers) {
    const client = new ClientV1(INFO)
    await client.connect(new SSEClientTransport(url, { requestInit: { headers } }))
    return client as unknown as Client
  }
}

for (const [kind, connect] of Object.entries(CLIENTS)) {
  test(`${kind}: a session sees and calls the tools of its scope, and is known by its client`, async t => {
    const { app, url, headers, sessionId } = await serve(t, { scope: { tools: ['get_quote', 'get_market_status'] } })
    const client = await connect(url, headers)
    await app.sessions.flush()
    t.match(await app.sessions.get(sessionId), { client_name: 'test-client', client_version: '1.2.3', last_address: '127.0.0.1' },
      'before its first call')
    t.same((await client.listTools()).tools.map(({ name }) => name), ['get_quote', 'get_market_status'])
    t.match(await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } }), { structuredContent: { data: {} } })
    t.match(await client.callTool({ name: 'get_bars', arguments: { symbols: ['AAPL'] } }), {
      isError: true,
      content: [{ text: 'This session may not call get_bars. It may call get_quote, get_market_status. (FMS_FORBIDDEN)' }]
    })
    await client.close()
  })
}

test('REST: a session sees and calls the tools of its scope, and is known by its user agent', async t => {
  const { app, get, headers, sessionId } = await serve(t, { scope: { tools: ['get_quote'] } })
  t.same((await get('/api/tools')).body.tools.map(({ name }: { name: string }) => name), ['get_quote'])
  t.match(await get('/api/tools/get_quote?symbols=AAPL'), { status: 200 })
  t.match(await get('/api/tools/get_bars?symbols=AAPL'), {
    status: 403, body: { code: 'FMS_FORBIDDEN', detail: 'This session may not call get_bars. It may call get_quote.', suggestions: ['get_quote'] }
  })
  t.match(await get('/api/tools/get_nothing'), { status: 404, body: { detail: /There are get_quote\.$/ } })
  t.match(await get('/api/whoami'), { body: { scope: { tools: ['get_quote'] } } })
  for (const [agent, name, version] of [['curl/8.5.0', 'curl', '8.5.0'], ['Test (a desk) of/1', 'Test (a desk) of/1', '']] as const) {
    await get('/api/tools/get_quote?symbols=AAPL', { ...headers, 'user-agent': agent })
    await app.sessions.flush()
    t.match(await app.sessions.get(sessionId), { client_name: name, client_version: version })
  }
})

test('a session asks the providers of its scope only, and is not shown what another had of others', async t => {
  const { get, free, upstream } = await serve(t, { scope: { providers: ['fmp'] } },
    { keys: ['alpaca', 'fmp'], settings: { cache_scope: 'connection' } })
  const path = '/api/tools/get_quote?symbols=AAPL'
  t.match(await get(path, { authorization: `Bearer ${free}` }), { body: { meta: { provider: 'alpaca' } } })
  const asked = upstream.requests.length
  t.match(await get(path), { body: { meta: { provider: 'fmp', cache: { hit: false } } } })
  t.same(upstream.requests.slice(asked).filter(request => request.provider !== 'fmp'), [])
  t.match(await get(`${path}&provider=alpaca`), { status: 403, body: { code: 'FMS_FORBIDDEN', detail: /may not ask Alpaca/ } })
  t.match((await get('/api/tools/get_usage')).body.data.providers, [{ provider: 'fmp' }])
})

test('where no provider of the scope is asked by the connection, a call is refused', async t => {
  const { get } = await serve(t, { scope: { providers: ['finnhub'] } },
    { keys: ['alpaca'], settings: { provider_order: ['alpaca'] } })
  t.match(await get('/api/tools/get_quote?symbols=AAPL'), {
    status: 403, body: { code: 'FMS_FORBIDDEN', detail: /Finnhub only, which its connection does not ask/ }
  })
})

test('a session makes so many calls in 24 hours, over all replicas; to ask what is left is none', async t => {
  const { get, config, token, free } = await serve(t, { scope: { calls_per_day: 3 } })
  const { app: other } = await build(t, { DATABASE_URL: config.databaseUrl! })
  const authorization = `Bearer ${token}`
  const there = () => other.inject({ url: '/api/tools/get_market_status', headers: { host: 'localhost', authorization } })
  const usage = async () => (await get('/api/tools/get_usage')).body.data.session
  t.same((await usage()).calls_per_day, { limit: 3, used: 0, left: 3, frees_at: null })
  t.equal((await get('/api/tools/get_market_status')).status, 200)
  t.equal((await there()).statusCode, 200)
  t.equal((await get('/api/tools/get_quote?symbol=AAPL')).status, 400, 'what is not understood is not counted')
  t.equal((await get('/api/tools/get_market_status')).status, 200)
  t.match((await there()).json(), { code: 'FMS_RATE_LIMITED', status: 429, detail: /made 3 calls in 24 hours/ })
  const { body: { retry_after_seconds: seconds } } = await get('/api/tools/get_market_status')
  t.ok(seconds > 80_000 && seconds < 90_000, String(seconds))
  t.match((await usage()).calls_per_day, { used: 3, left: 0, frees_at: /Z$/ })
  t.equal((await get('/api/tools/get_usage', { authorization: `Bearer ${free}` })).body.data.session.calls_per_day, null)
})

test('a session is used from the addresses of its scope', async t => {
  const { app, get, url, headers, sessionId } = await serve(t, { scope: { addresses: ['192.0.2.0/24', '127.0.0.0/8'] } })
  t.equal((await get('/api/whoami')).status, 200)
  const { access_token: token = '' } = await app.sessions.update(sessionId, { scope: { addresses: ['192.0.2.0/24'] } }, by)
  t.equal((await get('/api/whoami')).status, 401, 'the former token')
  const own = { authorization: `Bearer ${token}` }
  t.match(await get('/api/whoami', own), { status: 403, body: { code: 'FMS_FORBIDDEN', detail: /not be used from 127\.0\.0\.1/ } })
  const response = await fetch(url, { method: 'POST', headers: { ...headers, ...own, 'content-type': 'application/json' }, body: '{}' })
  t.equal(response.status, 403)
})

test('a client rotates its own session with the current token', async t => {
  const { app, url, get, headers, sessionId } = await serve(t, {})
  const rotate = (own: Record<string, string>, body: object) => fetch(new URL('/api/session/rotate', url), {
    method: 'POST', headers: { ...own, 'content-type': 'application/json' }, body: JSON.stringify(body)
  })
  const response = await rotate(headers, { grace_seconds: 600 })
  t.equal(response.status, 200)
  t.match(response.headers.get('cache-control'), 'no-store')
  const { access_token: token } = await response.json() as { access_token: string }
  t.equal((await get('/api/whoami')).status, 200)
  const again = await rotate(headers, {})
  t.match([again.status, await again.json()], [403, { code: 'FMS_FORBIDDEN', detail: /rotate with the new one/ }])
  t.equal((await rotate({ authorization: `Bearer ${token}` }, { grace_seconds: 604_801 })).status, 400)
  t.equal((await rotate({ authorization: `Bearer ${token}` }, {})).status, 200)
  t.equal((await get('/api/whoami')).status, 401)
  t.match((await app.audit.list({ action: 'session.rotate' })).items, [{ actor: `session:${sessionId}` }, { actor: `session:${sessionId}` }])
})
