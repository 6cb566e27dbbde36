import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { createToken } from '../../tokens/token.ts'
import { createDatabase, query } from '../database.ts'
import { build as buildApp, type World } from '../helper.ts'
import { buildControl, type Control } from '../routes/build-control.ts'
import { createOutage, until } from './build-security.ts'

const BY = { actor: 'test' }
const BASE = 'http://localhost'

async function build (t: Test, databaseUrl?: string) {
  const url = databaseUrl ?? await createDatabase(t)
  const world = await buildApp(t, { DATABASE_URL: url })
  const { sessionId, token, connectionId } = await world.connect({ keys: [] })
  const make = async (id = sessionId) => (await world.app.oneTimeTokens.create(id, {}, BASE, BY)).one_time_token
  return { ...world, url, sessionId, token, connectionId, make, exchange: exchangeAt(world) }
}

const exchangeAt = ({ app }: Pick<World, 'app'>) => async (token: unknown, remoteAddress = '127.0.0.1') => {
  const response = await app.inject({ method: 'POST', url: '/api/session/exchange', payload: { token }, remoteAddress })
  return { status: response.statusCode, body: response.json(), headers: response.headers }
}

const whoami = ({ app }: Pick<World, 'app'>, token: string) =>
  app.inject({ url: '/api/whoami', headers: { authorization: `Bearer ${token}` } }).then(({ statusCode }) => statusCode)

const eventsOf = async ({ app }: Pick<World, 'app'>, action: string) => (await app.audit.list({ action })).items

/** A connection with one session, by REST. */
async function createSession ({ call }: Control, body: object = {}) {
  const { id } = (await call('POST', '/api/connections', { name: `test ${Math.random()}` })).json()
  return (await call('POST', `/api/connections/${id}/session`, body)).json()
}

t.test('an admin makes a token, which is shown once, good for five minutes, and stored as a mac only', async t => {
  const control = await buildControl(t)
  const { app, call, log } = control
  const { session_id: sessionId, connection_id: connectionId } = await createSession(control)
  const made = await call('POST', `/api/sessions/${sessionId}/one-time-token`)
  t.equal(made.statusCode, 201)
  t.match(made.headers['cache-control'], /no-store/)
  const { one_time_token: token, expires_at: expires, ...urls } = made.json()
  t.match(token, /^fmcp_ot_[0-9a-f]{32}_[0-9A-Za-z]{49}$/)
  t.same(urls, { exchange_url: 'http://localhost:80/api/session/exchange', connect_url: `http://localhost:80/mcp/connect/${token}` })
  t.ok(Math.abs(Date.parse(expires) - Date.now() - 300_000) < 30_000)

  const [row] = await app.db.selectFrom('one_time_tokens').selectAll().execute()
  t.same(row?.token_mac, createHmac('sha256', app.vault.systemKey('token')).update(token).digest())
  t.match(await eventsOf(control, 'one_time_token.create'), [{ target: row?.id, session_id: sessionId, connection_id: connectionId, details: { ttl_seconds: 300 } }])
  t.notMatch(JSON.stringify(await app.audit.list({})) + log(), token.slice(-49))

  const short = (await call('POST', `/api/sessions/${sessionId}/one-time-token`, { ttl_seconds: 10 })).json()
  t.ok(Date.parse(short.expires_at) - Date.now() < 11_000)
  for (const body of [{ ttl_seconds: 601 }, { ttl_seconds: 9 }, { ttl_seconds: null }, { token: 'mine' }]) {
    t.equal((await call('POST', `/api/sessions/${sessionId}/one-time-token`, body)).statusCode, 400, JSON.stringify(body))
  }
  t.match((await call('POST', '/api/sessions/00000000-0000-4000-8000-000000000000/one-time-token')).json(), { code: 'FMS_NOT_FOUND' })
  t.equal((await app.inject({ method: 'POST', url: `/api/sessions/${sessionId}/one-time-token` })).statusCode, 401)
})

