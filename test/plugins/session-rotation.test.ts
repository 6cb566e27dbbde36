import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { parseToken } from '../../tokens/token.ts'
import { BY, buildSecurity, until } from './build-security.ts'

const REFUSED = { code: 'FMS_UNAUTHENTICATED' }
const WEEK_SECONDS = 604_800

t.test('a rotated session has a new token, and the old one is refused at once, on the other replica soon', async t => {
  const { app: a, url, connectionId } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  const { access_token: old, session_id: id, expires_at: expires } = await a.sessions.create(connectionId, { name: 'desk' }, BY)
  await Promise.all([a.sessions.verify(old), b.sessions.verify(old)])
  const rotated = await a.sessions.rotate(id, {}, BY)
  const rotatedAt = Date.now()
  t.match(parseToken(rotated.access_token), { id, lastFour: rotated.token_last_four })
  t.match(rotated, { session_id: id, name: 'desk', expires_at: expires, previous_last_four: old.slice(-4), state: 'active' })
  await t.rejects(a.sessions.verify(old), REFUSED)
  await until(() => b.sessions.verify(old).then(() => false, () => true))
  t.comment(`refused on the other replica after ${Date.now() - rotatedAt} ms`)
  for (const app of [a, b]) {
    t.match(await app.sessions.verify(rotated.access_token), { session_id: id, previous_expires_at: null })
  }
  const { access_token: _token, ...listed } = rotated
  t.same(await a.sessions.get(id), listed)
  t.match((await a.audit.list({ action: 'session.rotate' })).items, [{ ...BY, session_id: id, details: { grace_seconds: 0 } }])
})

t.test('within a grace both tokens are taken, and the list shows which was used last', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { access_token: old, session_id: id } = await app.sessions.create(connectionId, {}, BY)
  await app.sessions.verify(old)
  const { access_token: next, previous_expires_at: end, previous_used_at: usedAt } =
    await app.sessions.rotate(id, { graceSeconds: 3600 }, BY)
  t.ok(Math.abs(Date.parse(end ?? '') - Date.now() - 3_600_000) < 60_000)
  t.equal(usedAt, null)
  t.match(await app.sessions.verify(old), { token_last_four: old.slice(-4), previous_expires_at: new Date(end ?? '') })
  await app.sessions.flush()
  const first = await app.sessions.get(id)
  t.ok(first.previous_used_at)
  t.equal(first.previous_used_at, first.last_used_at, 'the old one was used last')
  await new Promise(resolve => setTimeout(resolve, 5))
  t.match(await app.sessions.verify(next), { token_last_four: next.slice(-4) })
  app.sessions.touch(id, {})
  await app.sessions.flush()
  const second = await app.sessions.get(id)
  t.equal(second.previous_used_at, first.previous_used_at)
  t.ok(String(second.last_used_at) > String(second.previous_used_at), 'the new one was used last')
  t.equal(app.sessions.argon2Runs(), 2, 'the old one was not proven anew')
})

t.test('a cached old token does not outlive the grace', async t => {
  const { app: a, url, connectionId } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  const { access_token: old, session_id: id } = await a.sessions.create(connectionId, {}, BY)
  await Promise.all([a.sessions.verify(old), b.sessions.verify(old)])
  await a.sessions.rotate(id, { graceSeconds: 20 }, BY)
  await until(async () => (await b.sessions.verify(old)).previous_expires_at !== null)
  t.ok(await a.sessions.verify(old))
  const { now } = Date
  t.teardown(() => { Date.now = now })
  // Less than the 30 s for which it is remembered.
  Date.now = () => now() + 20_000
  await t.rejects(a.sessions.verify(old), REFUSED)
  await t.rejects(b.sessions.verify(old), REFUSED)
})

t.test('a second rotation within a grace ends the token before the former one at once', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { access_token: first, session_id: id } = await app.sessions.create(connectionId, {}, BY)
  const { access_token: second } = await app.sessions.rotate(id, { graceSeconds: WEEK_SECONDS }, BY)
  await app.sessions.verify(first)
  const { access_token: third, previous_last_four: lastFour } = await app.sessions.rotate(id, { graceSeconds: 60 }, BY)
  t.equal(lastFour, second.slice(-4))
  await t.rejects(app.sessions.verify(first), REFUSED)
  t.ok(await app.sessions.verify(second))
  t.ok(await app.sessions.verify(third))
})

t.test('a grace ends with the session', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: id, expires_at: expires } = await app.sessions.create(connectionId, { ttl_seconds: 120 }, BY)
  const rotated = await app.sessions.rotate(id, { graceSeconds: 3600 }, BY)
  t.match(rotated, { expires_at: expires, previous_expires_at: expires })
})

