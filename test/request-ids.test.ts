import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { build } from './helper.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const MODERN = '2026-07-28'

async function serve (t: Test) {
  const world = await build(t, { LOG_LEVEL: 'debug' })
  const session = await world.connect({ settings: { provider_order: ['finnhub'], caching: false } })
  const url = await world.app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => world.app.server.closeAllConnections())
  const lines = () => world.logs.map(line => JSON.parse(line) as Record<string, unknown>)
  /** Lines of attempts at providers since it was asked last. */
  let seen = 0
  const attempts = () => {
    const found = lines().slice(seen).filter(({ msg }) => msg === 'a provider was asked')
    seen = world.logs.length
    return found
  }
  return { ...world, ...session, url, lines, attempts }
}

t.test('each attempt at a provider is a line with the id that its answer carries, by every transport', async t => {
  const { url, token, attempts, lines, app } = await serve(t)
  const authorization = `Bearer ${token}`
  const accept = 'application/json, text/event-stream'
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_quote', arguments: { symbols: ['AAPL'] } } }
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '9' },
    'io.modelcontextprotocol/clientCapabilities': {}
  }
  const post = (headers: Record<string, string>, body: object) => fetch(`${url}/mcp`, {
    method: 'POST', headers: { authorization, accept, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body)
  })
  const modern = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'get_quote' }
  const asked = {
    REST: () => fetch(`${url}/api/tools/get_quote?symbols=AAPL`, { headers: { authorization } }),
    'MCP, plain': () => post(modern, { ...call, params: { ...call.params, _meta: meta } }),
    'MCP, by the SDK': () => post(modern, { ...call, params: { ...call.params, _meta: { ...meta, progressToken: 1 } } }),
    'MCP of 2025': () => post({ 'mcp-protocol-version': '2025-06-18' }, call)
  }
  for (const [transport, ask] of Object.entries(asked)) {
    const response = await ask()
    await response.text()
    const id = response.headers.get('x-request-id')
    t.match(id, UUID, transport)
    t.match(attempts(), [{ request_id: id, provider: 'finnhub', outcome: 'ok', ms: Number }], transport)
  }

  const client = new ClientV1({ name: 'test', version: '1' })
  const ids: string[] = []
  const watching: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (init?.method === 'POST') ids.push(String(response.headers.get('x-request-id')))
    return response
  }
  await client.connect(new SSEClientTransport(new URL('/mcp', url), { requestInit: { headers: { authorization } }, fetch: watching }))
  await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } })
  const [line] = attempts()
  t.ok(ids.includes(String(line?.['request_id'])), 'HTTP+SSE: the id of the request that brought the call')
  await client.close()

  for (const line of lines()) t.notOk('reqId' in line || ('trace_id' in line), 'no other name, and no trace where there is none')
  await app.audit.flush()
  const { items } = await app.audit.list({ action: 'tool.call' })
  t.same(new Set(items.map(({ request_id: id }) => id)).size, 5, 'the audit log has the ids')
})

t.test('what failed inside is found in the log under the id of the answer', async t => {
  const { app, url, token, lines } = await serve(t)
  app.connections.settingsOf = async () => { throw new Error('something unforeseen') }
  const response = await fetch(`${url}/api/tools/get_quote?symbols=AAPL`, { headers: { authorization: `Bearer ${token}` } })
  t.equal(response.status, 500)
  const id = response.headers.get('x-request-id')
  const found = lines().filter(({ request_id: known }) => known === id)
  t.match(found.map(({ msg }) => msg), ['a tool failed', 'a request failed'])
  t.match(found[0], { err: { message: 'something unforeseen' } })
})

t.test('refusals carry an id too, those of a URL that cannot be read as well', async t => {
  const { url } = await serve(t)
  for (const path of ['/nowhere', '/api/whoami', '/health/ready', '/%zz']) {
    const id = await new Promise(resolve => request(`${url}${path}`, response => {
      response.resume().once('end', () => resolve(response.headers['x-request-id']))
    }).end())
    t.match(id, UUID, path)
  }
})