t.test('PUBLIC_URL is what the URLs begin with', async t => {
  const control = await buildControl(t, { env: { PUBLIC_URL: 'https://m.example.com/fin' } })
  const { session_id: id } = await createSession(control)
  t.match((await control.call('POST', `/api/sessions/${id}/one-time-token`)).json(), {
    exchange_url: 'https://m.example.com/fin/api/session/exchange', connect_url: /^https:\/\/m\.example\.com\/fin\/mcp\/connect\/fmcp_ot_/
  })
})

t.test('an exchange gives the session a new access token and ends the former; a second one is 410 and recorded', async t => {
  const world = await build(t)
  const { app, token, sessionId, make, exchange, logs } = world
  t.equal(await whoami(world, token), 200)
  const oneTime = await make()
  const { status, body, headers } = await exchange(oneTime)
  t.equal(status, 200)
  t.match(body, { session_id: sessionId, access_token: /^fmcp_st_/ })
  t.match(headers['cache-control'], /no-store/)
  t.equal(await whoami(world, body.access_token), 200)
  t.equal(await whoami(world, token), 401, 'the former token has ended')

  const second = await exchange(oneTime)
  t.match(second, { status: 410, body: { code: 'FMS_TOKEN_CONSUMED' } })
  t.equal(await whoami(world, body.access_token), 200, 'a second use changes nothing')
  const [made] = await eventsOf(world, 'one_time_token.create')
  t.match(await eventsOf(world, 'one_time_token.exchange'), [{ actor: `session:${sessionId}`, target: made?.target, ip: '127.0.0.1' }])
  t.match(await eventsOf(world, 'session.rotate'), [{ actor: `session:${sessionId}` }])
  t.match(await eventsOf(world, 'one_time_token.reuse'), [{ actor: 'anonymous', target: made?.target, session_id: sessionId, outcome: 'TOKEN_CONSUMED' }])
  const said = logs.join('') + JSON.stringify(await app.audit.list({ limit: 500 }))
  for (const secret of [oneTime, body.access_token]) t.notMatch(said, secret.slice(-49))
})

t.test('what is malformed, unknown, forged, expired or of another kind is the same 401 and writes nothing', async t => {
  const { app, exchange, make, token, connectionId } = await build(t)
  const oneTime = await make()
  const expired = await make()
  const other = await app.sessions.create(connectionId, {}, BY)
  const ended = await make(other.session_id)
  const hexOf = (token: string) => token.split('_')[2]!
  await app.db.updateTable('one_time_tokens').set({ expires_at: new Date(Date.now() - 1000) })
    .where('id', '=', toUuid(hexOf(expired))).execute()
  await app.sessions.revoke(other.session_id, BY)
  const admin = await app.admin.createToken({ name: 'a' }, BY)

  const before = await countWork(app)
  const bad = [
    '', 'x', token, admin.token, 'x'.repeat(10_000), oneTime.slice(0, -1), `${oneTime}0`, createToken('ot', crypto.randomUUID()),
    createToken('ot', toUuid(hexOf(oneTime))), expired, ended
  ]
  const bodies = new Set<string>()
  for (const text of bad) {
    const { status, body } = await exchange(text)
    t.equal(status, 401, text.slice(0, 50))
    bodies.add(JSON.stringify(body))
  }
  t.equal(bodies.size, 1)
  t.same(await countWork(app), before)
  for (const body of [{}, { token: 1 }, { token: oneTime, access_token: token }, [oneTime]]) {
    t.equal((await app.inject({ method: 'POST', url: '/api/session/exchange', payload: body })).statusCode, 400)
  }
  t.equal((await exchange(oneTime)).status, 200, 'no bad try used it up')
})

const toUuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** What grows with a write, and with argon2. */
async function countWork (app: World['app']) {
  const { items: [last] } = await app.audit.list({ limit: 1 })
  const consumed = await app.db.selectFrom('one_time_tokens').select('id').where('consumed_at', 'is not', null).execute()
  return { audit: last?.seq, consumed: consumed.length, runs: app.sessions.argon2Runs() }
}

t.test('many at once, over two replicas: one wins', async t => {
  const first = await build(t)
  const second = await buildApp(t, { DATABASE_URL: first.url })
  const oneTime = await first.make()
  const exchanges = [first.exchange, exchangeAt(second)]
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => exchanges[i % 2]!(oneTime)))
  t.same(answers.map(({ status }) => status).sort(), [200, ...Array(29).fill(410)])
  const winner = answers.find(({ status }) => status === 200)
  t.equal(await whoami(second, winner?.body.access_token), 200)
  t.equal((await eventsOf(first, 'session.rotate')).length, 1)
  t.equal((await eventsOf(first, 'one_time_token.reuse')).length, 29)
})

