import Fastify from 'fastify'
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import type { SessionTouch } from '../../db/sessions.ts'
import { createSessionTouches } from '../../plugins/sessions/touches.ts'
import { createToken, parseToken } from '../../tokens/token.ts'
import { BY, buildSecurity, createOutage, insertConnection, until } from './build-security.ts'

const REFUSED = { code: 'FMS_UNAUTHENTICATED' }
const DAY_MS = 86_400_000

t.test('a session is made with its token, which is stored as hash and mac only', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const session = await app.sessions.create(connectionId, { name: 'desk' }, BY)
  t.match(parseToken(session.access_token), { kind: 'st', id: session.session_id, lastFour: session.token_last_four })
  t.match(session, { connection_id: connectionId, name: 'desk', last_used_at: null, revoked_at: null })
  t.ok(Math.abs(Date.parse(session.expires_at ?? '') - Date.now() - 90 * DAY_MS) < 60_000)
  const row = await app.db.selectFrom('sessions').selectAll().executeTakeFirstOrThrow()
  t.match(row.token_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  t.notMatch(JSON.stringify(row), session.access_token.slice(-49))
  t.same(await app.sessions.verify(session.access_token), {
    kind: 'session',
    session_id: session.session_id,
    connection_id: connectionId,
    name: 'desk',
    expires_at: row.expires_at,
    scope: {},
    token_last_four: session.token_last_four,
    previous_expires_at: null
  })
  const { access_token: _token, ...listed } = session
  t.same(await app.sessions.get(session.session_id), listed)
  t.match((await app.audit.list({})).items, [{
    ...BY, action: 'session.create', session_id: session.session_id, connection_id: connectionId
  }])
})

t.test('a session lasts as long as was asked, or for ever', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const short = await app.sessions.create(connectionId, { ttl_seconds: 60 }, BY)
  t.ok(Math.abs(Date.parse(short.expires_at ?? '') - Date.now() - 60_000) < 10_000)
  const endless = await app.sessions.create(connectionId, { ttl_seconds: null }, BY)
  t.equal(endless.expires_at, null)
  t.match(await app.sessions.verify(endless.access_token), { name: null, expires_at: null })
  t.match(await app.sessions.list(connectionId), [{ session_id: endless.session_id }, { session_id: short.session_id }])
  t.same(await app.sessions.list(randomUUID()), [])
})

t.test('a connection that does not exist gets no session', async t => {
  const { app } = await buildSecurity(t)
  await t.rejects(app.sessions.create(randomUUID(), {}, BY), { code: 'FMS_NOT_FOUND' })
  await t.rejects(app.sessions.get(randomUUID()), { code: 'FMS_NOT_FOUND' })
  t.same((await app.audit.list({})).items, [])
})

t.test('many first uses of a token at once run argon2 once', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { access_token: token } = await app.sessions.create(connectionId, {}, BY)
  await Promise.all(Array.from({ length: 200 }, () => app.sessions.verify(token)))
  t.equal(app.sessions.argon2Runs(), 1)
})

t.test('2,000 bad tokens run argon2 never', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: id } = await app.sessions.create(connectionId, {}, BY)
  const bad = Array.from({ length: 2000 }, (_, n) => createToken('st', n % 2 ? id : randomUUID()))
  const results = await Promise.allSettled(bad.map(token => app.sessions.verify(token)))
  t.ok(results.every(result => result.status === 'rejected' && result.reason.code === 'FMS_UNAUTHENTICATED'))
  t.equal(app.sessions.argon2Runs(), 0)
})

t.test('a revoked session is refused here at once and on the other replica within a second', async t => {
  const { app: a, url, connectionId } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  const { access_token: token, session_id: id } = await a.sessions.create(connectionId, {}, BY)
  const { access_token: other } = await a.sessions.create(connectionId, {}, BY)
  await Promise.all([a, b].flatMap(app => [app.sessions.verify(token), app.sessions.verify(other)]))
  const heard: unknown[] = []
  a.sessions.onRevoked(match => heard.push(['a', match]))
  b.sessions.onRevoked(match => heard.push(['b', match]))
  await a.sessions.revoke(id, BY)
  const revokedAt = Date.now()
  await t.rejects(a.sessions.verify(token), REFUSED)
  await until(() => b.sessions.verify(token).then(() => false, () => true))
  const tookMs = Date.now() - revokedAt
  t.comment(`refused on the other replica after ${tookMs} ms`)
  t.ok(tookMs < 1000)
  t.same(heard, [['a', { session_id: id }], ['b', { session_id: id }]])
  t.ok(await a.sessions.verify(other))
  t.ok(await b.sessions.verify(other))
  t.equal(a.sessions.argon2Runs() + b.sessions.argon2Runs(), 4, 'the other session is read again and not proven again')
})

