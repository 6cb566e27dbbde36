import { setTimeout as sleep } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { buildApp } from '../../app.ts'
import { build, testKey, type World } from '../helper.ts'
import { needsRedis, needsRedisServer, startRedis, startRedisServer } from '../redis.ts'
import { sendJson } from '../upstream/index.ts'

const by = { actor: 'test' }
const free = { fmp: { per_day: null }, finnhub: { per_second: null, per_minute: null }, alpaca: { per_minute: null } }

/** Symbols that no other call asks for, so that nothing comes out of the cache. */
let symbols = 0
const fresh = () => {
  const number = symbols++
  return `A${[1, 25, 625].map(unit => String.fromCharCode(65 + Math.floor(number / unit) % 25)).join('')}`
}

const usageOf = async ({ app }: World, connectionId: string, provider: string) => {
  const settings = await app.connections.settingsOf(connectionId)
  return (await app.usage.providersOf(connectionId, settings)).find(row => row.provider === provider)!
}

/** Another server on the same database, Redis and providers. */
async function replica (t: Test, { config }: World) {
  const app = await buildApp({ config, log: () => {} })
  t.teardown(() => app.close())
  await app.ready()
  return app
}

async function spendOnReplicas (t: Test, env: Record<string, string> = {}): Promise<void> {
  const world = await build(t, env)
  const { app, upstream, connect } = world
  const { connectionId, token } = await connect({ keys: ['polygon', 'fmp'], settings: { provider_order: ['polygon', 'fmp'], quota: free } })
  const ask = async (server: typeof app, more = '') => {
    const headers = { host: 'localhost', authorization: `Bearer ${token}` }
    const response = await server.inject({ url: `/api/tools/get_quote?symbols=${fresh()}${more}`, headers })
    return { status: response.statusCode, body: response.json() }
  }
  const sentTo = (name: string) => upstream.requests.filter(({ provider }) => provider === name)

  const other = await replica(t, world)
  const first = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(i % 2 ? app : other)))
  await other.close()
  const again = await replica(t, world)
  const second = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(i % 2 ? app : again)))

  t.equal(sentTo('polygon').length, 5)
  t.same([...first, ...second].filter(({ status }) => status !== 200), [])
  const passed = [...first, ...second].filter(({ body }) => body.meta.provider === 'fmp')
  t.equal(passed.length, 95)
  for (const { body } of passed) t.same(body.meta.tried, [{ provider: 'polygon', outcome: 'quota' }])

  const alone = await Promise.all(Array.from({ length: 10 }, () => ask(again, '&provider=polygon')))
  for (const { status, body } of alone) {
    t.equal(status, 503)
    t.match(body, { code: 'FMS_PROVIDER_QUOTA', provider: 'polygon' })
    t.ok(body.retry_after_seconds > 0 && body.retry_after_seconds <= 62)
  }
  t.equal(sentTo('polygon').length, 5)
  const { windows } = await usageOf(world, connectionId, 'polygon')
  t.match(windows[0], { per: 'minute', used: 5, limit: 5, left: 0, source: 'plan' })
  t.match(windows[1], { per: 'day', used: 5, limit: null, left: null })
}

test('two servers and a restart spend one quota, over Postgres', t => spendOnReplicas(t))

test('two servers and a restart spend one quota, over Redis', needsRedis, async t => {
  await spendOnReplicas(t, { REDIS_URL: await startRedis(t) })
})

test('while Redis is away the process goes on counting, and what it sent is counted when Redis is back', needsRedisServer, async t => {
  const redis = await startRedisServer(t, '--appendonly', 'yes', '--appendfsync', 'always')
  const world = await build(t, { REDIS_URL: redis.url })
  const { app, connect, upstream, logs } = world
  const { get, connectionId } = await connect({ keys: ['polygon'], settings: { provider_order: ['polygon'], caching: false } })
  const ask = async () => (await get(`get_quote?symbols=${fresh()}`)).status
  t.same([await ask(), await ask(), await ask()], [200, 200, 200])
  await redis.kill()
  t.same([await ask(), await ask(), await ask(), await ask()], [200, 200, 503, 503])
  await redis.start()
  for (const deadline = Date.now() + 20_000; app.redis!.state() !== 'ok' && Date.now() < deadline;) await sleep(20)
  t.equal(await ask(), 503)
  t.equal(upstream.requests.length, 5)
  for (const deadline = Date.now() + 20_000; !logs.some(line => line.includes('is shared again')) && Date.now() < deadline;) {
    await ask()
    await usageOf(world, connectionId, 'polygon')
    await sleep(20)
  }
  t.equal(logs.filter(line => line.includes('counts for itself')).length, 1)
  await app.connections.update(connectionId, { settings: { quota: { polygon: { per_minute: 6 } } } }, by)
  t.equal(await ask(), 200, 'the sixth, of which Redis is told together with those that it missed')
  t.match((await usageOf(world, connectionId, 'polygon')).windows[0], { used: 6, limit: 6 })
})

