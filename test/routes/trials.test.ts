import t, { type Test } from 'tap'
import { estimateTokens } from '../../tools/budget.ts'
import { build } from '../helper.ts'
import { until } from '../plugins/build-security.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const MCP = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' }

async function world (t: Test, env: Record<string, string> = {}) {
  const all = await build(t, env)
  const { app } = all
  const { token, id } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const call = (method: 'GET' | 'POST', url: string, body?: unknown, authorization = `Bearer ${token}`) => app.inject({
    method,
    url,
    headers: { host: 'localhost', authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { payload: JSON.stringify(body) })
  })
  return { ...all, call, actor: `admin_token:${id}` }
}

t.test('the tools of a connection are those that its sessions see', async t => {
  const { call, connect } = await world(t)
  const { connectionId, token } = await connect()
  const listed = await call('GET', `/api/connections/${connectionId}/tools`)
  t.equal(listed.statusCode, 200)
  t.same(listed.json(), (await call('GET', '/api/tools', undefined, `Bearer ${token}`)).json())
})

t.test('an admin gets what a client gets, and the very text that a model sees', async t => {
  const { app, call, connect, actor } = await world(t)
  const { connectionId, token, get } = await connect({ keys: ['alpaca'], settings: { cache_scope: 'connection' } })
  const args = { symbols: ['AAPL', 'MSFT'] }
  const rest = await get('get_quote?symbols=AAPL,MSFT')
  const tried = await call('POST', `/api/connections/${connectionId}/tools/get_quote`, args)
  t.equal(tried.statusCode, 200)
  t.match(tried.headers['cache-control'], /no-store/)
  const { answer, table, text, tokens_estimated: tokens, latency_ms: ms } = tried.json()
  t.same(answer.data, rest.body.data)
  t.match(answer.meta, { provider: 'alpaca', cache: { hit: true } }, 'out of the cache of the connection')
  t.ok(Number.isInteger(ms))
  t.equal(tokens, estimateTokens(text))
  t.ok(table.columns.includes('price') && table.rows.length === 2)
  const mcp = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { host: 'localhost', authorization: `Bearer ${token}`, 'content-type': 'application/json', ...MCP },
    payload: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_quote', arguments: args } })
  })
  const seen: string = mcp.json().result.content[0].text
  const timeless = (text: string) => text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\d+ s\b/g, '')
  t.equal(timeless(text), timeless(seen))

  await app.audit.flush()
  const [row] = (await app.audit.list({ action: 'tool.call', actor })).items
  t.match(row, { target: 'get_quote', outcome: 'ok', connection_id: connectionId, session_id: null, details: { transport: 'trial' } })
  const { by_session: sessions } = await app.usage.history({ connection_id: connectionId })
  t.match(sessions.find(({ session_id: id }) => id === null), { calls: 1, hits: 1 })
})

t.test('without a body a tool gets no arguments, and usage tells of admins', async t => {
  const { call, connect } = await world(t)
  const { connectionId } = await connect({ keys: ['alpaca'] })
  const url = `/api/connections/${connectionId}/tools`
  await call('POST', `${url}/get_quote`, { symbols: ['AAPL'] })
  const usage = await call('POST', `${url}/get_usage`)
  t.equal(usage.statusCode, 200)
  const session = { session_id: null, calls_today: 1, by_tool: { get_quote: 1 } }
  t.match(usage.json(), { table: null, answer: { data: { session } } })
})

t.test('an admin\'s call has a cache of its own where sessions have theirs', async t => {
  const { call, connect } = await world(t)
  const { connectionId, get } = await connect({ keys: ['alpaca'] })
  await get('get_quote?symbols=AAPL')
  const url = `/api/connections/${connectionId}/tools/get_quote`
  t.match((await call('POST', url, { symbols: ['AAPL'] })).json(), { answer: { meta: { cache: { hit: false } } } })
  t.match((await call('POST', url, { symbols: ['AAPL'] })).json(), { answer: { meta: { cache: { hit: true } } } })
  t.match((await get('get_quote?symbols=AAPL')).body, { meta: { cache: { hit: true } } })
})

