import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { toCanonicalJson } from '../../db/audit-chain.ts'
import { readLastSeq } from '../../db/audit-logs.ts'
import { buildSecurity, createOutage, until } from './build-security.ts'

const event = (n: number) => ({ action: 'test.event', actor: 'system', target: String(n), details: { n } })

t.test('an event is in the log with all that was said, and with nothing else', async t => {
  const { app } = await buildSecurity(t)
  const ids = { connection_id: randomUUID(), session_id: randomUUID() }
  const time = new Date('2026-11-22T10:00:00.123Z')
  await app.audit.record(app.db, {
    ...ids,
    time,
    action: 'tool.call',
    actor: 'session:x',
    outcome: 'NOT_FOUND',
    target: 'get_quote',
    client_name: 'test',
    client_version: '1',
    ip: '::1',
    request_id: 'r',
    latency_ms: 12.6,
    details: { b: 1, a: [{ d: null, c: 1.5e-7 }] }
  })
  await app.audit.record(app.db, { action: 'test.empty', actor: 'system' })
  const { items } = await app.audit.list({})
  t.match(items, [
    {
      seq: 2,
      action: 'test.empty',
      actor: 'system',
      outcome: 'ok',
      target: null,
      connection_id: null,
      session_id: null,
      client_name: null,
      client_version: null,
      ip: null,
      request_id: null,
      latency_ms: null,
      details: {}
    },
    { ...ids, seq: 1, time: time.toISOString(), outcome: 'NOT_FOUND', latency_ms: 13, details: { a: [{ c: 1.5e-7, d: null }], b: 1 } }
  ])
  t.match(await app.audit.verify(), { ok: true })
})

t.test('an event goes with its transaction', async t => {
  const { app } = await buildSecurity(t)
  await t.rejects(app.db.transaction().execute(async trx => {
    await app.audit.record(trx, event(1))
    throw new Error('test failure')
  }), { message: 'test failure' })
  t.same((await app.audit.list({})).items, [])
  await app.db.transaction().execute(trx => app.audit.record(trx, event(2)))
  t.match((await app.audit.list({})).items, [{ seq: 1, target: '2' }])
})

t.test('a transaction fails where its event cannot be written', async t => {
  const { app, connectionId: id } = await buildSecurity(t)
  await t.rejects(app.db.transaction().execute(async trx => {
    await trx.updateTable('connections').set({ name: 'changed' }).where('id', '=', id).execute()
    await app.audit.record(trx, { ...event(1), connection_id: 'not a uuid' })
  }))
  t.equal((await app.db.selectFrom('connections').where('name', '=', 'changed').selectAll().execute()).length, 0)
})

t.test('writers of two replicas at once make one gapless chain', async t => {
  const { app: a, url } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  for (let n = 0; n < 500; n += 1) (n % 2 ? a : b).audit.enqueue(event(n))
  await Promise.all([
    a.audit.flush(), b.audit.flush(),
    ...Array.from({ length: 20 }, (_, n) => (n % 2 ? a : b)).map(({ audit, db }, n) =>
      db.transaction().execute(trx => audit.record(trx, event(n))))
  ])
  t.match(await a.audit.verify(), { ok: true, rows: 520, head: { seq: 520 } })
  t.match(await b.audit.verify(), { ok: true })
})

t.test('the log is read in pages and by filters', async t => {
  const { app } = await buildSecurity(t)
  for (let n = 1; n <= 5; n += 1) app.audit.enqueue({ ...event(n), time: new Date(n * 1000) })
  app.audit.enqueue({ ...event(6), action: 'test.other', outcome: 'NOT_FOUND', actor: 'cli', time: new Date(6000) })
  await app.audit.flush()
  const targets = async (filter: Parameters<typeof app.audit.list>[0]) =>
    (await app.audit.list(filter)).items.map(item => item.target).join('')
  const first = await app.audit.list({ limit: 4 })
  t.equal(first.next_cursor, '3')
  t.match(await app.audit.list({ limit: 4, cursor: '3' }), { items: [{ seq: 2 }, { seq: 1 }], next_cursor: null })
  t.equal(await targets({ action: 'test.other' }), '6')
  t.equal(await targets({ actor: 'cli' }), '6')
  t.equal(await targets({ outcome: 'NOT_FOUND' }), '6')
  t.equal(await targets({ from: new Date(2000), to: new Date(4000) }), '32')
  t.equal(await targets({ connection_id: randomUUID() }), '')
  t.equal(await targets({ session_id: randomUUID() }), '')
  t.equal(await targets({ action: 'test.\0other' }), '6')
})

