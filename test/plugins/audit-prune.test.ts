import { sql } from 'kysely'
import t from 'tap'
import { countCallsToday } from '../../db/audit-logs.ts'
import { countCacheUse } from '../../db/cache-use.ts'
import { startRetention } from '../../plugins/audit/retention.ts'
import { event, fill, startTampering } from './audit-world.ts'
import { buildSecurity, insertConnection, until } from './build-security.ts'

const DAY_MS = 86_400_000
const ago = (days: number) => new Date(Date.now() - days * DAY_MS)
const by = { actor: 'cli' }

t.test('old rows go, the rest is verified from the checkpoint on, and the log says so', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 30, { time: ago(40) })
  await fill(app, 5, { time: ago(20) })
  const { head } = await app.audit.verify()
  t.equal(await app.audit.prune(30, by), 30)
  t.match(await app.audit.verify(), { ok: true, from_seq: 31, rows: 6, head: { seq: 36 } })
  t.match((await app.audit.list({})).items[0], { actor: 'cli', action: 'audit.prune', details: { rows: 30, up_to_seq: 30 } })
  t.match(await app.audit.verify({ noted: { seq: head.seq, hash: Buffer.from(head.hash, 'hex') } }), { ok: true })
  await t.rejects(app.audit.verify({ noted: { seq: 29, hash: Buffer.alloc(32) } }), { code: 'FMS_INVALID_INPUT', message: /begins at row 31/ })
  t.match(await app.audit.verify({ noted: { seq: 30, hash: Buffer.alloc(32) } }), { broken: { seq: 30, reason: 'rewritten' } })
  t.equal(await app.audit.prune(30, by), 0)
  t.equal(await app.audit.prune(10, by), 5)
  t.match(await app.audit.verify(), { ok: true, from_seq: 36 })
  t.equal((await app.db.selectFrom('audit_checkpoints').selectAll().execute()).length, 1)
})

t.test('the newest row stays, and a row that is not old keeps those behind it', async t => {
  const { app } = await buildSecurity(t)
  t.equal(await app.audit.prune(1, by), 0, 'nothing of nothing')
  await fill(app, 3, { time: ago(9) })
  await fill(app, 1)
  await fill(app, 3, { time: ago(9) })
  t.equal(await app.audit.prune(1, by), 3)
  t.match(await app.audit.verify(), { ok: true, from_seq: 4 })
  const { app: old } = await buildSecurity(t)
  await fill(old, 3, { time: ago(9) })
  t.equal(await old.audit.prune(1, by), 2)
  t.match(await old.audit.verify(), { ok: true, from_seq: 3, rows: 2 })
})

t.test('many rows go in several transactions', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 10_200, { time: ago(9) })
  await fill(app, 1)
  t.equal(await app.audit.prune(1, by), 10_200)
  t.match((await app.audit.list({ action: 'audit.prune' })).items, [{ details: { rows: 200 } }, { details: { rows: 10_000 } }])
  t.match(await app.audit.verify(), { ok: true, from_seq: 10_201, rows: 3 })
})

t.test('nothing else may be deleted, and a forged checkpoint does not hide what it let go', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 10, { time: ago(9) })
  await fill(app, 5)
  await app.audit.prune(1, by)
  for (const statement of [
    'DELETE FROM audit_logs', 'DELETE FROM audit_logs WHERE seq = 12', 'UPDATE audit_logs SET seq = 3 WHERE seq = 12', 'TRUNCATE audit_logs'
  ]) await t.rejects(sql.raw(statement).execute(app.db), { message: /append-only/ }, statement)
  await sql`INSERT INTO audit_checkpoints SELECT seq, hash, '\\x00' FROM audit_logs WHERE seq = 12`.execute(app.db)
  await sql`DELETE FROM audit_logs WHERE seq <= 12`.execute(app.db)
  t.match(await app.audit.verify(), { broken: { seq: 12, reason: 'checkpoint_forged' } })
  await sql`DELETE FROM audit_checkpoints WHERE seq = 12`.execute(app.db)
  t.match(await app.audit.verify(), { broken: { seq: 11, reason: 'missing' } })
})