t.test('revoking twice changes nothing, and an unknown session is not found', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: id } = await app.sessions.create(connectionId, {}, BY)
  await app.sessions.revoke(id, BY)
  const { revoked_at: revokedAt } = await app.sessions.get(id)
  t.ok(revokedAt)
  await app.sessions.revoke(id, BY)
  t.equal((await app.sessions.get(id)).revoked_at, revokedAt)
  t.match((await app.audit.list({})).items.map(item => item.action), ['session.revoke', 'session.create'])
  await t.rejects(app.sessions.revoke(randomUUID(), BY), { code: 'FMS_NOT_FOUND' })
})

t.test('a session that cannot be audited is neither made nor revoked', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: id } = await app.sessions.create(connectionId, {}, BY)
  app.audit.record = () => Promise.reject(new Error('test failure'))
  await t.rejects(app.sessions.create(connectionId, {}, BY), { message: 'test failure' })
  await t.rejects(app.sessions.revoke(id, BY), { message: 'test failure' })
  t.match(await app.sessions.list(connectionId), [{ session_id: id, revoked_at: null }])
})

t.test('a revocation holds here also where the others cannot be told', async t => {
  const { app, connectionId, log } = await buildSecurity(t)
  const { access_token: token, session_id: id } = await app.sessions.create(connectionId, {}, BY)
  await app.sessions.verify(token)
  app.dbPool.query = () => Promise.reject(new Error('test failure'))
  await app.sessions.revoke(id, BY)
  await t.rejects(app.sessions.verify(token), REFUSED)
  t.match(log(), 'other replicas could not be told')
})

t.test('sessions of a deleted connection are refused on every replica', async t => {
  const { app: a, url } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  for (const announce of [
    (id: string) => a.sessions.forget(id), (id: string) => a.bus.publish('connection:changed', { connection_id: id })
  ]) {
    const connectionId = await insertConnection(a)
    const { access_token: token } = await a.sessions.create(connectionId, {}, BY)
    await Promise.all([a.sessions.verify(token), b.sessions.verify(token)])
    await a.db.deleteFrom('connections').where('id', '=', connectionId).execute()
    await announce(connectionId)
    await t.rejects(a.sessions.verify(token), REFUSED)
    await until(() => b.sessions.verify(token).then(() => false, () => true))
  }
})

t.test('forgetting a connection tells who listens', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const heard: unknown[] = []
  app.sessions.onRevoked(match => heard.push(match))
  await app.sessions.forget(connectionId)
  t.same(heard, [{ connection_id: connectionId }])
})

t.test('an idle session ends, and one that is used does not', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const make = async (bornMs: number, usedMs: number | null) => {
    const { access_token: token, session_id: id } = await app.sessions.create(connectionId, { ttl_seconds: null }, BY)
    const ago = (ms: number) => new Date(Date.now() - ms)
    await sql`UPDATE sessions SET idle_seconds = 600, created_at = ${ago(bornMs)},
      last_used_at = ${usedMs === null ? null : ago(usedMs)} WHERE id = ${id}`.execute(app.db)
    return { token, id }
  }
  t.ok(await app.sessions.verify((await make(0, null)).token))
  t.ok(await app.sessions.verify((await make(9_000_000, 500_000)).token))
  await t.rejects(app.sessions.verify((await make(9_000_000, 700_000)).token), REFUSED)
  await t.rejects(app.sessions.verify((await make(700_000, null)).token), REFUSED)
  const { token, id } = await make(9_000_000, 700_000)
  app.sessions.touch(id, {})
  t.ok(await app.sessions.verify(token), 'a use that is not stored yet counts')
  const states = new Set((await app.sessions.list(connectionId)).map(({ state }) => state))
  t.same([...states].sort(), ['active', 'expired'])
})

t.test('a session is made with the time that it may be idle', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const session = await app.sessions.create(connectionId, { idle_seconds: 3600 }, BY)
  t.match(session, { idle_seconds: 3600, state: 'active' })
  t.match(await app.sessions.update(session.session_id, { idle_seconds: null }, BY), { idle_seconds: null })
})

