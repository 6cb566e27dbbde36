import t from 'tap'
import { assertNoCanary, buildControl, CANARY, type Control } from './build-control.ts'

const password = `${CANARY}-password`
const own = { 'sec-fetch-site': 'same-origin' }

async function setup ({ app }: Control) {
  const code = String(await app.admin.issueSetupCode())
  return app.inject({ method: 'POST', url: '/api/setup', payload: { code, name: 'ada', password }, headers: { host: 'localhost' } })
}

function cookieOf ({ cookies: [cookie] }: Awaited<ReturnType<typeof setup>>): Record<string, string> {
  return cookie ? { [cookie.name]: cookie.value } : {}
}

t.test('the setup code lets the first admin in, once', async t => {
  const control = await buildControl(t)
  const { app } = control
  const headers = { host: 'localhost' }
  t.same((await app.inject({ url: '/api/setup', headers })).json(), { needed: true })
  const made = await setup(control)
  t.equal(made.statusCode, 201)
  t.match(made.json(), { name: 'ada', expires_at: /Z$/ })
  t.match(made.cookies, [{ httpOnly: true, sameSite: 'Strict', path: '/' }])
  t.same((await app.inject({ url: '/api/setup', headers })).json(), { needed: false })
  t.match((await app.inject({ url: '/api/admin', headers, cookies: cookieOf(made) })).json(), {
    id: /-/, name: 'ada', via: 'cookie', token_id: null, totp: false, recovery_codes_left: 0, proved_until: /Z$/
  })
  const again = await app.inject({ method: 'POST', url: '/api/setup', headers, payload: { code: 'AAAA-BBBB-CCCC', name: 'eve', password } })
  t.match(again.json(), { status: 409, code: 'FMS_CONFLICT' })
  await assertNoCanary(t, control, [made, again])
})

t.test('a wrong code and a short password make no admin, and are not echoed', async t => {
  const control = await buildControl(t)
  const { app } = control
  await app.admin.issueSetupCode()
  const send = (payload: object) => app.inject({ method: 'POST', url: '/api/setup', headers: { host: 'localhost' }, payload })
  const responses = [
    await send({ code: CANARY, name: 'ada', password }), await send({ code: CANARY, name: 'ada', password: 'test-canary' }),
    await send({ code: CANARY, password }), await send({ code: CANARY, name: 'ada', password, role: 'root' })
  ]
  t.same(responses.map(({ statusCode }) => statusCode), [401, 400, 400, 400])
  t.ok(await app.admin.needsSetup())
  await assertNoCanary(t, control, responses)
})

t.test('a login sets a cookie and a logout ends it', async t => {
  const control = await buildControl(t)
  const { app } = control
  await setup(control)
  const headers = { host: 'localhost' }
  const login = (payload: object) => app.inject({ method: 'POST', url: '/api/login', headers, payload })
  const wrong = await login({ name: 'ada', password: `${CANARY}-wrong` })
  t.match(wrong.json(), { status: 401, code: 'FMS_UNAUTHENTICATED' })
  const entered = await login({ name: 'ada', password })
  t.equal(entered.statusCode, 200)
  const cookies = cookieOf(entered)
  t.equal((await app.inject({ url: '/api/connections', headers, cookies })).statusCode, 200)

  const foreign = await app.inject({ method: 'POST', url: '/api/logout', headers: { ...headers, 'sec-fetch-site': 'cross-site' }, cookies })
  t.match(foreign.json(), { status: 403 }, 'not from another site\'s page')
  const left = await app.inject({ method: 'POST', url: '/api/logout', headers: { ...headers, ...own }, cookies })
  t.equal(left.statusCode, 204)
  t.match(left.cookies, [{ value: '' }])
  t.equal((await app.inject({ url: '/api/connections', headers, cookies })).statusCode, 401)
  await assertNoCanary(t, control, [wrong, entered, foreign, left])
})

t.test('the log names the admin who did it', async t => {
  const control = await buildControl(t)
  const { app } = control
  const cookies = cookieOf(await setup(control))
  await app.inject({
    method: 'POST', url: '/api/connections', headers: { host: 'localhost', ...own }, cookies, payload: { name: 'a' }
  })
  t.match((await app.audit.list({ action: 'connection.create' })).items, [{ actor: 'admin:ada', target: 'a' }])
})

t.test('admin tokens are made, listed without their secret, and revoked', async t => {
  const { app, call } = await buildControl(t)
  const made = await call('POST', '/api/admin-tokens', { name: 'ci', ttl_seconds: 60 })
  t.equal(made.statusCode, 201)
  t.match(made.headers['cache-control'], /no-store/)
  const { id, token } = made.json()
  const asToken = () => app.inject({ url: '/api/admin', headers: { authorization: `Bearer ${token}` } })
  t.same((await asToken()).json(), {
    id: null, name: 'ci', via: 'token', token_id: id, totp: null, recovery_codes_left: null, proved_until: null
  })
  const listed = await call('GET', '/api/admin-tokens')
  t.match(listed.json()[0], { id, name: 'ci', token_last_four: token.slice(-4) })
  t.notMatch(listed.body, token)
  t.equal((await call('DELETE', `/api/admin-tokens/${id}`)).statusCode, 204)
  t.equal((await asToken()).statusCode, 401)
  t.equal((await call('DELETE', '/api/admin-tokens/00000000-0000-4000-8000-000000000000')).statusCode, 404)
  t.equal((await call('POST', '/api/admin-tokens', { name: 'ci', ttl_seconds: 1 })).statusCode, 400)
  t.equal((await call('POST', '/api/logout')).statusCode, 204, 'a token has no login to end')
})