test('one key in two connections is one ledger, another key another, and no key is stored in it', async t => {
  const world = await build(t)
  const { app, connect } = world
  const settings = { provider_order: ['polygon' as const] }
  const [one, two] = [await connect({ keys: ['polygon'], settings }), await connect({ keys: ['polygon'], settings })]
  for (const { get } of [one, one, one, two, two]) t.equal((await get(`get_quote?symbols=${fresh()}`)).status, 200)
  t.equal((await one.get(`get_quote?symbols=${fresh()}`)).body.code, 'FMS_PROVIDER_QUOTA')
  await app.connections.setCredential(two.connectionId, 'polygon', { api_key: 'another-key' }, by)
  t.equal((await two.get(`get_quote?symbols=${fresh()}`)).status, 200)
  const rows = await app.db.selectFrom('quota_ledgers').select('ledger').execute()
  t.equal(rows.length, 2)
  for (const { ledger } of rows) t.match(ledger, /^[0-9a-f]{32}$/)
  t.notMatch(JSON.stringify(rows), 'key')
})

test('the settings say what a plan lets through', async t => {
  const world = await build(t)
  const { connect, upstream } = world
  const { get, connectionId } = await connect({ keys: ['polygon'], settings: { provider_order: ['polygon'], quota: { polygon: { per_minute: null, per_day: 7 } } } })
  for (let i = 0; i < 7; i++) t.equal((await get(`get_quote?symbols=${fresh()}`)).status, 200)
  const { body } = await get(`get_quote?symbols=${fresh()}`)
  t.match(body, { code: 'FMS_PROVIDER_QUOTA', detail: /limit 7 a day/ })
  t.ok(body.retry_after_seconds > 80_000)
  t.equal(upstream.requests.length, 7)
  t.match((await usageOf(world, connectionId, 'polygon')).windows, [
    { per: 'minute', used: 7, limit: null, source: 'set' }, { per: 'day', used: 7, limit: 7, left: 0, source: 'set' }
  ])
})

test('what the headers tell of the plan is learned, and what others used of the key is counted', async t => {
  const world = await build(t)
  const { app, connect, upstream } = world
  const { get, connectionId } = await connect({ keys: ['finnhub'], settings: { provider_order: ['finnhub'] } })
  const tell = (limit: number, remaining: number) => upstream.fault('finnhub', (_, response) =>
    sendJson(response, 200, { c: 1, d: 1, dp: 1, h: 1, l: 1, o: 1, pc: 1, t: 1_700_000_000 },
      { 'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 30) }))
  tell(300, 299)
  await get(`get_quote?symbols=${fresh()}`)
  await app.quota.flush()
  const learned = await usageOf(world, connectionId, 'finnhub')
  t.match(learned.windows[1], { per: 'minute', used: 1, limit: 300, left: 299, source: 'learned' })
  t.match(learned.limit, { limit: 300, remaining: 299 })

  tell(300, 20)
  await get(`get_quote?symbols=${fresh()}`)
  await app.quota.flush()
  t.match((await usageOf(world, connectionId, 'finnhub')).windows[1], { used: 280, left: 20 })

  const other = await replica(t, world)
  const settings = await other.connections.settingsOf(connectionId)
  const [row] = await other.usage.providersOf(connectionId, settings)
  t.match(row!.windows[1], { used: 280, limit: 300, left: 20, source: 'learned' }, 'the other server knows it, too')
})

test('a 429 stops the key on all servers for as long as the provider says, or as its plan suggests', async t => {
  const world = await build(t)
  const { connect, upstream } = world
  const order = { provider_order: ['polygon' as const, 'fmp' as const, 'finnhub' as const], quota: free }
  const { get, connectionId, token } = await connect({ keys: ['polygon', 'fmp', 'finnhub'], settings: order })
  upstream.fault('polygon', (_, response) => sendJson(response, 429, {}, { 'retry-after': '1800' }))
  upstream.fault('fmp', (_, response) => sendJson(response, 200, { 'Error Message': 'Limit Reach . Please upgrade' }))
  const { body } = await get(`get_quote?symbols=${fresh()}`)
  t.same(body.meta.tried, [{ provider: 'polygon', outcome: 'quota' }, { provider: 'fmp', outcome: 'quota' }])
  upstream.fault('polygon', undefined)
  upstream.fault('fmp', undefined)
  await world.app.quota.flush()

  const other = await replica(t, world)
  const again = await other.inject({
    url: `/api/tools/get_quote?symbols=${fresh()}`, headers: { host: 'localhost', authorization: `Bearer ${token}` }
  })
  t.same(again.json().meta.tried, body.meta.tried)
  t.equal(upstream.requests.filter(({ provider }) => provider === 'polygon').length, 1)
  const refused = await get(`get_quote?symbols=${fresh()}&provider=polygon`)
  t.ok(refused.body.retry_after_seconds > 1700)
  const until = Date.parse((await usageOf(world, connectionId, 'fmp')).blocked_until!)
  t.ok(until > Date.now() + 50_000 && until <= Date.now() + 60_000, 'a plan without limits: a minute')
})

test('a plan with a day\'s limit alone rests for a quarter of an hour after a 429 without a word', async t => {
  const world = await build(t)
  const { connect, upstream } = world
  const { get, connectionId } = await connect({ keys: ['fmp'], settings: { provider_order: ['fmp'] } })
  upstream.fault('fmp', (_, response) => sendJson(response, 429, {}))
  const { body } = await get(`get_quote?symbols=${fresh()}`)
  t.match(body, { code: 'FMS_PROVIDER_QUOTA', retry_after_seconds: 900 })
  await world.app.quota.flush()
  t.ok(Date.parse((await usageOf(world, connectionId, 'fmp')).blocked_until!) > Date.now() + 800_000)
})

test('every attempt is counted, the retry too', async t => {
  const world = await build(t)
  const { connect, upstream } = world
  const { get, connectionId } = await connect({ keys: ['polygon'], settings: { provider_order: ['polygon'] } })
  let failures = 1
  upstream.fault('polygon', (_, response) => failures-- > 0 && sendJson(response, 500, {}))
  t.equal((await get(`get_quote?symbols=${fresh()}`)).status, 200)
  t.equal(upstream.requests.length, 2)
  t.match((await usageOf(world, connectionId, 'polygon')).windows[0], { used: 2, left: 3 })
  t.match(world.app.quota.left(connectionId, 'polygon'), { left: 3, limit: 5, per: 'minute' })
})

test('a short wait is waited for', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['polygon'], settings: { provider_order: ['polygon'], quota: { polygon: { per_second: 2, per_minute: null } } } })
  const answers = await Promise.all(Array.from({ length: 4 }, () => get(`get_quote?symbols=${fresh()}`)))
  t.same(answers.map(({ status }) => status), [200, 200, 200, 200])
  t.equal(upstream.requests.length, 4)
})

