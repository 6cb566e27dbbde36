import type { FastifyInstance, InjectOptions, RouteOptions } from 'fastify'
import { randomUUID } from 'node:crypto'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { adminScope, clearAdminCookie, sessionScope, setAdminCookie } from '../../plugins/auth/index.ts'
import { createToken } from '../../tokens/token.ts'
import { BY, buildSecurity, createOutage, type SecurityOptions } from './build-security.ts'

const PASSWORD = 'test-password-1'
const METADATA = '/.well-known/oauth-protected-resource'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** An app with one route in each scope, a session, an admin token and a login. */
async function build (t: Parameters<typeof buildSecurity>[0], options: SecurityOptions = {}) {
  const listed: Record<string, RouteOptions> = {}
  const security = await buildSecurity(t, {
    ...options,
    routes (app) {
      app.addHook('onRoute', route => { listed[route.url] = route })
      app.get('/public', async request => request.principal)
      app.post('/login', async (request, reply) => {
        setAdminCookie(reply, await app.admin.login({ name: 'ann', password: PASSWORD }, BY))
        return reply.send({})
      })
      app.register(async scope => {
        sessionScope(scope)
        scope.get('/session', { schema: { summary: 'test' } }, async request => request.principal)
      })
      app.register(async scope => {
        adminScope(scope)
        scope.get('/admin', async request => request.principal)
        scope.post('/admin', async request => request.principal)
        scope.delete('/admin', async (_request, reply) => {
          clearAdminCookie(reply)
          return reply.send({})
        })
      })
    }
  })
  const { app, connectionId } = security
  const session = await app.sessions.create(connectionId, { name: 'desk' }, BY)
  const { token: adminToken } = await app.admin.createToken({ name: 'ci' }, BY)
  const code = await app.admin.issueSetupCode() ?? ''
  const { cookie } = await app.admin.setup({ code, name: 'ann', password: PASSWORD }, BY)
  return { ...security, listed, session, token: session.access_token, adminToken, cookie }
}

/** Sends the text as it is and answers the response as it is. */
async function sendRaw (app: FastifyInstance, request: string): Promise<string> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(request)
  return await text(socket)
}

const shared = await build(t)

t.test('a scope says in the schema of its routes what they ask for', async t => {
  const { listed } = shared
  t.match(listed['/session']?.schema, { summary: 'test', security: [{ bearerAuth: [] }] })
  t.match(listed['/admin']?.schema, { security: [{ adminToken: [] }, { adminCookie: [] }] })
  t.equal(listed['/public']?.schema, undefined)
})

t.test('a session token opens the session scope and nothing else', async t => {
  const { app, token, session, connectionId } = shared
  const response = await app.inject({ url: '/session', headers: bearer(token) })
  t.match(response.json(), {
    kind: 'session', session_id: session.session_id, connection_id: connectionId, name: 'desk', expires_at: session.expires_at
  })
  t.equal((await app.inject({ method: 'HEAD', url: '/session', headers: bearer(token) })).statusCode, 200)
  t.equal((await app.inject({ url: '/session', headers: { authorization: `bearer   ${token} ` } })).statusCode, 200)
  t.equal((await app.inject({ url: '/admin', headers: bearer(token) })).statusCode, 401)
  t.equal((await app.inject({ url: '/public', headers: bearer(token) })).body, 'null')
  await app.sessions.flush()
  t.match(await app.sessions.get(session.session_id), { last_address: '127.0.0.1' })
})

t.test('what is not one valid bearer token gets 401 with the place of the metadata', async t => {
  const { app, token, adminToken } = shared
  const headers: (string | undefined)[] = [
    undefined, '', 'Bearer', 'Bearer ', token, `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token},`,
    `Bearer ${'x'.repeat(5000)}`, `Bearer ${adminToken}`, `Bearer ${createToken('st', randomUUID())}`
  ]
  const details = new Set<string>()
  const runs = app.sessions.argon2Runs()
  for (const authorization of headers) {
    const response = await app.inject({ url: '/session', ...authorization !== undefined && { headers: { authorization } } })
    t.equal(response.statusCode, 401, `${authorization?.slice(0, 20)}`)
    const isSent = authorization !== undefined && /^Bearer /.test(authorization)
    t.equal(response.headers['www-authenticate'],
      `Bearer resource_metadata="http://localhost:80${METADATA}"${isSent ? ', error="invalid_token"' : ''}`)
    details.add(response.json().detail)
  }
  t.equal(details.size, 1)
  t.equal(app.sessions.argon2Runs(), runs)
  t.equal((await app.inject({ method: 'HEAD', url: '/session' })).statusCode, 401)
})

t.test('the place of the metadata is the public URL where there is one', async t => {
  const { app } = await build(t, { env: { PUBLIC_URL: 'https://data.example.com/fmcp/' } })
  const response = await app.inject({ url: '/session' })
  t.equal(response.headers['www-authenticate'], `Bearer resource_metadata="https://data.example.com/fmcp${METADATA}"`)
})