t.test('text that Postgres would refuse is cleaned, and a long one is cut', async t => {
  const { app } = await buildSecurity(t)
  app.audit.enqueue({
    ...event(1), client_name: 'a\0b\ud800', client_version: 'x'.repeat(5000), details: { 'k\0': ['v\0\udc00', { n: Number.NaN }] }
  })
  await app.audit.flush()
  t.match((await app.audit.list({})).items, [{
    client_name: 'ab\ufffd', client_version: 'x'.repeat(1000), details: { k: ['v\ufffd', { n: null }] }
  }])
  t.match(await app.audit.verify(), { ok: true })
})

t.test('Postgres refuses to change, delete or truncate rows', async t => {
  const { app } = await buildSecurity(t)
  await app.audit.record(app.db, event(1))
  for (const statement of ['UPDATE audit_logs SET actor = \'x\'', 'DELETE FROM audit_logs', 'TRUNCATE audit_logs']) {
    await t.rejects(sql.raw(statement).execute(app.db), { message: /append-only/ })
  }
})

t.test('queued events are written by themselves: 200 at once, fewer within a second or two', async t => {
  const { app } = await buildSecurity(t)
  for (let n = 0; n < 200; n += 1) app.audit.enqueue(event(n))
  await until(async () => await readLastSeq(app.db) === '200')
  app.audit.enqueue(event(200))
  await until(async () => await readLastSeq(app.db) === '201')
})

t.test('closing writes what waits', async t => {
  const { app, url } = await buildSecurity(t)
  app.audit.enqueue(event(1))
  await app.close()
  const { app: next } = await buildSecurity(t, { url })
  t.match((await next.audit.list({})).items, [{ target: '1' }])
})

t.test('while the database is away events wait; too many are dropped, counted and logged', async t => {
  const { app, url, log } = await buildSecurity(t)
  const outage = createOutage(url)
  await outage.down()
  for (let n = 0; n < 10_007; n += 1) app.audit.enqueue(event(n))
  await app.audit.flush()
  await app.audit.flush()
  t.same(app.audit.counts(), { waiting: 10_000, dropped: 7 })
  t.equal(log().split('audit events cannot be written now').length, 2, 'said once')
  t.match(log(), 'they are kept')
  await outage.up()
  await until(() => app.audit.counts().waiting === 0)
  await until(() => log().includes('audit events were dropped: the queue was full'))
  t.match(log(), 'audit events are written again')
  t.equal(await readLastSeq(app.db), '10000')
  t.match(await app.audit.verify(), { ok: true })
})

t.test('what cannot be written until the end is said in the log', async t => {
  const { app, url, log } = await buildSecurity(t)
  const outage = createOutage(url)
  await outage.down()
  app.audit.enqueue(event(1))
  await app.close()
  await outage.up()
  t.match(log(), /"lost":1/)
})

t.test('one event that Postgres refuses does not hold up the others', async t => {
  const { app, log } = await buildSecurity(t)
  app.audit.enqueue(event(1))
  app.audit.enqueue({ ...event(2), connection_id: 'not a uuid' })
  app.audit.enqueue(event(3))
  await app.audit.flush()
  t.match((await app.audit.list({})).items, [{ target: '3' }, { target: '1' }])
  t.same(app.audit.counts(), { waiting: 0, dropped: 1 })
  t.match(log(), 'Postgres refuses its values')
})

t.test('canonical JSON does not depend on the order of keys', async t => {
  t.equal(toCanonicalJson({ b: 1, a: { d: 1, c: [3, 1] }, 10: 1, 9: undefined }),
    toCanonicalJson({ 10: 1, a: { c: [3, 1], d: 1 }, b: 1 }))
})
