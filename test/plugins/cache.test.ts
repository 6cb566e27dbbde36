import type { FastifyInstance } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { createSingleFlight } from '../../plugins/cache/single-flight.ts'
import { toKey } from '../../plugins/cache/key.ts'
import { createDatabase } from '../database.ts'
import { build } from '../helper.ts'
import { needsRedis, startRedis } from '../redis.ts'
import { answerAlpaca } from '../upstream/answers.ts'
import { sendJson } from '../upstream/index.ts'

test('20 identical calls at once on a cold cache make one upstream call', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  const answers = await Promise.all(Array.from({ length: 20 }, () => get('get_quote?symbols=AAPL,MSFT')))
  t.equal(upstream.requests.length, 1)
  t.ok(answers.every(({ status }) => status === 200))
  const { body } = await get('get_quote?symbols=AAPL,MSFT')
  t.equal(body.meta.cache.hit, true)
  t.equal(upstream.requests.length, 1)
})

test('a restart keeps the cache', async t => {
  const databaseUrl = await createDatabase(t)
  const first = await build(t, { DATABASE_URL: databaseUrl })
  const { get, token } = await first.connect({ keys: ['fmp'] })
  const before = await get('get_company_profile?symbol=AAPL')
  await first.app.close()

  const second = await build(t, { DATABASE_URL: databaseUrl })
  const response = await second.app.inject({ url: '/api/tools/get_company_profile?symbol=AAPL', headers: { host: 'localhost', authorization: `Bearer ${token}` } })
  const after = response.json()
  t.same(after.data, before.body.data)
  t.equal(after.meta.cache.hit, true)
  t.equal(second.upstream.requests.length, 0)
})

test('each session has its own cache, or its connection\'s where the settings say so', async t => {
  const { app, connect, upstream } = await build(t)
  for (const [scope, calls] of [['session', 2], ['connection', 1]] as const) {
    const before = upstream.requests.length
    const { connectionId, get } = await connect({ keys: ['alpaca'], settings: { cache_scope: scope } })
    const { access_token: other } = await app.sessions.create(connectionId, {}, { actor: 'test' })
    await get('get_quote?symbols=AAPL')
    await app.inject({ url: '/api/tools/get_quote?symbols=AAPL', headers: { host: 'localhost', authorization: `Bearer ${other}` } })
    t.equal(upstream.requests.length - before, calls, scope)
  }
})

test('errors and answers with gaps are not kept; caching can be off; a TTL of 0 keeps nothing', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['alpaca', 'finnhub'], settings: { provider_order: ['alpaca'] } })
  upstream.fault('alpaca', (_, response) => sendJson(response, 500, { message: 'internal server error' }))
  t.equal((await get('get_quote?symbols=AAPL')).status, 502)
  upstream.fault('alpaca', undefined)
  t.equal((await get('get_quote?symbols=AAPL')).body.meta.cache.hit, false)

  for (const settings of [{ caching: false }, { ttl_seconds: { get_quote: 0 } }]) {
    const { get } = await connect({ keys: ['alpaca'], settings })
    await get('get_quote?symbols=AAPL')
    t.equal((await get('get_quote?symbols=AAPL')).body.meta.cache.hit, false)
  }
  const off = await build(t, { ENABLE_CACHING: 'false' })
  const { get: uncached } = await off.connect({ keys: ['alpaca'] })
  await uncached('get_quote?symbols=AAPL')
  t.equal((await uncached('get_quote?symbols=AAPL')).body.meta.cache.hit, false)
})

test('a changed setting or key drops what was fetched under the old one', async t => {
  const { app, connect } = await build(t)
  const { connectionId, get } = await connect({ keys: ['alpaca', 'fmp'] })
  t.equal((await get('get_quote?symbols=AAPL')).body.meta.provider, 'alpaca')
  await app.connections.update(connectionId, { settings: { provider_order: ['fmp', 'alpaca'] } }, { actor: 'test' })
  t.match((await get('get_quote?symbols=AAPL')).body.meta, { provider: 'fmp', cache: { hit: false } })
})

test('a store that fails is a miss, never an error', async t => {
  const { app, connect, logs } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  await get('get_quote?symbols=MSFT')
  await app.db.schema.dropTable('cache_entries').execute()
  t.equal((await get('get_quote?symbols=AAPL')).status, 200)
  t.equal((await get('get_quote?symbols=NVDA')).status, 200)
  t.equal(logs.filter(line => line.includes('the cache\'s store (postgres) fails')).length, 1, 'it is said once')
})

