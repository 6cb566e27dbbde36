import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { run } from '../../cli/program.ts'
import { createDatabase } from '../database.ts'
import { build, MASTER_KEY } from '../helper.ts'

async function world (t: Test) {
  const databaseUrl = await createDatabase(t)
  const { app, connect } = await build(t, { DATABASE_URL: databaseUrl })
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const call = async (method: 'GET' | 'DELETE', query = '') => {
    const response = await app.inject({ method, url: `/api/cache${query}`, headers: { host: 'localhost', authorization: `Bearer ${token}` } })
    return { status: response.statusCode, body: response.json() }
  }
  const one = await connect({ keys: ['alpaca'] })
  const two = await connect({ keys: ['alpaca'] })
  for (const { get } of [one, one, one, two]) await get('get_quote?symbols=AAPL')
  await two.get('get_bars?symbols=AAPL&limit=5')
  const deadline = Date.now() + 10_000
  while ((await app.cache.counts()).length < 3 && Date.now() < deadline) await sleep(10)
  return { app, call, one, two, env: { DATABASE_URL: databaseUrl, MASTER_KEY } }
}

test('an admin sees what is cached and of how much use it was, by tool and by connection', async t => {
  const { app, call, one, two } = await world(t)
  const { status, body } = await call('GET')
  t.equal(status, 200)
  t.match(body, {
    store: { name: 'postgres', state: 'ok' },
    memory: { entries: 3, limit_bytes: 32 * 1024 * 1024 },
    entries: 3,
    calls: 5,
    hits: 2,
    hit_ratio: 0.4,
    by_tool: [
      { tool: 'get_bars', entries: 1, calls: 1, hits: 0, hit_ratio: 0 },
      { tool: 'get_quote', entries: 2, calls: 4, hits: 2, hit_ratio: 0.5 }
    ]
  })
  t.ok(body.memory.bytes > 0 && body.bytes > 0)
  t.equal(body.bytes, body.by_tool[0].bytes + body.by_tool[1].bytes)
  const rowOf = (id: string) => body.by_connection.find((row: { connection_id: string }) => row.connection_id === id)
  t.match(rowOf(one.connectionId), { entries: 1, calls: 3, hits: 2 })
  t.match(rowOf(two.connectionId), { entries: 2, calls: 2, hits: 0 })

  await app.db.schema.dropTable('cache_entries').execute()
  t.match((await call('GET')).body, { entries: null, bytes: null, calls: 5 }, 'a store that does not answer is not counted')
  t.match(await call('DELETE'), { status: 503, body: { code: 'FMS_OVERLOADED' } })
  t.match((await call('GET')).body.store, { state: 'down' })
})

test('an admin clears all of it, or the part that the filters name, and the audit log has it', async t => {
  const { app, call, one, two } = await world(t)
  t.match(await call('DELETE', `?connection=${two.connectionId}&tool=get_bars`), { status: 200, body: { dropped: 1 } })
  t.match((await one.get('get_quote?symbols=AAPL')).body.meta.cache, { hit: true })
  t.match(await call('DELETE', `?session=${one.sessionId}`), { body: { dropped: 1 } })
  t.match((await one.get('get_quote?symbols=AAPL')).body.meta.cache, { hit: false })
  t.match((await two.get('get_quote?symbols=AAPL')).body.meta.cache, { hit: true })
  t.match(await call('DELETE'), { body: { dropped: 2 } })
  t.match((await app.audit.list({ action: 'cache.clear' })).items, [
    { target: null, connection_id: null, details: { dropped: 2 } },
    { session_id: one.sessionId, details: { dropped: 1 } },
    { target: 'get_bars', connection_id: two.connectionId, actor: /^admin_token:/ }
  ])
  for (const bad of ['?connection=x', '?tool=A%20B', '?other=1']) t.equal((await call('DELETE', bad)).status, 400, bad)
})

test('the same from the shell, heard by a running server', async t => {
  const { app, one, env } = await world(t)
  const fmcp = async (args: string[], more: Record<string, string> = {}) => {
    const output = { stdout: '', stderr: '' }
    const collect = (name: keyof typeof output) => new PassThrough().on('data', chunk => { output[name] += String(chunk) })
    const code = await run(args, { ...env, ...more }, { stdin: new PassThrough(), stdout: collect('stdout'), stderr: collect('stderr') })
    await new Promise(resolve => setImmediate(resolve))
    return { code, ...output }
  }
  await app.audit.flush()
  const stats = await fmcp(['cache', 'stats', '--json'])
  t.match(JSON.parse(stats.stdout), { store: { name: 'postgres', state: 'ok' }, entries: 3, calls: 5, hits: 2 })
  t.match(await fmcp(['cache', 'stats']), { code: 0, stdout: /^store: postgres \(ok\)\nentries: 3\n[^]*TOOL +ENTRIES[^]*get_quote +2/ })
  const { name } = await app.connections.get(one.connectionId)
  t.match(await fmcp(['cache', 'clear', '--connection', name]), { code: 0, stdout: 'Dropped 1 entries.\n' })
  const deadline = Date.now() + 5000
  while (app.cache.tiers().memory.entries > 2 && Date.now() < deadline) await sleep(10)
  t.equal(app.cache.tiers().memory.entries, 2, 'the running server heard of it')
  t.same(JSON.parse((await fmcp(['cache', 'clear', '--tool', 'get_bars', '--json'])).stdout), { dropped: 1 })
  t.match((await app.audit.list({ action: 'cache.clear' })).items, [{ actor: 'cli' }, { actor: 'cli' }])
  t.match(await fmcp(['cache', 'clear', '--session', 'x']), { code: 2, stderr: /^fmcp: session / })
  t.match(await fmcp(['cache', 'stats'], { REDIS_URL: 'redis://127.0.0.1:1' }), { code: 1, stderr: /Redis does not answer at REDIS_URL/ })
})