t.test('all sessions of a connection are revoked at once, or all that there are, on every replica', async t => {
  const { app: a, url, connectionId } = await buildSecurity(t)
  const { app: b, connectionId: otherId } = await buildSecurity(t, { url })
  const make = async (id: string) => (await a.sessions.create(id, {}, BY)).access_token
  const own = [await make(connectionId), await make(connectionId)]
  const other = await make(otherId)
  const isRefused = (app: typeof a, token: string) => app.sessions.verify(token).then(() => false, () => true)
  await Promise.all([...own, other].flatMap(token => [a.sessions.verify(token), b.sessions.verify(token)]))
  t.equal(await a.sessions.revokeAll(connectionId, BY), 2)
  for (const token of own) {
    await t.rejects(a.sessions.verify(token), REFUSED)
    await until(() => isRefused(b, token))
  }
  t.ok(await a.sessions.verify(other))
  t.match((await a.audit.list({ action: 'session.revoke_all' })).items, [{ connection_id: connectionId, details: { count: 2 } }])

  const late = await make(connectionId)
  await b.sessions.verify(late)
  t.equal(await b.sessions.revokeAll(undefined, BY), 2)
  for (const token of [late, other]) {
    await t.rejects(b.sessions.verify(token), REFUSED)
    await until(() => isRefused(a, token))
  }
  t.equal(await b.sessions.revokeAll(undefined, BY), 0)
  t.ok(await a.sessions.verify(await make(connectionId)), 'the next session is a good one')
})

t.test('sessions of more connections than fit into one message are revoked too', async t => {
  const { app: a, url } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  const session = await a.sessions.create(await insertConnection(a), {}, BY)
  const { scope, ...row } = await a.db.selectFrom('sessions').selectAll().executeTakeFirstOrThrow()
  for (let n = 0; n < 150; n += 1) {
    const connection = { ...row, id: randomUUID(), connection_id: await insertConnection(a) }
    await a.db.insertInto('sessions').values({ ...connection, scope: JSON.stringify(scope) }).execute()
  }
  const heard = new Set<string>()
  b.sessions.onRevoked(({ connection_id: id }) => heard.add(String(id)))
  await b.sessions.verify(session.access_token)
  t.equal(await a.sessions.revokeAll(undefined, BY), 151)
  await until(() => heard.size === 151)
  await t.rejects(b.sessions.verify(session.access_token), REFUSED)
})

t.test('the row of a revoked session is not written to by what is used later', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: id } = await app.sessions.create(connectionId, {}, BY)
  app.sessions.touch(id, { address: '192.0.2.7' })
  await app.sessions.revoke(id, BY)
  await app.sessions.flush()
  t.match(await app.sessions.get(id), { state: 'revoked', last_address: '192.0.2.7' }, 'what was used before is')
  await new Promise(resolve => setTimeout(resolve, 5))
  app.sessions.touch(id, { address: '192.0.2.8' })
  await app.sessions.flush()
  t.match(await app.sessions.get(id), { last_address: '192.0.2.7' })
})

t.test('the last use is stored once for many, and is not undone by an older one', async t => {
  const { app, connectionId, log } = await buildSecurity(t)
  const a = await app.sessions.create(connectionId, {}, BY)
  const b = await app.sessions.create(connectionId, {}, BY)
  app.sessions.touch(a.session_id, { address: '192.0.2.7', client: { name: 'test\0client', version: '1' } })
  app.sessions.touch(a.session_id, { address: '192.0.2.8' })
  app.sessions.touch(b.session_id, { address: '192.0.2.9' })
  await app.sessions.flush()
  await app.sessions.flush()
  t.match(await app.sessions.get(a.session_id), {
    last_used_at: /^2/, last_address: '192.0.2.8', client_name: 'testclient', client_version: '1'
  })
  t.match(await app.sessions.get(b.session_id), { last_address: '192.0.2.9', client_name: null })
  const later = new Date(Date.now() + 60_000)
  await app.db.updateTable('sessions').set({ last_used_at: later }).execute()
  app.sessions.touch(a.session_id, { address: '192.0.2.10' })
  await app.sessions.flush()
  t.match(await app.sessions.get(a.session_id), { last_used_at: later.toISOString(), last_address: '192.0.2.8' })
  t.notMatch(log(), 'cannot be stored')
})