test('a load is aborted when the last of its waiters gives up, and not before', async t => {
  const { fly } = createSingleFlight<string>()
  const [a, b] = [new AbortController(), new AbortController()]
  let aborted = false
  const load = (signal: AbortSignal) => new Promise<string>((_resolve, reject) => {
    signal.addEventListener('abort', () => { aborted = true; reject(signal.reason) })
  })
  const first = fly('k', load, a.signal)
  const second = fly('k', load, b.signal)
  a.abort(new Error('gone'))
  await t.rejects(first, { message: 'gone' })
  t.notOk(aborted)
  b.abort(new Error('gone too'))
  await t.rejects(second, { message: 'gone too' })
  t.ok(aborted)
  t.equal(await fly('k', async () => 'anew', new AbortController().signal), 'anew')
})

test('the key does not depend on the order of arguments', async t => {
  const key = (args: Record<string, unknown>) => toKey({ owner_id: 'o', connection_id: 'c', tool: 'get_bars', args })
  t.equal(key({ a: 1, b: { d: 2, c: [1, 2] } }), key({ b: { c: [1, 2], d: 2 }, a: 1 }))
  t.not(key({ a: [1, 2] }), key({ a: [2, 1] }))
  t.match(key({}), /^cache:o:get_bars:[\w-]{32}$/)
})

/** 100 calls at each of two servers of one database, with a provider that takes its time. */
async function stampede (t: Test, env: Record<string, string>): Promise<void> {
  const databaseUrl = await createDatabase(t)
  const first = await build(t, { DATABASE_URL: databaseUrl, ...env })
  const second = await build(t, { ...first.upstream.env, DATABASE_URL: databaseUrl, ...env })
  const { token } = await first.connect({ keys: ['alpaca'] })
  first.upstream.fault('alpaca', ({ url }, response) => {
    const { pathname, searchParams } = new URL(url!, 'http://upstream')
    setTimeout(() => sendJson(response, 200, answerAlpaca(pathname.replace('/alpaca', ''), searchParams)), 500)
  })
  const ask = (app: FastifyInstance) => app.inject({
    url: '/api/tools/get_quote?symbols=AAPL', headers: { host: 'localhost', authorization: `Bearer ${token}` }
  })
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask((i % 2 ? first : second).app)))
  t.ok(answers.every(({ statusCode }) => statusCode === 200))
  // A machine so busy that the store takes over 250 ms makes each server ask for itself, and says so.
  const isBusy = [...first.logs, ...second.logs].some(line => line.includes('the cache\'s store'))
  t.ok(first.upstream.requests.length <= (isBusy ? 2 : 1), `${first.upstream.requests.length} upstream calls`)
}

test('200 identical calls at two servers make one upstream call', t => stampede(t, {}))

test('200 identical calls at two servers make one upstream call, with Redis', needsRedis, async t => {
  await stampede(t, { REDIS_URL: await startRedis(t) })
})

test('where no provider answers an older answer is given, and says so in the receipt and in the text', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['alpaca'], settings: { ttl_seconds: { get_quote: 1 } } })
  const { body: { data, meta } } = await get('get_quote?symbols=AAPL')
  t.match(meta, { cache: { hit: false }, quota: { alpaca: { per: 'minute' } } }, 'what the provider has left')
  t.notOk('quota' in (await get('get_quote?symbols=AAPL')).body.meta, 'nobody was asked')
  upstream.fault('alpaca', (_, response) => sendJson(response, 500, { message: 'internal server error' }))
  await sleep(2100)
  const { status, body } = await get('get_quote?symbols=AAPL')
  t.equal(status, 200)
  t.same(body.data, data)
  t.match(body.meta.cache, { hit: true, stale: 'PROVIDER_UNAVAILABLE' })
  t.ok(body.meta.cache.age_seconds >= 2)
  t.equal((await get('get_quote?symbols=MSFT')).status, 502, 'where there is an older one')
})