t.test('where the new token cannot be made, the one-time token still holds', async t => {
  const world = await build(t)
  const { url, make, exchange, token } = world
  const oneTime = await make()
  await query(url, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'test'; END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION fail()`)
  t.match(await exchange(oneTime), { status: 500, body: { code: 'FMS_INTERNAL' } })
  t.equal(await whoami(world, token), 200)
  await query(url, 'DROP TRIGGER fail ON sessions')
  t.equal((await exchange(oneTime)).status, 200)
})

t.test('without the database an exchange is put off, and the token still holds', async t => {
  const { url, app, make, exchange } = await build(t)
  const oneTime = await make()
  const outage = createOutage(url)
  await outage.down()
  t.match(await exchange(oneTime), { status: 503, body: { code: 'FMS_OVERLOADED' } })
  await outage.up()
  await until(() => !app.dbState.isDown())
  t.equal((await exchange(oneTime)).status, 200)
})

t.test('a session has 20 unused tokens at most; used and expired ones make room, and old rows are swept', async t => {
  const { app, make, exchange, sessionId } = await build(t)
  const tokens = []
  for (let n = 0; n < 20; n += 1) tokens.push(await make())
  await t.rejects(make(), { code: 'FMS_CONFLICT' })
  t.equal((await exchange(tokens[0])).status, 200)
  await make()
  await t.rejects(make(), { code: 'FMS_CONFLICT' })
  const age = (ms: number) => app.db.updateTable('one_time_tokens').set({ expires_at: new Date(Date.now() - ms) })
    .where('session_id', '=', sessionId).execute()
  await age(60_000)
  await make()
  t.equal((await exchange(tokens[0])).status, 410, 'a used one is known as used while its row is kept')
  t.equal((await exchange(tokens[1])).status, 401)
  await age(25 * 3_600_000)
  await make()
  t.equal((await app.db.selectFrom('one_time_tokens').select('id').execute()).length, 1)
  t.equal((await exchange(tokens[0])).status, 401)
})

t.test('a token ends with its session, and none is made of a session that has ended', async t => {
  const { app, connectionId, make, exchange } = await build(t)
  const { session_id: short, expires_at: end } = await app.sessions.create(connectionId, { ttl_seconds: 60 }, BY)
  t.equal((await app.oneTimeTokens.create(short, {}, BASE, BY)).expires_at, end)
  const oneTime = await make(short)
  await app.sessions.revoke(short, BY)
  t.equal((await exchange(oneTime)).status, 401)
  await t.rejects(make(short), { code: 'FMS_CONFLICT' })
})

t.test('the addresses of the session bind its one-time tokens too, and a refusal does not use one up', async t => {
  const { app, connectionId, make, exchange } = await build(t)
  const { session_id: id } = await app.sessions.create(connectionId, { scope: { addresses: ['192.0.2.0/24'] } }, BY)
  const oneTime = await make(id)
  t.match(await exchange(oneTime), { status: 403, body: { code: 'FMS_FORBIDDEN' } })
  t.equal((await exchange(oneTime, '192.0.2.7')).status, 200)
})

t.test('after 300 bad or used tokens from an address the answer is 429, and a good one still passes', async t => {
  const world = await build(t)
  const { make, exchange } = world
  const used = await make()
  await exchange(used)
  const statuses = []
  for (let n = 0; n < 302; n += 1) statuses.push((await exchange(n === 0 ? used : 'x')).status)
  t.same([...new Set(statuses.slice(0, 300))], [410, 401])
  t.same(statuses.slice(300), [429, 429])
  t.equal((await exchange(used)).status, 429)
  t.equal((await eventsOf(world, 'one_time_token.reuse')).length, 1, 'what is only counted is not recorded')
  t.equal((await exchange('x', '192.0.2.9')).status, 401)
  t.equal((await exchange(await make())).status, 200)
})
