import { sql, type Kysely } from 'kysely'
import t from 'tap'
import { parseHead } from '../../db/audit-chain.ts'
import { appendAuditLogs } from '../../db/audit-logs.ts'
import { up } from '../../db/migrations/0007-audit.ts'
import { toFields } from '../../plugins/audit/event.ts'
import { event, fill, startTampering } from './audit-world.ts'
import { buildSecurity } from './build-security.ts'

t.test('an edited, deleted, moved or cut off row is found, and why', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 1200)
  const whole = await app.audit.verify()
  t.match(whole, { ok: true, rows: 1200, from_seq: 1, head: { seq: 1200, hash: /^[0-9a-f]{64}$/ }, broken: null })
  const { tamper, restore } = await startTampering(app)
  const columns = ['actor', 'action', 'target', 'outcome', 'client_name', 'client_version', 'ip', 'request_id']
  const attacks: [string, number, string][] = [
    ...columns.map((name): [string, number, string] => [`UPDATE audit_logs SET ${name} = 'x' WHERE seq = 7`, 7, 'edited']),
    ["UPDATE audit_logs SET time = time + interval '1 ms' WHERE seq = 1100", 1100, 'edited'],
    ['UPDATE audit_logs SET connection_id = gen_random_uuid() WHERE seq = 7', 7, 'edited'],
    ['UPDATE audit_logs SET session_id = gen_random_uuid() WHERE seq = 7', 7, 'edited'],
    ['UPDATE audit_logs SET latency_ms = 1 WHERE seq = 7', 7, 'edited'],
    ['UPDATE audit_logs SET details = \'{"n":8}\' WHERE seq = 7', 7, 'edited'],
    ["UPDATE audit_logs SET hash = '\\x00' WHERE seq = 7", 7, 'edited'],
    ["UPDATE audit_logs SET prev_hash = '\\x00' WHERE seq = 7", 7, 'edited'],
    ['DELETE FROM audit_logs WHERE seq = 7', 7, 'missing'],
    ['DELETE FROM audit_logs WHERE seq = 1', 1, 'missing'],
    ['DELETE FROM audit_logs WHERE seq = 7; UPDATE audit_logs SET seq = seq - 1 WHERE seq > 7', 7, 'edited'],
    ['UPDATE audit_logs SET seq = -1 WHERE seq = 7; UPDATE audit_logs SET seq = 7 WHERE seq = 8;' +
      'UPDATE audit_logs SET seq = 8 WHERE seq = -1', 7, 'edited'],
    ['DELETE FROM audit_logs WHERE seq > 1190', 1191, 'cut_off'],
    ['TRUNCATE audit_logs', 1, 'cut_off'],
    ['DELETE FROM audit_anchors', 1200, 'anchor_missing'],
    ["UPDATE audit_anchors SET mac = ''", 1200, 'anchor_unsigned'],
    ['UPDATE audit_anchors SET seq = 1199', 1200, 'anchor_forged'],
    ["DELETE FROM audit_logs WHERE seq <= 7; INSERT INTO audit_checkpoints VALUES (7, '\\x00', '\\x00')", 7, 'checkpoint_forged'],
    ['INSERT INTO audit_checkpoints SELECT seq, hash, mac FROM audit_anchors', 1200, 'checkpoint_forged']
  ]
  for (const [attack, seq, reason] of attacks) {
    await tamper(attack)
    t.match(await app.audit.verify(), { ok: false, broken: { seq, reason } }, attack)
    await restore()
  }
  t.same(await app.audit.verify(), whole)
})

t.test('what was cut off shows for ever: the chain goes on behind the gap', async t => {
  const { app, url } = await buildSecurity(t)
  await fill(app, 10)
  const { tamper } = await startTampering(app)
  await tamper('DELETE FROM audit_logs WHERE seq > 8')
  const { app: next } = await buildSecurity(t, { url })
  await next.audit.record(next.db, event(11))
  t.match((await next.audit.list({ limit: 1 })).items, [{ seq: 11 }])
  t.match(await next.audit.verify(), { ok: false, rows: 8, broken: { seq: 9, reason: 'missing' } })
})

t.test('a noted head is compared', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 5)
  const { head } = await app.audit.verify()
  const noted = parseHead(`${head.seq}:${head.hash}`)
  await fill(app, 5)
  t.match(await app.audit.verify({ noted }), { ok: true, head: { seq: 10 } })
  t.match(await app.audit.verify({ noted: { seq: 5, hash: Buffer.alloc(32) } }), { broken: { seq: 5, reason: 'rewritten' } })
  t.match(await app.audit.verify({ noted: { seq: 12, hash: Buffer.alloc(32) } }), { broken: { seq: 11, reason: 'cut_off' } })
})

t.test('a server remembers the end that it wrote: a log set back with its own anchor is found and logged', async t => {
  const { app, url, log } = await buildSecurity(t)
  await fill(app, 10)
  const { tamper, restore } = await startTampering(app)
  await fill(app, 10)
  await restore()
  t.match(await app.audit.verify(), { ok: false, broken: { seq: 11, reason: 'cut_off' } })
  await app.db.transaction().execute(trx => app.audit.record(trx, event(11)))
  await app.audit.record(app.db, event(12))
  t.equal(log().split('the audit log was set back').length, 2, 'said once')
  t.match(await app.audit.verify(), { ok: false, broken: { reason: 'cut_off' } })
  await fill(app, 20)
  t.match(await app.audit.verify(), { ok: false, broken: { seq: 20, reason: 'rewritten' } })
  const { app: other } = await buildSecurity(t, { url })
  t.match(await other.audit.verify(), { ok: true }, 'one that was not there cannot know')
  await tamper('SELECT 1')
})

