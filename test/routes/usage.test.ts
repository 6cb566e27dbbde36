import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build, type World } from '../helper.ts'
import { until } from '../plugins/build-security.ts'

async function adminOf ({ app }: World) {
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  return async (query = '') => {
    const headers = { host: 'localhost', authorization: `Bearer ${token}` }
    const response = await app.inject({ url: `/api/usage${query}`, headers })
    return { status: response.statusCode, body: response.json() }
  }
}

t.test('calls are seen by time, tool, session and outcome, over REST and MCP', async t => {
  const world = await build(t)
  const read = await adminOf(world)
  const one = await world.connect({ keys: ['alpaca'], name: 'desk' })
  const two = await world.connect({ keys: ['alpaca'] })
  let characters = 0
  for (const path of ['get_quote?symbols=AAPL', 'get_quote?symbols=AAPL', 'get_bars?symbols=AAPL&limit=5', 'get_bars?symbols=AAPL&limit=5&format=csv']) {
    characters += (await one.get(path)).text.length
  }
  await one.get('get_quote?symbols=ZZZZ')
  const mcp = await world.app.inject({
    method: 'POST',
    url: '/mcp',
    headers: {
      host: 'localhost',
      authorization: `Bearer ${two.token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2025-11-25'
    },
    payload: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_quote', arguments: { symbols: ['AAPL'] } } })
  })
  const text: string = mcp.json().result.content[0].text

  for (const range of ['hour', 'day', 'week'] as const) {
    const { status, body } = await read(`?range=${range}`)
    t.equal(status, 200)
    t.match(body, {
      range,
      total: {
        calls: 6,
        failed: 1,
        hits: 2,
        hit_ratio: 0.4,
        p50_ms: Number,
        p95_ms: Number,
        tokens_estimated: Math.ceil((characters + text.length) / 2)
      },
      by_tool: [{ tool: 'get_quote', calls: 4, failed: 1, hits: 1 }, { tool: 'get_bars', calls: 2, hits: 1 }],
      by_session: [
        { connection_id: one.connectionId, connection_name: 'desk', session_id: one.sessionId, session_name: null, calls: 5 },
        { session_id: two.sessionId, calls: 1, hits: 0, tokens_estimated: Math.ceil(text.length / 2) }
      ],
      errors: [{ code: 'SYMBOL_NOT_FOUND', calls: 1 }]
    })
    const sum = (of: string) =>
      body.series.reduce((total: number, part: Record<string, number>) => total + part[of]!, 0)
    t.equal(sum('calls'), 6)
    t.equal(sum('failed'), 1)
  }
  t.match((await read()).body, { range: 'day' })
  t.match((await read(`?connection_id=${two.connectionId}`)).body, { total: { calls: 1 }, errors: [] })
  t.match((await read(`?session_id=${one.sessionId}&tool=get_bars`)).body, { total: { calls: 2 }, by_tool: [{ tool: 'get_bars' }] })
  t.match((await read('?tool=get_news')).body, {
    total: { calls: 0, hit_ratio: null, p50_ms: null, tokens_estimated: 0 }, by_tool: [], by_session: [], errors: []
  })
})

t.test('replicas add up, and what one of them counted is seen at the other without being asked for', async t => {
  const world = await build(t)
  const other = await build(t, { DATABASE_URL: world.config.databaseUrl! })
  const read = await adminOf(other)
  const { get, token } = await world.connect({ keys: ['alpaca'] })
  await get('get_quote?symbols=AAPL')
  const url = '/api/tools/get_quote?symbols=AAPL'
  await other.app.inject({ url, headers: { host: 'localhost', authorization: `Bearer ${token}` } })
  await until(async () => (await read()).body.total.calls === 2)
})

t.test('a connection that is deleted keeps its figures, without names', async t => {
  const world = await build(t)
  const read = await adminOf(world)
  const { connectionId, sessionId, get } = await world.connect({ keys: ['alpaca'] })
  await get('get_quote?symbols=AAPL')
  await world.app.connections.delete(connectionId, { actor: 'test' })
  t.match((await read()).body, {
    total: { calls: 1 },
    by_session: [{ connection_id: connectionId, session_id: sessionId, connection_name: null, session_name: null }]
  })
})

t.test('what waits is stored when the server stops', async t => {
  const world = await build(t)
  const next = await build(t, { DATABASE_URL: world.config.databaseUrl! })
  const { get } = await world.connect({ keys: ['alpaca'] })
  await get('get_quote?symbols=AAPL')
  await world.app.close()
  t.match((await (await adminOf(next))()).body, { total: { calls: 1 } })
})

t.test('a question that is not valid, and one that no admin asks, is refused', async t => {
  const world = await build(t)
  const read = await adminOf(world)
  for (const query of ['?range=year', '?range=', '?connection_id=x', '?session_id=1', '?tool=Get', '?limit=5']) {
    t.match((await read(query)).body, { status: 400, code: 'FMS_INVALID_INPUT' }, query)
  }
  const { token } = await world.connect()
  for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
    const response = await world.app.inject({ url: '/api/usage', headers: { host: 'localhost', ...headers } })
    t.match(response.json(), { status: 401, code: 'FMS_UNAUTHENTICATED' })
  }
})

t.test('who waits for a client sees its name and its first call a moment after they came', async t => {
  const world = await build(t)
  const { app, connect } = world
  const { token: admin } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const { sessionId, connectionId, token } = await connect({ keys: ['alpaca'] })
  const read = async () => (await app.inject({ url: `/api/sessions/${sessionId}`, headers: { host: 'localhost', authorization: `Bearer ${admin}` } })).json()
  const send = (method: string, params: object) => app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { host: 'localhost', authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
    payload: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  })
  t.match(await read(), { last_used_at: null, first_call_at: null, client_name: null, calls_today: 0 })
  await send('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test-client', version: '1.2' } })
  await until(async () => (await read()).client_name === 'test-client')
  t.match(await read(), { client_version: '1.2', last_used_at: String, first_call_at: null })
  await send('tools/call', { name: 'get_quote', arguments: { symbols: ['AAPL'] } })
  await until(async () => (await read()).first_call_at !== null)
  const first = await read()
  t.match(first, { calls_today: 1, client_name: 'test-client' })
  await sleep(5)
  await send('tools/call', { name: 'get_quote', arguments: { symbols: ['AAPL'] } })
  await app.sessions.flush()
  t.match(await read(), { calls_today: 2, first_call_at: first.first_call_at })
  const headers = { host: 'localhost', authorization: `Bearer ${admin}` }
  const list = await app.inject({ url: `/api/connections/${connectionId}/sessions`, headers })
  t.match(list.json(), [{ session_id: sessionId, calls_today: 2, first_call_at: first.first_call_at }])
  const none = await app.inject({ url: '/api/sessions/00000000-0000-4000-8000-000000000000', headers })
  t.match(none.json(), { status: 404, code: 'FMS_NOT_FOUND' })
})