t.test('a row that is put below the checkpoint is found', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 3, { time: ago(9) })
  await fill(app, 1)
  await app.audit.prune(1, by)
  await sql`INSERT INTO audit_logs SELECT 2, time, 'admin:x', action, target, outcome, connection_id, session_id, client_name,
    client_version, ip, request_id, latency_ms, details, prev_hash, hash FROM audit_logs WHERE seq = 4`.execute(app.db)
  t.match(await app.audit.verify(), { broken: { seq: 2, reason: 'below_checkpoint' } })
})

t.test('what is broken is not pruned, unless an operator insists, which the log says', async t => {
  const { app } = await buildSecurity(t)
  await fill(app, 10, { time: ago(9) })
  await fill(app, 5)
  const { tamper } = await startTampering(app)
  await tamper("UPDATE audit_logs SET target = 'x' WHERE seq = 4; DELETE FROM audit_logs WHERE seq IN (8, 10)")
  await t.rejects(app.audit.prune(1, by), { code: 'FMS_CONFLICT', message: /broken at row 4: edited/ })
  await tamper('DELETE FROM audit_logs WHERE seq < 8')
  await t.rejects(app.audit.prune(1, by), { code: 'FMS_CONFLICT', message: /row 1: missing/ })
  t.equal((await app.audit.list({ action: 'audit.prune' })).items.length, 0)
  await tamper("INSERT INTO audit_checkpoints VALUES (900, '\\x00', '\\x00')")
  t.equal(await app.audit.prune(1, by, { force: true }), 1)
  t.match(await app.audit.verify(), { ok: true, from_seq: 11, rows: 6 })
  t.match((await app.audit.list({ action: 'audit.prune' })).items, [{ details: { force: true } }])
})

t.test('two replicas that prune at once do it once', async t => {
  const { app: a, url } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  await fill(a, 3000, { time: ago(9) })
  await fill(a, 1)
  const [first, second] = await Promise.all([a.audit.prune(1, by), b.audit.prune(1, by)])
  t.equal(first + second, 3000)
  t.match(await a.audit.verify(), { ok: true, from_seq: 3001 })
})

t.test('what counts the calls of today and of 24 hours does not suffer', async t => {
  const { app } = await buildSecurity(t)
  const [connectionId, sessionId] = [await insertConnection(app), crypto.randomUUID()]
  const call = { ...event(1), action: 'tool.call', target: 'get_quote', connection_id: connectionId, session_id: sessionId }
  for (const hours of [60, 30, 23.9, 0]) app.audit.enqueue({ ...call, time: ago(hours / 24) })
  await app.audit.flush()
  const before = [await countCallsToday(app.db, call), await countCacheUse(app.db)]
  t.equal(await app.audit.prune(1, by), 2)
  t.same([await countCallsToday(app.db, call), await countCacheUse(app.db)], before)
})

t.test('a server prunes by itself, again and again, and a failure is one line', async t => {
  const { app, log } = await buildSecurity(t)
  let turn = 0
  const end = startRetention({
    log: app.log,
    firstMs: 1,
    everyMs: 1,
    async prune () {
      turn += 1
      if (turn === 1) throw new Error('test failure')
      return turn === 2 ? 7 : 0
    }
  })
  await until(() => turn > 2)
  await end()
  const turns = turn
  t.match(log(), /"rows":7.*old audit events were deleted/)
  t.equal(log().split('old audit events could not be deleted').length, 2)
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(turn, turns, 'and not after its end')
})

t.test('a server with a retention closes while it waits', async t => {
  const { app } = await buildSecurity(t, { env: { AUDIT_RETENTION_DAYS: '30' } })
  await t.resolves(app.close())
})