t.test('a session that has ended is neither rotated nor changed', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: revoked } = await app.sessions.create(connectionId, {}, BY)
  await app.sessions.revoke(revoked, BY)
  const { session_id: expired } = await app.sessions.create(connectionId, {}, BY)
  await sql`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = ${expired}`.execute(app.db)
  const { session_id: idle } = await app.sessions.create(connectionId, { idle_seconds: 60 }, BY)
  await sql`UPDATE sessions SET created_at = now() - interval '3 minutes' WHERE id = ${idle}`.execute(app.db)
  const ended = [[revoked, /was revoked.*fmcp session create/], [expired, /has expired/], [idle, /has expired/]] as const
  for (const [id, why] of ended) {
    await t.rejects(app.sessions.rotate(id, {}, BY), { code: 'FMS_CONFLICT', message: why })
    await t.rejects(app.sessions.update(id, { name: 'x' }, BY), { code: 'FMS_CONFLICT', message: why })
  }
  await t.rejects(app.sessions.rotate(randomUUID(), {}, BY), { code: 'FMS_NOT_FOUND' })
  await t.rejects(app.sessions.update(randomUUID(), { name: 'x' }, BY), { code: 'FMS_NOT_FOUND' })
})

t.test('a rotation that cannot be recorded, or whose first step fails, changes nothing', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { access_token: token, session_id: id } = await app.sessions.create(connectionId, {}, BY)
  const before = async () => { throw new Error('test before') }
  await t.rejects(app.sessions.rotate(id, { before }, BY), { message: 'test before' })
  const { record } = app.audit
  app.audit.record = () => Promise.reject(new Error('test failure'))
  await t.rejects(app.sessions.rotate(id, {}, BY), { message: 'test failure' })
  await t.rejects(app.sessions.update(id, { scope: { calls_per_day: 1 } }, BY), { message: 'test failure' })
  app.audit.record = record
  t.match(await app.sessions.verify(token), { scope: {} })
  t.match(await app.sessions.get(id), { rotated_at: null, scope: {} })
})

t.test('many rotations of a session at once leave one good token', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: id } = await app.sessions.create(connectionId, {}, BY)
  const rotated = await Promise.all(Array.from({ length: 8 }, () => app.sessions.rotate(id, {}, BY)))
  const results = await Promise.allSettled(rotated.map(({ access_token: token }) => app.sessions.verify(token)))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

t.test('another scope comes with another token; another name or idle time does not', async t => {
  const { app: a, url, connectionId } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  const request = { scope: { calls_per_day: 5 } }
  const { access_token: token, session_id: id } = await a.sessions.create(connectionId, request, BY)
  await b.sessions.verify(token)
  const renamed = await a.sessions.update(id, { name: 'desk', idle_seconds: 600, scope: { calls_per_day: 5 } }, BY)
  t.notOk('access_token' in renamed)
  t.match(renamed, { name: 'desk', idle_seconds: 600, rotated_at: null })
  await until(async () => (await b.sessions.verify(token)).name === 'desk')

  const { access_token: next = '', ...changed } = await a.sessions.update(id, { scope: { calls_per_day: 6 } }, BY)
  t.match(changed, { name: 'desk', scope: { calls_per_day: 6 }, previous_last_four: token.slice(-4) })
  await t.rejects(a.sessions.verify(token), REFUSED)
  await until(() => b.sessions.verify(token).then(() => false, () => true))
  t.match(await b.sessions.verify(next), { scope: { calls_per_day: 6 } })
  t.match((await a.audit.list({ action: 'session.update' })).items, [
    { details: { scope: { calls_per_day: 6 }, rotated: true } }, { details: { name: 'desk', rotated: false } }
  ])
})

t.test('who would prove the current token is known without it', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { access_token: token, session_id: id } = await app.sessions.create(connectionId, { name: 'desk' }, BY)
  t.same(await app.sessions.principalOf(id), await app.sessions.verify(token))
  await app.sessions.revoke(id, BY)
  await t.rejects(app.sessions.principalOf(id), REFUSED)
  await t.rejects(app.sessions.principalOf(randomUUID()), REFUSED)
  const { session_id: other } = await app.sessions.create(connectionId, {}, BY)
  const { db } = app
  await sql`ALTER TABLE sessions RENAME TO gone`.execute(db)
  await t.rejects(app.sessions.principalOf(other), { code: 'FMS_OVERLOADED' })
})