t.test('a Host that is no host name does not get into the header', async t => {
  const { app } = shared
  const response = await app.inject({ url: '/session', headers: { host: 'a" evil="b' } })
  t.equal(response.statusCode, 400)
  t.equal(response.headers['www-authenticate'], undefined)
})

t.test('a session is refused from an address that is not of its scope', async t => {
  const { app, connectionId } = shared
  const { access_token: token } = await app.sessions.create(connectionId, { scope: { addresses: ['192.0.2.0/24'] } }, BY)
  const ask = (remoteAddress: string) => app.inject({ url: '/session', headers: bearer(token), remoteAddress })
  t.equal((await ask('192.0.2.7')).statusCode, 200)
  const refused = await ask('198.51.100.1')
  t.match([refused.statusCode, refused.json()], [403, { code: 'FMS_FORBIDDEN' }])
  t.equal(refused.headers['www-authenticate'], undefined)
})

t.test('two Authorization headers are refused, also where one is good', async t => {
  const { app, token, adminToken } = shared
  for (const [url, good] of [['/session', token], ['/admin', adminToken]]) {
    const head = `GET ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`
    t.match(await sendRaw(app, `${head}Authorization: Bearer ${good}\r\n\r\n`), /^HTTP\/1.1 200/)
    t.match(await sendRaw(app, `${head}Authorization: Bearer ${good}\r\nAUTHORIZATION: Bearer x\r\n\r\n`), /^HTTP\/1.1 401/)
  }
})

t.test('after 300 bad tokens from an address bad ones get 429, and good ones from it still pass', async t => {
  const { app, token, adminToken } = await build(t)
  const statuses = []
  for (let n = 0; n < 302; n += 1) {
    statuses.push((await app.inject({ url: n % 2 ? '/session' : '/admin', headers: bearer('x') })).statusCode)
  }
  t.same(statuses.slice(298), [401, 401, 429, 429])
  const limited = await app.inject({ url: '/session' })
  t.match(limited.json(), { code: 'FMS_RATE_LIMITED' })
  t.ok(Number(limited.headers['retry-after']) <= 60)
  t.equal((await app.inject({ url: '/session', headers: bearer(token) })).statusCode, 200)
  t.equal((await app.inject({ url: '/admin', headers: bearer(adminToken) })).statusCode, 200)
  const elsewhere = { url: '/session', remoteAddress: '192.0.2.9' }
  t.equal((await app.inject(elsewhere)).statusCode, 401)
})

t.test('the budget of an address is new after a minute', async t => {
  const { app } = await build(t)
  for (let n = 0; n < 301; n += 1) await app.inject({ url: '/session' })
  const { now } = Date
  t.teardown(() => { Date.now = now })
  Date.now = () => now() + 60_001
  t.equal((await app.inject({ url: '/session' })).statusCode, 401)
})

t.test('bad tokens do not reach the log above debug', async t => {
  const { app, log } = await build(t)
  const before = log().length
  for (let n = 0; n < 310; n += 1) await app.inject({ url: '/session', headers: bearer(createToken('st', randomUUID())) })
  const lines = log().slice(before).trim().split('\n').map(line => JSON.parse(line))
  t.same(lines.filter(line => line.level > 20 && !/^(incoming request|request completed)$/.test(line.msg)), [])
  t.notMatch(log().slice(before), /"stack":"[^"]*at /)
})

t.test('without the database a session is put off with 503', async t => {
  const { app, url, token } = await build(t)
  const outage = createOutage(url)
  await outage.down()
  const response = await app.inject({ url: '/session', headers: bearer(token) })
  t.equal(response.statusCode, 503)
  t.equal(response.headers['retry-after'], '5')
  t.equal(response.headers['www-authenticate'], undefined)
  await outage.up()
})

t.test('an admin token opens the admin scope and nothing else', async t => {
  const { app, adminToken } = shared
  t.match((await app.inject({ url: '/admin', headers: bearer(adminToken) })).json(), { kind: 'admin', via: 'token', name: 'ci' })
  t.equal((await app.inject({ method: 'POST', url: '/admin', headers: bearer(adminToken) })).statusCode, 200)
  t.equal((await app.inject({ url: '/session', headers: bearer(adminToken) })).statusCode, 401)
  const refused = await app.inject({ url: '/admin' })
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['www-authenticate'], 'Bearer')
  const wrong = await app.inject({ url: '/admin', headers: bearer('x') })
  t.equal(wrong.headers['www-authenticate'], 'Bearer error="invalid_token"')
})

t.test('a cookie opens the admin scope; a bad bearer token beside it is not overlooked', async t => {
  const { app, cookie } = shared
  t.match((await app.inject({ url: '/admin', cookies: { fmcp: cookie } })).json(), { kind: 'admin', via: 'cookie', name: 'ann' })
  t.equal((await app.inject({ url: '/admin', cookies: { fmcp: cookie }, headers: bearer('x') })).statusCode, 401)
  t.equal((await app.inject({ url: '/admin', cookies: { fmcp: 'x' } })).statusCode, 401)
  t.equal((await app.inject({ url: '/session', cookies: { fmcp: cookie } })).statusCode, 401)
})

