import { sql } from 'kysely'
import { test } from 'tap'
import { build, testKey } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'

const admin = { actor: 'test' }
const refusal = { 'Error Message': 'Exclusive Endpoint : This endpoint is not available under your current subscription' }

async function buildRefused (t: Parameters<typeof build>[0], env?: Record<string, string>) {
  const world = await build(t, env)
  const connection = await world.connect({ keys: ['fmp', 'finnhub'], settings: { provider_order: ['fmp', 'finnhub'], caching: false } })
  world.upstream.fault('fmp', (_, response) => sendJson(response, 402, refusal))
  const sentTo = (provider: string) => world.upstream.requests.filter(request => request.provider === provider).length
  return { ...world, ...connection, sentTo }
}

test('what a plan does not include is asked once, then skipped, and shown', async t => {
  const { app, get, sentTo, connectionId } = await buildRefused(t)
  const first = await get('get_quote?symbols=AAPL')
  t.same(first.body.meta.tried, [{ provider: 'fmp', outcome: 'not_entitled' }])
  t.equal(sentTo('fmp'), 1)
  await app.entitlements.flush()

  const second = await get('get_quote?symbols=MSFT')
  t.equal(second.body.meta.provider, 'finnhub')
  t.same(second.body.meta.tried, [{ provider: 'fmp', outcome: 'not_entitled' }], 'the receipt says so all the same')
  t.equal(sentTo('fmp'), 1, 'it was not asked again')

  const pinned = await get('get_quote?symbols=MSFT&provider=fmp')
  t.equal(pinned.body.code, 'FMS_PROVIDER_NOT_ENTITLED')
  t.match(pinned.body.detail, /Exclusive Endpoint/)
  t.match(pinned.body.detail, /asked again after 20/)

  const [known] = await app.entitlements.list(connectionId)
  t.match(known, { provider: 'fmp', capability: 'quote', message: /Exclusive Endpoint/ })
  const hours = (Date.parse(known!.until) - Date.parse(known!.learned_at)) / 3_600_000
  t.equal(hours, 6)
  const usage = await get('get_usage')
  const [fmp, finnhub] = usage.body.data.providers
  t.match(fmp, { provider: 'fmp', has_key: true, windows: [{}, { per: 'day', used: 1 }], not_entitled: [{ capability: 'quote', message: /Exclusive/ }] })
  t.match(finnhub, { provider: 'finnhub', windows: [{}, {}, { per: 'day', used: 2 }], not_entitled: [] })
  t.match(usage.body.data.session, { calls_today: 3, failed_today: 1, by_tool: { get_quote: 3 }, answer_tokens: 8000 })
})

test('other endpoints of the same key are still asked', async t => {
  const { app, get, sentTo } = await buildRefused(t)
  await get('get_quote?symbols=AAPL')
  await app.entitlements.flush()
  await get('get_bars?symbols=AAPL&lookback=10d')
  t.ok(sentTo('fmp') > 1)
})

test('a test of the key, or another key, forgets what was refused', async t => {
  const { app, get, sentTo, connectionId } = await buildRefused(t)
  await get('get_quote?symbols=AAPL')
  await app.entitlements.flush()
  t.equal((await app.entitlements.list(connectionId)).length, 1)
  await app.connections.testCredential(connectionId, 'fmp', admin, new AbortController().signal)
  t.same(await app.entitlements.list(connectionId), [], 'a test is learned from neither')
  const before = sentTo('fmp')
  await get('get_quote?symbols=AAPL')
  await app.entitlements.flush()
  t.equal(sentTo('fmp'), before + 1)
  t.equal((await app.entitlements.list(connectionId)).length, 1)

  await app.connections.setCredential(connectionId, 'fmp', testKey('fmp'), admin)
  t.same(await app.entitlements.list(connectionId), [])
})

test('a refusal of the key before is not held against the one that replaced it', async t => {
  const { app, connectionId } = await buildRefused(t)
  const sentAt = new Date(Date.now() - 60_000)
  app.entitlements.learn({ connection_id: connectionId, provider: 'fmp', capability: 'quote', endpoint: '/quote', message: '' }, sentAt)
  await app.entitlements.flush()
  t.same(await app.entitlements.list(connectionId), [])
})

test('it survives a restart, ends after its time, and a refused key is not a plan', async t => {
  const { app, get, connectionId, config, upstream } = await buildRefused(t)
  await get('get_quote?symbols=AAPL')
  await app.entitlements.flush()
  const later = await build(t, { DATABASE_URL: String(config.databaseUrl) })
  t.equal((await later.app.entitlements.list(connectionId)).length, 1)

  await sql`UPDATE entitlements SET until = now() - interval '1 second'`.execute(app.db)
  await app.bus.publish('entitlements:changed', { connection_id: connectionId })
  t.same(await app.entitlements.list(connectionId), [])

  upstream.fault('fmp', (_, response) => sendJson(response, 401, { 'Error Message': 'Invalid API KEY.' }))
  const { body } = await get('get_quote?symbols=AAPL')
  t.same(body.meta.tried, [{ provider: 'fmp', outcome: 'rejected_key' }])
  await app.entitlements.flush()
  t.same(await app.entitlements.list(connectionId), [])
})

test('a memory that cannot be read or written costs no answer', async t => {
  const { app, get, logs } = await buildRefused(t)
  await sql`DROP TABLE entitlements`.execute(app.db)
  t.equal((await get('get_quote?symbols=AAPL')).body.meta.provider, 'finnhub')
  await app.entitlements.flush()
  t.match(logs.join(''), /could not be remembered/)
  t.match(logs.join(''), /could not be read/)
})

test('a refusal of one symbol is remembered for that symbol, and says nothing of others', async t => {
  const { app, get, upstream, sentTo, connectionId } = await buildRefused(t)
  const text = 'Premium Query Parameter: \'Special Endpoint : This value set for \'symbol\' is not available under your current subscription\''
  upstream.fault('fmp', ({ url }, response) => String(url).includes('=MSFT') && response.writeHead(402, { 'content-type': 'text/plain' }).end(text))
  t.equal((await get('get_quote?symbols=MSFT')).body.meta.provider, 'finnhub')
  await app.entitlements.flush()
  t.match(await app.entitlements.list(connectionId), [{ endpoint: /MSFT only/ }])
  const before = sentTo('fmp')
  t.same((await get('get_quote?symbols=MSFT')).body.meta.tried, [{ provider: 'fmp', outcome: 'not_entitled' }])
  t.equal(sentTo('fmp'), before, 'it is not asked again')
  t.equal((await get('get_quote?symbols=AAPL')).body.meta.provider, 'fmp')
})
