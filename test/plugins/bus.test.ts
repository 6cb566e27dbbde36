import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createDatabase, query } from '../database.ts'
import { startDatabaseProxy } from '../faults/proxy.ts'
import { buildSecurity, createOutage, until } from './build-security.ts'

const TERMINATE = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND query = 'LISTEN fmcp'`

t.test('a message reaches subscribers here at once and on the other replica soon, each once', async t => {
  const { app: a, url } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  const got: string[] = []
  a.bus.subscribe('test', payload => got.push(`a ${JSON.stringify(payload)}`))
  b.bus.subscribe('test', payload => got.push(`b ${JSON.stringify(payload)}`))
  b.bus.subscribe('other', () => got.push('other'))
  const published = a.bus.publish('test', { n: 1 })
  t.same(got, ['a {"n":1}'])
  await published
  await until(() => got.length > 1)
  await a.bus.publish('test', { n: 2 })
  await until(() => got.length > 3)
  t.same(got, ['a {"n":1}', 'b {"n":1}', 'a {"n":2}', 'b {"n":2}'])
})

t.test('a payload that Postgres could not carry is refused before anybody is told', async t => {
  const { app } = await buildSecurity(t)
  let told = false
  app.bus.subscribe('test', () => { told = true })
  await t.rejects(app.bus.publish('test', { text: 'é'.repeat(4000) }), { message: /too long/ })
  t.notOk(told)
  await app.bus.publish('test', { text: 'x'.repeat(7800) })
})

t.test('a subscriber that fails does not keep the message from the others', async t => {
  const { app, log } = await buildSecurity(t)
  let told = false
  app.bus.subscribe('test', () => { throw new Error('test failure') })
  app.bus.subscribe('test', () => { told = true })
  await app.bus.publish('test', {})
  t.ok(told)
  t.match(log(), 'a subscriber of the bus failed')
})

t.test('what is not a message is logged and ignored', async t => {
  const { app, url, log } = await buildSecurity(t)
  for (const text of ['nonsense', 'null', '{"topic":1}', '']) await query(url, `NOTIFY fmcp, '${text}'`)
  await until(() => log().split('not a message').length === 5)
  t.ok(app.bus.healthy())
})

t.test('a lost connection is unhealthy, comes back by itself and tells of the gap', async t => {
  const { app, url } = await buildSecurity(t)
  const { app: other } = await buildSecurity(t, { url })
  const seen: boolean[] = []
  let got = 0
  app.bus.subscribe('bus:reset', () => seen.push(app.bus.healthy()))
  app.bus.subscribe('test', () => { got += 1 })
  t.ok(app.bus.healthy())
  await query(url, TERMINATE)
  await until(() => !app.bus.healthy())
  await until(() => app.bus.healthy() && other.bus.healthy())
  t.same(seen, [false], 'caches flush before the bus counts as healthy')
  await other.bus.publish('test', {})
  await until(() => got === 1)
})

t.test('while the database is away publishing fails, and a second after it is back it works', async t => {
  const { app, url } = await buildSecurity(t)
  const outage = createOutage(url)
  await outage.down()
  await until(() => !app.bus.healthy())
  await t.rejects(app.bus.publish('test', {}))
  const { healthyAt } = app.bus
  const last = healthyAt()
  await sleep(300)
  t.notOk(app.bus.healthy())
  t.equal(healthyAt(), last, 'it is known until when nothing was missed')
  await outage.up()
  await until(() => !app.dbState.isDown())
  const begun = Date.now()
  await until(() => app.bus.healthy())
  t.ok(Date.now() - begun < 1500)
  t.ok(healthyAt() > last)
  await app.bus.publish('test', {})
})

t.test('closing ends the connection and starts no other', async t => {
  const { app, url } = await buildSecurity(t)
  await app.close()
  const left = await query(url, "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
  t.equal(left.rowCount, 0)
})

t.test('closing while it is down ends the tries', async t => {
  const { app, url } = await buildSecurity(t)
  const outage = createOutage(url)
  await outage.down()
  await until(() => !app.bus.healthy())
  await app.close()
  await outage.up()
  t.notOk(app.bus.healthy())
})

t.test('a connection that died without a sign is noticed, and what was trusted is forgotten', async t => {
  const { url, proxy } = await startDatabaseProxy(t, await createDatabase(t))
  const { app, log } = await buildSecurity(t, { url })
  let resets = 0
  app.bus.subscribe('bus:reset', () => { resets += 1 })
  t.equal(proxy.silence('LISTEN fmcp'), 1, 'it stays open, and all others go on')
  await until(() => !app.bus.healthy())
  t.notOk(app.dbState.isDown())
  t.ok(app.bus.healthyAt() <= Date.now() - 2000, 'it may have been dead since it last answered')
  await until(() => app.bus.healthy())
  t.equal(resets, 1)
  t.match(log(), 'the bus lost its connection')
  t.equal(proxy.connections().open > 0, true)
})

t.test('it is tried again with pauses where only the bus cannot connect', async t => {
  const { app, url, log } = await buildSecurity(t)
  const name = new URL(url).pathname.slice(1)
  const other = new URL(url)
  other.pathname = '/postgres'
  await query(other.href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
  await query(url.replace(`/${name}`, '/postgres'), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = '${name}' AND query = 'LISTEN fmcp'`)
  await until(() => log().split('could not be connected again').length > 3)
  t.notOk(app.bus.healthy())
  t.notOk(app.dbState.isDown(), 'the connections that stand still work')
  await app.close()
  await query(other.href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`)
})
