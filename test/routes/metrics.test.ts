import t from 'tap'
import { parseExposition, valueOf } from '../exposition.ts'
import { build, type World } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'

/** Reads `/metrics` as a Prometheus does, which refuses what is not its format. */
async function scrape ({ app }: World, token: string) {
  const { body } = await app.inject({ url: '/metrics', headers: { host: 'localhost', authorization: `Bearer ${token}` } })
  const families = parseExposition(body)
  return { body, families, of: (name: string, labels?: Record<string, string>) => valueOf(families, name, labels) }
}

t.test('GET /metrics tells an admin what is down and what was counted', async t => {
  const world = await build(t)
  const { app, connect, upstream } = world
  const { get, token: session } = await connect({ settings: { provider_order: ['finnhub'], caching: false } })
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const read = (bearer?: string) => app.inject({ url: '/metrics', headers: { host: 'localhost', ...(bearer && { authorization: `Bearer ${bearer}` }) } })
  t.equal((await read()).statusCode, 401)
  t.equal((await read(session)).statusCode, 401)

  await get('get_quote?symbols=AAPL')
  t.match((await read(token)).headers['content-type'], /^text\/plain; version=/)
  const fine = await scrape(world, token)
  t.equal(fine.of('fms_dependency_up', { dependency: 'provider:finnhub' }), 1)
  t.equal(fine.of('fms_breaker_state', { provider: 'finnhub' }), 0)
  t.equal(fine.of('fms_provider_requests_total', { provider: 'finnhub', outcome: 'ok' }), 1)
  t.equal(fine.of('fms_provider_request_duration_seconds_count', { provider: 'finnhub' }), 1)
  t.equal(fine.of('fms_tool_calls_total', { tool: 'get_quote', provider: 'finnhub', outcome: 'ok', cache: 'miss' }), 1)
  t.equal(fine.of('fms_tool_call_duration_seconds_count', { tool: 'get_quote', cache: 'miss' }), 1)
  t.equal(fine.of('fms_http_request_duration_seconds_count', { method: 'GET', route: '/api/tools/get_quote', status: '200' }), 1)
  t.equal(fine.of('fms_http_request_duration_seconds_count', { route: '/metrics', status: '401' }), 2)

  upstream.fault('finnhub', (_, response) => sendJson(response, 500, {}))
  for (let i = 0; i < 4; i++) await get('get_quote?symbols=AAPL')
  const { body, of } = await scrape(world, token)
  t.equal(of('fms_dependency_up', { dependency: 'provider:finnhub' }), 0)
  t.equal(of('fms_breaker_state', { provider: 'finnhub' }), 1)
  t.equal(of('fms_provider_requests_total', { provider: 'finnhub', outcome: 'unavailable' }), 5)
  t.equal(of('fms_provider_request_duration_seconds_count', { provider: 'finnhub' }), 6, 'what was not sent took no time')
  t.equal(of('fms_tool_calls_total', { provider: 'finnhub', outcome: 'PROVIDER_UNAVAILABLE' }), 4)
  t.notMatch(body, 'test-finnhub-key')
  const ready = await app.inject({ url: '/health/ready', headers: { host: 'localhost' } })
  t.equal(ready.statusCode, 200, 'a provider that is down takes no server out of service')
})

t.test('the tier that had an answer, the quota that is left and what waits are told, and no key or session', async t => {
  const world = await build(t)
  const { app, connect, upstream } = world
  const settings = { provider_order: ['finnhub' as const], quota: { finnhub: { per_minute: 10 } } }
  const { get, sessionId, connectionId, token: session } = await connect({ settings })
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })

  const before = await scrape(world, token)
  t.equal(before.of('fms_quota_left_requests', { provider: 'finnhub' }), undefined, 'nothing was sent, nothing is known')
  t.equal(before.of('fms_argon2_runs_total', { secret: 'password' }), 0)
  await get('get_quote?symbols=AAPL')
  await get('get_quote?symbols=AAPL')
  await get('get_quote?symbols=AAPL&max_age_seconds=1')
  await app.inject({ url: `/nothing/${session}`, headers: { host: 'localhost' } })

  const { body, of } = await scrape(world, token)
  t.ok(of('fms_tool_calls_total', { tool: 'get_quote', cache: 'miss' })! >= 1)
  t.ok(of('fms_tool_calls_total', { tool: 'get_quote', cache: 'memory' })! >= 1)
  t.ok(of('fms_quota_left_requests', { provider: 'finnhub', per: 'minute' })! < 10)
  t.ok(of('fms_quota_left_ratio', { provider: 'finnhub' })! < 1)
  t.equal(of('fms_sessions_open'), 1)
  t.equal(of('fms_build_info', { node_version: process.version }), 1)
  t.equal(of('fms_http_request_duration_seconds_count', { route: 'none', status: '404' }), 1, 'a path that is none of ours is no label')
  t.ok(of('fms_argon2_runs_total', { secret: 'session_token' })! >= 1)
  t.equal(of('fms_audit_dropped_events_total', { to: 'database' }), 0)
  t.equal(of('fms_bus_connected'), 1)
  t.ok(of('fms_cache_memory_bytes')! > 0)
  t.ok(of('fms_database_connections', { state: 'idle' })! + of('fms_database_connections', { state: 'used' })! >= 1)
  for (const name of [
    'fms_tool_calls_running', 'fms_mcp_streams_open', 'fms_argon2_running', 'fms_argon2_waiting', 'fms_audit_queue_events',
    'fms_provider_requests_running', 'fms_provider_requests_waiting', 'fms_quota_waiting_requests',
    'fms_database_waiting_requests', 'fms_cache_memory_entries', 'nodejs_eventloop_lag_p99_seconds',
    'process_resident_memory_bytes', 'process_cpu_seconds_total', 'process_start_time_seconds'
  ]) t.not(of(name), undefined, name)
  for (const secret of [sessionId, connectionId, 'test-finnhub-key', session.slice(-20), 'AAPL']) t.notMatch(body, secret)
  t.ok(upstream)
})