test('sessions share a key fairly', async t => {
  const { app, connect } = await build(t)
  const { get, connectionId } = await connect({ keys: ['polygon'], settings: { provider_order: ['polygon'], quota: { polygon: { per_minute: 8 } } } })
  const { access_token: token } = await app.sessions.create(connectionId, {}, by)
  const other = () => get(`get_quote?symbols=${fresh()}`, { authorization: `Bearer ${token}` })
  t.equal((await other()).status, 200)
  const greedy = []
  for (let i = 0; i < 8; i++) greedy.push(await get(`get_quote?symbols=${fresh()}`))
  t.equal(greedy.filter(({ status }) => status === 200).length, 4)
  t.match(greedy.at(-1)!.body, { code: 'FMS_PROVIDER_QUOTA', detail: /3 of 8 calls a minute left for this key, which are kept for others/ })
  for (let i = 0; i < 3; i++) t.equal((await other()).status, 200)
})

test('a key that was refused is not asked with again, until it is tested or replaced', async t => {
  const { app, connect, upstream } = await build(t)
  const { get, connectionId } = await connect({ keys: ['fmp'], settings: { provider_order: ['fmp'] } })
  upstream.fault('fmp', (_, response) => sendJson(response, 401, { 'Error Message': 'Invalid API KEY.' }))
  t.equal((await get(`get_quote?symbols=${fresh()}`)).body.code, 'FMS_PROVIDER_REJECTED_KEY')
  const remembered = await get(`get_quote?symbols=${fresh()}`)
  t.match(remembered.body, { code: 'FMS_PROVIDER_REJECTED_KEY', detail: /refused this key at .*; it was not asked again/ })
  t.equal(upstream.requests.length, 1)

  const tested = await app.connections.testCredential(connectionId, 'fmp', by, new AbortController().signal)
  t.equal(tested.status, 'FMS_PROVIDER_REJECTED_KEY')
  t.equal(upstream.requests.length, 2, 'a test asks')
  await get(`get_quote?symbols=${fresh()}`)
  t.equal(upstream.requests.length, 2)

  upstream.fault('fmp', undefined)
  await app.connections.setCredential(connectionId, 'fmp', testKey('fmp'), by)
  t.equal((await get(`get_quote?symbols=${fresh()}`)).status, 200, 'the same key, stored again')
})

test('crypto without a key is counted for the whole server', async t => {
  const world = await build(t)
  const [one, two] = [await world.connect({ keys: [] }), await world.connect({ keys: [] })]
  await one.get('get_quote?symbols=BTC/USD')
  await two.get('get_quote?symbols=ETH/USD')
  t.match((await usageOf(world, one.connectionId, 'alpaca')), { has_key: false, windows: [{ per: 'minute', used: 2, limit: 200 }, {}] })
  t.same((await usageOf(world, one.connectionId, 'fmp')).windows, [])
})

test('get_usage tells of each window what is used and left', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ keys: ['polygon'] })
  await get(`get_quote?symbols=${fresh()}`)
  const { body } = await get('get_usage')
  const polygon = body.data.providers.find((row: { provider: string }) => row.provider === 'polygon')
  t.match(polygon, { has_key: true, blocked_until: null, limit: null, windows: [{ per: 'minute', used: 1, limit: 5, left: 4, source: 'plan' }, { per: 'day', used: 1, limit: null }] })
  t.ok(Date.parse(polygon.windows[0].frees_at) > Date.now())
})