test('a call ends at its deadline: with an older answer, or with an error; its upstream request is aborted', async t => {
  const { connect, upstream } = await build(t, { CALL_DEADLINE_SECONDS: '1', PROVIDER_DEADLINE_SECONDS: '5' })
  const { get } = await connect({ keys: ['alpaca'], settings: { ttl_seconds: { get_quote: 1 } } })
  // A machine under load may need more than the second that a call has.
  for (let i = 0; i < 20 && (await get('get_quote?symbols=AAPL')).status !== 200; i++);
  upstream.fault('alpaca', () => true)
  await sleep(2100)
  const startedAt = Date.now()
  const old = await get('get_quote?symbols=AAPL')
  t.match(old.body, { meta: { cache: { hit: true, stale: 'PROVIDER_TIMEOUT' } } })
  t.match((await get('get_quote?symbols=MSFT')).body, { code: 'FMS_PROVIDER_TIMEOUT', detail: /within 1 s/ })
  t.ok(Date.now() - startedAt < 5000)
  for (const deadline = Date.now() + 5000; upstream.aborted() < 2 && Date.now() < deadline;) await sleep(20)
  t.equal(upstream.aborted(), 2)
})

test('max_age_seconds asks for a newer answer, and shares what it brings', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  await get('get_quote?symbols=AAPL')
  t.match((await get('get_quote?symbols=AAPL&max_age_seconds=60')).body.meta.cache, { hit: true })
  t.match((await get('get_quote?symbols=AAPL&max_age_seconds=0')).body.meta.cache, { hit: false })
  t.match((await get('get_quote?symbols=AAPL')).body.meta.cache, { hit: true })
  t.equal(upstream.requests.length, 2)
  for (const bad of ['-1', '1.5', 'new']) t.equal((await get(`get_quote?symbols=AAPL&max_age_seconds=${bad}`)).status, 400)
  t.equal((await get('get_usage?max_age_seconds=0')).status, 400, 'nothing of it is cached')
})

test('an unknown symbol is asked for once in a minute', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['fmp'] })
  upstream.fault('fmp', (_, response) => sendJson(response, 200, []))
  const first = await get('get_company_profile?symbol=NOSUCH')
  const asked = upstream.requests.length
  const again = await get('get_company_profile?symbol=NOSUCH')
  t.equal(first.status, 404)
  const { request_id: _, instance: __, ...problem } = first.body
  t.match(again.body, problem, 'with the same problem')
  t.equal(upstream.requests.length, asked)
})

test('what belonged to a session, a key or a connection goes with it, on every server and in the store', async t => {
  const databaseUrl = await createDatabase(t)
  const first = await build(t, { DATABASE_URL: databaseUrl })
  const second = await build(t, { ...first.upstream.env, DATABASE_URL: databaseUrl })
  const admin = { actor: 'test' }
  const { connectionId, sessionId, token, get } = await first.connect({ keys: ['alpaca'] })
  const keys = async () => (await first.app.db.selectFrom('cache_entries').select('key').execute()).length
  const until = async (is: () => boolean | Promise<boolean>, what: string) => {
    let isSo = await is()
    for (const deadline = Date.now() + 10_000; !isSo && Date.now() < deadline; isSo = await is()) await sleep(20)
    t.ok(isSo, what)
  }
  // Word of the drop before may reach a server late and take the new entry too: it is then asked for again.
  const fill = async () => {
    await until(async () => {
      await get('get_quote?symbols=AAPL')
      await second.app.inject({ url: '/api/tools/get_quote?symbols=AAPL', headers: { host: 'localhost', authorization: `Bearer ${token}` } })
      return await keys() === 1 && [first, second].every(({ app }) => app.cache.tiers().memory.entries === 1)
    }, 'both servers and the store have it')
  }
  const isGone = async () => await keys() === 0 &&
    [first, second].every(({ app }) => app.cache.tiers().memory.entries === 0)

  await fill()
  await first.app.connections.setCredential(connectionId, 'alpaca', { key_id: 'another', secret_key: 'another' }, admin)
  await until(isGone, 'after a new key')
  await fill()
  await second.app.connections.update(connectionId, { settings: { alpaca_feed: 'sip' } }, admin)
  await until(isGone, 'after a new setting')
  await until(async () => {
    await fill()
    t.equal(await second.app.cache.drop({ tool: 'get_bars' }), 0)
    return await second.app.cache.drop({ tool: 'get_quote' }) === 1
  }, 'it was dropped')
  await until(isGone, 'after a drop')
  await fill()
  await first.app.sessions.revoke(sessionId, admin)
  await until(isGone, 'after the session\'s end')

  const other = await first.connect({ keys: ['alpaca'] })
  await until(async () => {
    await other.get('get_quote?symbols=AAPL')
    return await keys() === 1
  }, 'it is stored')
  await first.app.connections.delete(other.connectionId, admin)
  await until(isGone, 'after the connection\'s end')
})