t.test('a first use, a first call and another client are stored at once, and what follows in time', async t => {
  const { app, connectionId } = await buildSecurity(t)
  const { session_id: id } = await app.sessions.create(connectionId, {}, BY)
  const read = () => app.sessions.get(id)
  type Shows = (session: Awaited<ReturnType<typeof read>>) => boolean
  const stored = (shows: Shows) => until(async () => shows(await read()))
  app.sessions.touch(id, { address: '192.0.2.7' })
  await stored(({ last_used_at: used }) => used !== null)
  t.match(await read(), { first_call_at: null, client_name: null })
  app.sessions.touch(id, { client: { name: 'first', version: '1' } })
  await stored(({ client_name: name }) => name === 'first')
  app.sessions.touch(id, { call: true, client: { name: 'first', version: '1' } })
  await stored(({ first_call_at: call }) => call !== null)
  const { first_call_at: first, last_used_at: used } = await read()
  app.sessions.touch(id, { client: { name: 'second', version: '1' } })
  await stored(({ client_name: name }) => name === 'second')
  await new Promise(resolve => setTimeout(resolve, 5))
  app.sessions.touch(id, { call: true, client: { name: 'first', version: '1' } })
  await app.sessions.flush()
  const last = await read()
  t.equal(last.first_call_at, first, 'the first call stays the first')
  t.ok(last.last_used_at! > used!)
})

t.test('a first call that cannot be stored yet is the first one still when it can', async t => {
  let isDown = true
  const stored: SessionTouch[] = []
  const touches = createSessionTouches(async rows => {
    if (isDown) throw new Error('away')
    stored.push(...rows)
  }, Fastify({ logger: false }).log)
  touches.touch('a', { call: true })
  await touches.flush()
  const before = Date.now()
  await new Promise(resolve => setTimeout(resolve, 5))
  touches.touch('a', { call: true })
  isDown = false
  await touches.close()
  t.equal(stored.length, 1)
  t.ok(stored[0]!.first_call_at!.getTime() <= before && stored[0]!.at.getTime() > before)
})

t.test('closing stores the last uses', async t => {
  const { app, url, connectionId } = await buildSecurity(t)
  const { session_id: id } = await app.sessions.create(connectionId, {}, BY)
  app.sessions.touch(id, { address: '192.0.2.7' })
  await app.close()
  const { app: next } = await buildSecurity(t, { url })
  t.match(await next.sessions.get(id), { last_address: '192.0.2.7' })
})

t.test('without the database a known token passes, an unknown one is put off, and uses are kept', async t => {
  const { app, url, connectionId, log } = await buildSecurity(t)
  const { access_token: warm, session_id: id } = await app.sessions.create(connectionId, {}, BY)
  const { access_token: cold } = await app.sessions.create(connectionId, {}, BY)
  await app.sessions.verify(warm)
  const outage = createOutage(url)
  await outage.down()
  await until(() => !app.bus.healthy())
  t.ok(await app.sessions.verify(warm))
  await t.rejects(app.sessions.verify(cold), { code: 'FMS_OVERLOADED', retry_after_seconds: 5 })
  app.sessions.touch(id, { address: '192.0.2.7' })
  for (let n = 0; n < 3; n += 1) await app.sessions.flush()
  t.equal(log().split('the last use of sessions cannot be stored now').length, 2, 'said once')
  await outage.up()
  await until(() => app.bus.healthy())
  t.ok(await app.sessions.verify(cold))
  await app.sessions.flush()
  t.match(await app.sessions.get(id), { last_address: '192.0.2.7' })
  t.match(log(), 'the last use of sessions is stored again')
})

t.test('while the last uses cannot be stored 10,000 of them are kept', async t => {
  const stored: readonly SessionTouch[][] = []
  let broken = true
  const touches = createSessionTouches(async rows => {
    if (broken) throw new Error('test')
    ;(stored as SessionTouch[][]).push([...rows])
  }, Fastify().log)
  for (let n = 0; n < 10_500; n += 1) touches.touch(`session-${n}`, {})
  await touches.flush()
  for (let n = 0; n < 10_500; n += 1) touches.touch(`session-${n}`, { address: '192.0.2.9' })
  await touches.flush()
  broken = false
  await touches.close()
  t.equal(stored.flat().length, 10_000)
  t.match(stored[0]?.[0], { id: 'session-0', address: '192.0.2.9' })
})

t.test('a revocation that was missed while the bus was down holds as soon as it is back', async t => {
  const { app, url, connectionId } = await buildSecurity(t)
  const { access_token: token, session_id: id } = await app.sessions.create(connectionId, {}, BY)
  await app.sessions.verify(token)
  await app.db.updateTable('sessions').set({ revoked_at: new Date() }).where('id', '=', id).execute()
  t.ok(await app.sessions.verify(token), 'nobody told')
  const outage = createOutage(url)
  await outage.down()
  await until(() => !app.bus.healthy())
  await outage.up()
  await until(() => app.bus.healthy())
  await t.rejects(app.sessions.verify(token), REFUSED)
})