t.test('a request to a provider that is under way and one that waits are counted as such', async t => {
  const world = await build(t)
  const { app, connect, upstream } = world
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const held: (() => void)[] = []
  upstream.fault('finnhub', (_, response) => { held.push(() => sendJson(response, 200, {})) })
  const { get } = await connect({ settings: { provider_order: ['finnhub'], caching: false, quota: { finnhub: { per_second: null, per_minute: null } } } })
  const calls = Array.from({ length: 34 }, (_, i) => get(`get_quote?symbols=T${String.fromCharCode(65 + i % 26)}${String.fromCharCode(65 + i / 26)}`))
  let read = await scrape(world, token)
  while (read.of('fms_provider_requests_waiting', { provider: 'finnhub' }) !== 2) read = await scrape(world, token)
  t.equal(read.of('fms_provider_requests_running', { provider: 'finnhub' }), 32)
  t.equal(read.of('fms_tool_calls_running'), 34)
  upstream.fault('finnhub', (_, response) => sendJson(response, 200, {}))
  for (const end of held) end()
  await Promise.all(calls)
  t.equal((await scrape(world, token)).of('fms_tool_calls_running'), 0)
})

t.test('what cannot be read is left out of a scrape, which does not wait for it', async t => {
  const world = await build(t)
  const { app } = world
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  app.metrics.watch({ name: 'fms_broken', help: 'Fails when it is read' }, () => { throw new Error('not now') })
  app.metrics.watch({ name: 'fms_broken_rows', help: 'Fails when it is read', labels: ['of'] }, async () => { throw new Error('not now') })
  const { families, of } = await scrape(world, token)
  t.same(families.get('fms_broken')?.samples, [])
  t.same(families.get('fms_broken_rows')?.samples, [])
  t.equal(of('fms_bus_connected'), 1)
})

t.test('scrapes at once count nothing twice', async t => {
  const world = await build(t)
  const { token } = await world.app.admin.createToken({ name: 'test' }, { actor: 'system' })
  await world.connect()
  const reads = await Promise.all(Array.from({ length: 5 }, () => scrape(world, token)))
  for (const { of } of reads) t.equal(of('fms_sessions_open'), 1)
})

t.test('the strict reader of the tests finds what is wrong', async t => {
  const head = '# HELP fms_x_total what it is\n# TYPE fms_x_total counter\n'
  for (const [text, reason] of [
    ['fms_x_total 1\n', /no family/],
    [`${head}fms_x_total 1`, /line break/],
    [`${head}fms_x_total{a="1} 1\n`, /no sample|labels/],
    [`${head}fms_x_total{a="1",a="2"} 1\n`, /twice/],
    [`${head}fms_x_total 1\nfms_x_total 2\n`, /twice/],
    [`${head}fms_y_total 1\n`, /stands under/],
    [`${head}fms_x_total -1\n`, /counts/],
    ['# HELP fms_x what it is\n# TYPE fms_x counter\nfms_x 1\n', /is a counter/],
    ['# HELP fms_x_ms what it is\n# TYPE fms_x_ms gauge\nfms_x_ms 1\n', /base unit/],
    ['# HELP fms_x what it is\n# TYPE fms_x histogram\nfms_x_bucket{le="1"} 2\nfms_x_bucket{le="+Inf"} 1\nfms_x_sum 1\nfms_x_count 1\n', /buckets/]
  ] as const) t.throws(() => parseExposition(text), { message: reason }, text)
})
