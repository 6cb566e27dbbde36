import t from 'tap'
import { createDatabase } from '../database.ts'
import { startDatabaseProxy } from '../faults/proxy.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { build } from '../helper.ts'

t.test('ready tells which dependency is down, and is down itself when sessions are not served any more', async t => {
  const { url, proxy } = await startDatabaseProxy(t, await createDatabase(t))
  const { app, logs } = await build(t, { DATABASE_URL: url, SESSION_GRACE_SECONDS: '60' })
  const ready = async () => {
    const response = await app.inject({ url: '/health/ready', headers: { host: 'localhost' } })
    return { status: response.statusCode, ...response.json() }
  }
  t.match(await ready(), { status: 'ok', dependencies: { database: 'ok' } })
  app.health.add('test', () => 'down')
  t.match(await ready(), { status: 'degraded', dependencies: { database: 'ok', test: 'down' } })
  app.health.add('test', () => 'ok')

  await proxy.mode('down')
  t.ok(await waitFor(() => app.dbState.isDown()))
  const begun = performance.now()
  t.match(await ready(), { status: 'degraded', dependencies: { database: 'down' } })
  t.ok(performance.now() - begun < 250)

  const { now } = Date
  t.teardown(() => { Date.now = now })
  Date.now = () => now() + 85_000
  t.match(await ready(), { status: 'degraded' }, 'within 30 s and the grace')
  Date.now = () => now() + 91_000
  t.match(await ready(), { status: 'down', dependencies: { database: 'down' } })
  t.equal((await app.inject({ url: '/health/ready', headers: { host: 'localhost' } })).statusCode, 503)
  t.equal((await app.inject({ url: '/health/live', headers: { host: 'localhost' } })).statusCode, 200)
  Date.now = now

  await proxy.mode('pass')
  t.ok(await waitFor(async () => (await ready()).status === 'ok'))
  t.equal(logs.filter(line => line.includes('the database does not answer;')).length, 1)
  t.equal(logs.filter(line => line.includes('the database answers again')).length, 1)
})