t.test('events of a transaction that failed are not remembered', async t => {
  const { app, log } = await buildSecurity(t)
  await app.db.transaction().execute(async trx => {
    await app.audit.record(trx, event(1))
    await app.audit.record(trx, event(2))
    throw new Error('test failure')
  }).catch(() => {})
  await app.audit.record(app.db, event(1))
  t.match(await app.audit.verify(), { ok: true, rows: 1 })
  t.notMatch(log(), 'set back')
})

t.test('a row that was forged without the key is found', async t => {
  const { app } = await buildSecurity(t)
  await app.audit.record(app.db, event(1))
  await app.db.transaction().execute(trx => appendAuditLogs(trx, Buffer.alloc(32), [toFields(event(2))]))
  t.match(await app.audit.verify(), { broken: { seq: 2, reason: 'edited' } })
  await app.audit.record(app.db, event(3))
  t.match(await app.audit.verify(), { broken: { seq: 2, reason: 'edited' } }, 'and stays')
})

t.test('a row that another server of before the anchor has appended is no break once the next one stands', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 3)
  const { tamper } = await startTampering(app)
  await sql`CREATE TABLE anchor AS SELECT * FROM audit_anchors`.execute(app.db)
  await app.audit.record(app.db, event(4))
  await tamper('UPDATE audit_anchors SET (seq, hash, mac) = (SELECT seq, hash, mac FROM anchor)')
  t.match(await app.audit.verify(), { broken: { seq: 4, reason: 'anchor_behind' } })
  await app.audit.record(app.db, event(5))
  t.match(await app.audit.verify(), { ok: true, rows: 5 })
})

t.test('an anchor that is taken away is not made anew by the next event, but by an operator, in the log', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 3)
  const { tamper } = await startTampering(app)
  for (const attack of ['DELETE FROM audit_anchors', 'UPDATE audit_anchors SET seq = 2']) {
    await tamper(attack)
    await app.audit.record(app.db, event(4))
    t.match(await app.audit.verify(), { broken: { reason: /^anchor_(missing|forged)$/ } })
    await app.audit.anchor({ actor: 'cli' })
    t.match(await app.audit.verify(), { ok: true })
  }
  t.match((await app.audit.list({ action: 'audit.anchor' })).items, [{ actor: 'cli', details: { seq: 6 } }, { details: { seq: 4 } }])
})

t.test('a log from before the anchor is signed at the start, which stands in it; a new one without a word', async t => {
  const { app, url } = await buildSecurity(t)
  t.same((await app.audit.list({})).items, [])
  t.match(await app.audit.verify(), { ok: true, rows: 0, from_seq: 1, head: { seq: 0 } })
  await fill(app, 3)
  await sql`UPDATE audit_anchors SET mac = ''`.execute(app.db)
  const [{ app: a }, { app: b }] = await Promise.all([buildSecurity(t, { url }), buildSecurity(t, { url })])
  t.match((await a.audit.list({ action: 'audit.anchor' })).items, [{ actor: 'system', details: { seq: 3 } }], 'once')
  t.match(await b.audit.verify(), { ok: true, rows: 4 })
})

t.test('the migration notes the end of the log that it finds', async t => {
  const { app, url } = await buildSecurity(t)
  await fill(app, 3)
  await sql`DROP TABLE audit_anchors, audit_checkpoints`.execute(app.db)
  await sql`DROP TRIGGER audit_logs_delete ON audit_logs`.execute(app.db)
  await up(app.db as Kysely<any>)
  t.match(await app.audit.verify(), { rows: 3, broken: { seq: 3, reason: 'anchor_unsigned' } })
  const { app: next } = await buildSecurity(t, { url })
  t.match((await next.audit.list({ limit: 1 })).items, [{ seq: 4, action: 'audit.anchor', details: { seq: 3 } }])
  t.match(await next.audit.verify(), { ok: true, rows: 4 })
})

t.test('a log that was emptied with its anchor begins with a word of it', async t => {
  const { app, url } = await buildSecurity(t)
  await fill(app, 3)
  const { tamper } = await startTampering(app)
  await tamper("TRUNCATE audit_logs; UPDATE audit_anchors SET seq = 0, hash = decode(repeat('00', 32), 'hex'), mac = ''")
  const { app: next } = await buildSecurity(t, { url })
  t.match((await next.audit.list({})).items, [{ seq: 1, action: 'audit.anchor', details: { seq: 0 } }])
})

t.test('one verification at a time, and it ends with its signal', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 2000)
  const running = app.audit.verify()
  await t.rejects(app.audit.verify(), { code: 'FMS_OVERLOADED', retry_after_seconds: 5 })
  t.match(await running, { ok: true })
  const leave = new AbortController()
  const left = app.audit.verify({ signal: leave.signal })
  leave.abort()
  await t.rejects(left, { name: 'AbortError' })
  t.match(await app.audit.verify(), { ok: true }, 'the next one may run')
})

t.test('what is written during a verification is no break', async t => {
  const { app, url } = await buildSecurity(t)
  const { app: other } = await buildSecurity(t, { url })
  await fill(app, 2000)
  const running = app.audit.verify()
  await fill(other, 1000)
  t.match(await running, { ok: true })
})
