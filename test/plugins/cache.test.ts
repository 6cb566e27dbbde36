import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { test } from 'tap'
import { createSingleFlight } from '../../plugins/cache/single-flight.ts'
import { createPostgresDriver } from '../../plugins/cache/postgres.ts'
import { toKey } from '../../plugins/cache/key.ts'
import type { Database } from '../../db/types.ts'
import { cacheDriverContract } from '../contracts/cache-driver.ts'
import { createDatabase } from '../database.ts'
import { build } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'

test('the Postgres driver keeps the contract', async t => {
  await cacheDriverContract(t, async t => {
    const pool = new pg.Pool({ connectionString: await createDatabase(t), max: 2 })
    const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
    t.teardown(() => db.destroy())
    return createPostgresDriver(db)
  })
})

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
  t.match(logs.join(''), /the cache could not be (read|written)/)
})

test('a load is aborted when the last of its waiters gives up, and not before', async t => {
  const fly = createSingleFlight<string>()
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