t.test('what a browser reads for a page of another origin is refused, the same site\'s too', async t => {
  const { app, cookie } = shared
  for (const [status, site] of [[200, 'same-origin'], [200, 'none'], [403, 'same-site'], [403, 'cross-site']] as const) {
    const { statusCode } = await app.inject({ url: '/admin', headers: { 'sec-fetch-site': site }, cookies: { fmcp: cookie } })
    t.equal(statusCode, status, site)
  }
})

t.test('a change by cookie must come from an own page, as JSON', async t => {
  const { app, cookie } = shared
  const json = { 'content-type': 'application/json' }
  const cases: [number, Record<string, string>, string?][] = [
    [200, { 'sec-fetch-site': 'same-origin' }],
    [200, { origin: 'http://localhost:80' }],
    [200, { 'sec-fetch-site': 'same-origin', ...json }, '{}'],
    [200, { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json; charset=utf-8' }, '{}'],
    [403, {}],
    [403, { 'sec-fetch-site': 'same-site' }],
    [403, { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:80' }],
    [403, { 'sec-fetch-site': 'none' }],
    [403, { origin: 'http://localhost:8080' }],
    [403, { origin: 'null' }],
    [403, { 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' }, '{}'],
    [403, { 'sec-fetch-site': 'same-origin', 'content-type': 'application/jsonp' }, '{}'],
    [403, { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }, 'a=b']
  ]
  for (const [status, headers, payload] of cases) {
    const options: InjectOptions = { method: 'POST', url: '/admin', headers, cookies: { fmcp: cookie }, ...payload && { payload } }
    t.equal((await app.inject(options)).statusCode, status, JSON.stringify(headers))
  }
  const head = `POST /admin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: fmcp=${cookie}\r\n` +
    'Sec-Fetch-Site: same-origin\r\nTransfer-Encoding: chunked\r\n'
  t.match(await sendRaw(app, `${head}\r\n2\r\n{}\r\n0\r\n\r\n`), /^HTTP\/1.1 403/)
  t.match(await sendRaw(app, `${head}Content-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n`), /^HTTP\/1.1 200/)
})

t.test('behind a proxy the public URL is an own origin', async t => {
  const { app, cookie } = await build(t, { env: { PUBLIC_URL: 'https://data.example.com' } })
  const post = (origin: string) => app.inject({
    method: 'POST', url: '/admin', headers: { host: 'data.example.com', origin }, cookies: { '__Host-fmcp': cookie }
  })
  t.equal((await post('https://data.example.com')).statusCode, 200)
  t.equal((await post('https://evil.example.com')).statusCode, 403)
})

t.test('the cookie is __Host- over https, plain on http://localhost only, and is never sent elsewhere', async t => {
  const { app } = await build(t, { env: { PUBLIC_URL: 'https://data.example.com' } })
  const login = (host: string, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/login', headers: { host, ...headers } })
  const flags = { httpOnly: true, sameSite: 'Strict', path: '/' }
  t.match((await login('data.example.com')).cookies, [{ ...flags, name: '__Host-fmcp', secure: true }])
  t.match((await login('other.example.com', { 'x-forwarded-proto': 'https' })).cookies, [{ name: '__Host-fmcp', secure: true }])
  for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000', 'LOCALHOST']) {
    const { cookies } = await login(host)
    t.match(cookies, [{ ...flags, name: 'fmcp' }])
    t.notOk(cookies[0]?.secure)
  }
  for (const host of ['192.168.1.5', 'localhost.example.com', 'a b']) {
    const response = await login(host)
    t.equal(response.statusCode, 403, host)
    t.same(response.cookies, [])
    t.equal((await app.inject({ url: '/admin', headers: { host } })).statusCode, 403)
  }
})

t.test('a public URL of plain http gets no cookie, unless it is localhost', async t => {
  const { app } = await build(t, { env: { PUBLIC_URL: 'http://data.example.com' } })
  t.equal((await app.inject({ method: 'POST', url: '/login', headers: { host: 'data.example.com' } })).statusCode, 403)
})

t.test('the plain cookie is not taken over https', async t => {
  const { app, cookie } = shared
  const headers = { 'x-forwarded-proto': 'https' }
  t.equal((await app.inject({ url: '/admin', headers, cookies: { fmcp: cookie } })).statusCode, 401)
  t.equal((await app.inject({ url: '/admin', headers, cookies: { '__Host-fmcp': cookie } })).statusCode, 200)
})

t.test('a logout takes the cookie away', async t => {
  const { app, cookie } = shared
  const response = await app.inject({
    method: 'DELETE', url: '/admin', headers: { 'sec-fetch-site': 'same-origin' }, cookies: { fmcp: cookie }
  })
  t.match(response.cookies, [{ name: 'fmcp', value: '', path: '/', httpOnly: true, sameSite: 'Strict' }])
  t.ok((response.cookies[0]?.expires?.getTime() ?? 1) <= 0)
})
