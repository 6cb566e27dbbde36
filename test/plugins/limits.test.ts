import t from 'tap'
import { sessionScope } from '../../plugins/auth/index.ts'
import { BY, buildSecurity } from './build-security.ts'
import { build } from '../helper.ts'

t.test('a session may make so many requests a minute, whatever its address', async t => {
  const { app, connectionId } = await buildSecurity(t, {
    env: { SESSION_CALLS_PER_MINUTE: '3' },
    routes: app => {
      sessionScope(app)
      app.get('/session', async () => 'ok')
    }
  })
  const { access_token: token } = await app.sessions.create(connectionId, {}, BY)
  const { access_token: other } = await app.sessions.create(connectionId, {}, BY)
  const ask = (token: string, n: number) => app.inject({
    url: '/session', headers: { authorization: `Bearer ${token}` }, remoteAddress: `192.0.2.${n}`
  })
  for (let n = 1; n <= 3; n += 1) t.equal((await ask(token, n)).statusCode, 200)
  const refused = await ask(token, 4)
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), { code: 'FMS_RATE_LIMITED', detail: /This session has made 3 requests/ })
  const seconds = Number(refused.headers['retry-after'])
  t.ok(seconds > 0 && seconds <= 60)
  t.equal((await ask(other, 1)).statusCode, 200, 'another session is another count')

  const { now } = Date
  Date.now = () => now() + 61_000
  t.teardown(() => { Date.now = now })
  t.equal((await ask(token, 1)).statusCode, 200, 'a minute later')
})

t.test('an address may make so many requests a minute, an IPv6 one together with its /64', async t => {
  const { app } = await buildSecurity(t, {
    env: { ADDRESS_CALLS_PER_MINUTE: '3' },
    routes: app => {
      app.get('/public', async () => 'ok')
      app.get('/probe', { config: { unlimited: true } }, async () => 'ok')
    }
  })
  const ask = async (address: string, url = '/public') => (await app.inject({ url, remoteAddress: address })).statusCode
  for (let n = 1; n <= 3; n += 1) t.equal(await ask('192.0.2.1'), 200)
  t.equal(await ask('192.0.2.1'), 429)
  t.equal(await ask('192.0.2.1', '/missing'), 429, 'also where there is nothing')
  t.equal(await ask('192.0.2.1', '/probe'), 200, 'probes are not counted')
  t.equal(await ask('192.0.2.2'), 200)
  for (let n = 1; n <= 3; n += 1) t.equal(await ask(`2001:db8:1:2::${n}`), 200)
  t.equal(await ask('2001:db8:1:2:ffff::9'), 429)
  t.equal(await ask('2001:db8:1:3::1'), 200)
})

t.test('over MCP it is the HTTP status and the problem, and health is answered on', async t => {
  const { app, connect } = await build(t, { SESSION_CALLS_PER_MINUTE: '2', ADDRESS_CALLS_PER_MINUTE: '6' })
  const { token } = await connect({ keys: [] })
  const ask = () => app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { host: 'localhost', authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream' },
    payload: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
  })
  for (let n = 0; n < 2; n += 1) t.equal((await ask()).statusCode, 200)
  const refused = await ask()
  t.equal(refused.statusCode, 429)
  t.match(refused.headers['content-type'], 'application/problem+json')
  t.match(refused.json(), { code: 'FMS_RATE_LIMITED' })
  t.ok(Number(refused.headers['retry-after']) > 0)
  for (let n = 0; n < 10; n += 1) await ask()
  t.match((await ask()).json(), { detail: /This address has made 6 requests/ })
  for (const url of ['/health/live', '/health/ready']) {
    t.equal((await app.inject({ url, headers: { host: 'localhost' } })).statusCode, 200)
  }
})