t.test('what a client is refused an admin is refused too, by the same codes, and it is recorded', async t => {
  const { app, call, connect, upstream, actor } = await world(t)
  const { connectionId } = await connect({ keys: ['alpaca'] })
  const url = `/api/connections/${connectionId}/tools`
  for (const [tool, body, status, code] of [
    ['get_quote', {}, 400, 'FMS_INVALID_INPUT'],
    ['get_quote', { symbols: ['AAPL'], colour: 'red' }, 400, 'FMS_INVALID_INPUT'],
    ['get_quote', { symbols: ['ZZZZ'] }, 404, 'FMS_SYMBOL_NOT_FOUND'],
    ['get_quotes', {}, 404, 'FMS_TOOL_NOT_FOUND']
  ] as const) {
    const response = await call('POST', `${url}/${tool}`, body)
    t.match(response.json(), { status, code }, `${tool} ${JSON.stringify(body)}`)
  }
  upstream.fault('alpaca', (_, response) => { response.writeHead(401).end('{}') })
  t.match((await call('POST', `${url}/get_quote`, { symbols: ['AAPL'] })).json(), { code: 'FMS_PROVIDER_REJECTED_KEY' })
  await app.audit.flush()
  const { items } = await app.audit.list({ action: 'tool.call', actor })
  t.same(items.map(({ outcome }) => outcome), ['PROVIDER_REJECTED_KEY', 'TOOL_NOT_FOUND', 'SYMBOL_NOT_FOUND', 'INVALID_INPUT', 'INVALID_INPUT'])
  const { errors, by_tool: tools } = await app.usage.history({ connection_id: connectionId })
  t.match(errors.find(({ code }) => code === 'INVALID_INPUT'), { calls: 2 })
  t.match(tools.find(({ tool }) => tool === 'unknown'), { calls: 1, failed: 1 })
})

t.test('a connection that is not there, arguments that are none, and who is no admin are refused', async t => {
  const { call, connect } = await world(t)
  const { connectionId, token } = await connect()
  for (const id of [UNKNOWN, 'x']) {
    const [status, code] = id === 'x' ? [400, 'FMS_INVALID_INPUT'] : [404, 'FMS_NOT_FOUND']
    t.match((await call('GET', `/api/connections/${id}/tools`)).json(), { status, code })
    t.match((await call('POST', `/api/connections/${id}/tools/get_quote`, {})).json(), { status, code })
  }
  const url = `/api/connections/${connectionId}/tools/get_quote`
  for (const body of [[], 'AAPL', 5]) t.match((await call('POST', url, body)).json(), { status: 400, code: 'FMS_INVALID_INPUT' })
  t.match((await call('POST', url, {}, `Bearer ${token}`)).json(), { status: 401, code: 'FMS_UNAUTHENTICATED' })
  t.match((await call('GET', `/api/connections/${connectionId}/tools`, undefined, `Bearer ${token}`)).json(), { status: 401 })
})

t.test('a caller who goes away ends the call', async t => {
  const { app, connect, upstream } = await world(t, { PROVIDER_DEADLINE_SECONDS: '50', CALL_DEADLINE_SECONDS: '55' })
  const { connectionId } = await connect({ keys: ['alpaca'] })
  const { token, id } = await app.admin.createToken({ name: 'leaver' }, { actor: 'system' })
  upstream.fault('alpaca', () => {})
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const leave = new AbortController()
  const call = fetch(`${url}/api/connections/${connectionId}/tools/get_quote`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ symbols: ['AAPL'] }),
    signal: leave.signal
  })
  await until(() => upstream.requests.length > 0)
  leave.abort()
  await t.rejects(call)
  await until(() => upstream.aborted() > 0)
  await until(async () => {
    await app.audit.flush()
    return (await app.audit.list({ actor: `admin_token:${id}` })).items[0]?.outcome === 'cancelled'
  })
})
