import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { createAuthenticator } from '../plugins/admin-world.ts'
import { assertNoCanary, buildControl, CANARY, type Control } from './build-control.ts'

const password = `${CANARY}-password`
const changed = `${CANARY}-changed`
const headers = { host: 'localhost', 'sec-fetch-site': 'same-origin', 'user-agent': 'Test/1.0' }
const NONE = '00000000-0000-4000-8000-000000000000'

/** A browser: keeps the cookie that it is given. */
function createBrowser (app: FastifyInstance) {
  const jar: Record<string, string> = {}
  const responses: LightMyRequestResponse[] = []
  return {
    jar,
    responses,
    async send (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) {
      const response = await app.inject({ method, url, headers, cookies: jar, ...payload && { payload } })
      for (const { name, value } of response.cookies) jar[name] = value
      responses.push(response)
      return response
    }
  }
}

async function build (t: Parameters<typeof buildControl>[0]) {
  const control = await buildControl(t)
  const browser = createBrowser(control.app)
  const code = String(await control.app.admin.issueSetupCode())
  await browser.send('POST', '/api/setup', { code, name: 'ada', password })
  const { id } = (await browser.send('GET', '/api/admin')).json()
  const outdate = () => control.app.db.updateTable('admin_sessions').set({ proved_at: new Date(0) }).execute()
  const isRefused = async (cookie: string) =>
    (await control.app.inject({ url: '/api/admin', headers, cookies: { fmcp: cookie } })).statusCode === 401
  return { ...control, control, browser, id, outdate, isRefused }
}

t.test('admins are made, listed and deleted', async t => {
  const { control, browser, id } = await build(t)
  const made = await browser.send('POST', '/api/admins', { name: 'bob', password })
  t.match(made, { statusCode: 201 })
  t.match(made.json(), { name: 'bob', totp: false })
  t.match((await browser.send('GET', '/api/admins')).json(), [{ id, name: 'ada' }, made.json()])
  t.match((await browser.send('POST', '/api/admins', { name: 'Bob', password })).json(), { status: 409 })
  t.match((await browser.send('POST', '/api/admins', { name: 'eve', password: 'short' })).json(), { status: 400 })
  t.match((await browser.send('POST', '/api/admins', { name: ' eve', password })).json(), { status: 400 })
  t.equal((await browser.send('DELETE', `/api/admins/${made.json().id}`)).statusCode, 204)
  t.match((await browser.send('DELETE', `/api/admins/${id}`)).json(), { status: 409 })
  t.match((await browser.send('DELETE', `/api/admins/${NONE}`)).json(), { status: 404 })
  await assertNoCanary(t, control, browser.responses)
})

t.test('what needs a fresh proof is refused to an older login, and not to a token', async t => {
  const { app, call, browser, outdate, id } = await build(t)
  const { paths = {} } = app.swagger()
  const guarded = Object.entries(paths).flatMap(([url, item = {}]) => Object.entries<{ description?: string }>(item)
    .filter(([, { description = '' }]) => description.includes('POST /api/admin/proof'))
    .map(([method]) => `${method.toUpperCase()} ${url}`))
  for (const route of ['DELETE /api/connections/{id}', 'DELETE /api/sessions', 'DELETE /api/admins/{id}', 'POST /api/admins',
    'POST /api/admin-tokens', 'POST /api/admin/totp', 'DELETE /api/admin/totp', 'GET /api/audit/export', 'POST /api/backup', 'POST /api/keys/rewrap']) {
    t.ok(guarded.includes(route), route)
  }
  await outdate()
  for (const route of guarded) {
    const [method, url = ''] = route.split(' ')
    const response = await browser.send(method as 'GET', url.replaceAll(/\{\w+\}/g, NONE), method === 'POST' ? {} : undefined)
    t.match(response.json(), { status: 403, code: 'FMS_FORBIDDEN', proof_required: true, detail: /POST \/api\/admin\/proof/ }, route)
  }
  t.equal((await browser.send('GET', '/api/admins')).statusCode, 200, 'the rest goes on')
  t.equal((await call('DELETE', `/api/connections/${NONE}`)).statusCode, 404)
  t.match((await call('DELETE', `/api/admins/${id}`)).json(), { status: 409 })

  t.match((await browser.send('POST', '/api/admin/proof', { password: `${CANARY}-wrong` })).json(), { status: 403, proof_required: true })
  const proof = await browser.send('POST', '/api/admin/proof', { password })
  t.ok(Math.abs(Date.parse(proof.json().proved_until) - Date.now() - 600_000) < 60_000)
  t.match(proof.headers['cache-control'], 'no-store')
  t.equal((await browser.send('GET', '/api/admin')).json().proved_until, proof.json().proved_until)
  t.equal((await browser.send('DELETE', `/api/connections/${NONE}`)).statusCode, 404)
  await app.db.updateTable('admin_sessions').set({ proved_at: new Date(Date.now() - 600_000) }).execute()
  t.equal((await browser.send('DELETE', `/api/connections/${NONE}`)).statusCode, 403, 'for ten minutes')
})

t.test('the cookie is a new one wherever what it may do changes', async t => {
  const { control, app, browser, isRefused } = await build(t)
  const renew = async (method: 'POST' | 'DELETE', url: string, status: number, payload?: object) => {
    const { fmcp: before = '' } = browser.jar
    const response = await browser.send(method, url, payload)
    t.equal(response.statusCode, status, url)
    t.match(response.cookies, [{ name: 'fmcp', httpOnly: true, sameSite: 'Strict', path: '/' }], url)
    t.not(browser.jar['fmcp'], before)
    t.ok(await isRefused(before), `the one before ${url}`)
    t.equal((await browser.send('GET', '/api/admin')).statusCode, 200)
    return response
  }
  await renew('POST', '/api/login', 200, { name: 'ada', password })
  await renew('POST', '/api/admin/proof', 200, { password })
  await renew('POST', '/api/admin/password', 204, { current_password: password, new_password: changed })
  const begun = await browser.send('POST', '/api/admin/totp')
  t.match(begun.headers['cache-control'], /no-store/)
  const { secret, uri } = begun.json()
  t.match(uri, /^otpauth:\/\/totp\//)
  const authenticator = createAuthenticator(t, secret)
  t.match((await browser.send('POST', '/api/admin/totp/confirm', { code: '12' })).json(), { status: 403 })
  const { recovery_codes: codes } = (await renew('POST', '/api/admin/totp/confirm', 200, { code: authenticator.code() })).json()
  t.equal(codes.length, 10)
  await renew('POST', '/api/admin/proof', 200, { password: changed, code: authenticator.next() })
  await renew('POST', '/api/login', 200, { name: 'ada', password: changed, code: codes[0] })
  t.match((await browser.send('GET', '/api/admin')).json(), { totp: true, recovery_codes_left: 9 })
  await renew('DELETE', '/api/admin/totp', 204)
  const { fmcp: last = '' } = browser.jar
  t.match((await browser.send('POST', '/api/logout')).cookies, [{ name: 'fmcp', value: '' }])
  t.ok(await isRefused(last))

  const audited = JSON.stringify(await app.audit.list({}))
  for (const secretText of [secret, ...codes]) t.notMatch(audited + control.log(), secretText)
  await assertNoCanary(t, control, browser.responses)
})

t.test('a cookie that somebody else chose is never taken over', async t => {
  const { app, browser, isRefused } = await build(t)
  const chosen = 'A'.repeat(43)
  const attacker = createBrowser(app)
  await attacker.send('POST', '/api/login', { name: 'ada', password })
  for (const planted of [chosen, String(attacker.jar['fmcp'])]) {
    browser.jar['fmcp'] = planted
    const response = await browser.send('POST', '/api/login', { name: 'ada', password })
    t.equal(response.statusCode, 200)
    t.not(browser.jar['fmcp'], planted)
    t.ok(await isRefused(planted), 'what was planted opens nothing')
  }
})

t.test('a code is asked for by 401 with totp_required, and by no other', async t => {
  const { app, browser } = await build(t)
  const { secret } = (await browser.send('POST', '/api/admin/totp')).json()
  const authenticator = createAuthenticator(t, secret)
  await browser.send('POST', '/api/admin/totp/confirm', { code: authenticator.code() })
  const other = createBrowser(app)
  const login = async (payload: object) => (await other.send('POST', '/api/login', payload)).json()
  t.match(await login({ name: 'ada', password }), { status: 401, code: 'FMS_UNAUTHENTICATED', totp_required: true })
  t.notOk('totp_required' in await login({ name: 'ada', password: `${CANARY}-wrong`, code: authenticator.next() }))
  t.same(Object.keys(other.jar), [])
  t.match(await login({ name: 'ada', password, code: authenticator.code() }), { name: 'ada' })
})

t.test('logins are listed and ended', async t => {
  const { app, browser, id, call } = await build(t)
  const other = createBrowser(app)
  await other.send('POST', '/api/login', { name: 'ada', password })
  const listed = (await browser.send('GET', `/api/admins/${id}/logins`)).json()
  t.match(listed.map(({ is_current: own }: { is_current: boolean }) => own).sort(), [false, true])
  t.match(listed, [{ address: '127.0.0.1', user_agent: 'Test/1.0' }, { address: '127.0.0.1' }])
  t.match((await call('GET', `/api/admins/${id}/logins`)).json(), [{ is_current: false }, { is_current: false }])
  const { id: login } = listed.find(({ is_current: own }: { is_current: boolean }) => !own)
  t.equal((await browser.send('DELETE', `/api/admins/${id}/logins/${login}`)).statusCode, 204)
  t.equal((await browser.send('DELETE', `/api/admins/${id}/logins/${login}`)).statusCode, 404)
  t.equal((await other.send('GET', '/api/admin')).statusCode, 401)

  await other.send('POST', '/api/login', { name: 'ada', password })
  t.same((await browser.send('DELETE', `/api/admins/${id}/logins?keep_own=true`)).json(), { ended: 1 })
  t.equal((await browser.send('GET', '/api/admin')).statusCode, 200)
  t.same((await browser.send('DELETE', `/api/admins/${id}/logins`)).json(), { ended: 1 })
  t.equal((await browser.send('GET', '/api/admin')).statusCode, 401)
  t.equal((await call('GET', `/api/admins/${NONE}/logins`)).statusCode, 404)
  t.equal((await call('DELETE', `/api/admins/${NONE}/logins`)).statusCode, 404)
})

t.test('an admin token has no password and no second factor', async t => {
  const { call } = await build(t)
  const asked: Parameters<Control['call']>[] = [
    ['POST', '/api/admin/proof', { password }],
    ['POST', '/api/admin/password', { current_password: password, new_password: changed }],
    ['POST', '/api/admin/totp'],
    ['POST', '/api/admin/totp/confirm', { code: '000000' }],
    ['DELETE', '/api/admin/totp']
  ]
  for (const request of asked) t.match((await call(...request)).json(), { status: 403, detail: /admin token/ }, request[1])
})

t.test('nobody comes in without a credential, from another site, or with a session\'s token', async t => {
  const { app, browser, id } = await build(t)
  const { id: connectionId } = (await browser.send('POST', '/api/connections', { name: 'desk' })).json()
  const { access_token: token } = (await browser.send('POST', `/api/connections/${connectionId}/session`, {})).json()
  const asked: ['GET' | 'POST' | 'DELETE', string][] = [
    ['GET', '/api/admins'], ['POST', '/api/admins'], ['DELETE', `/api/admins/${id}`], ['GET', `/api/admins/${id}/logins`],
    ['DELETE', `/api/admins/${id}/logins`], ['DELETE', `/api/admins/${id}/logins/${NONE}`], ['POST', '/api/admin/proof'],
    ['POST', '/api/admin/password'], ['POST', '/api/admin/totp'], ['POST', '/api/admin/totp/confirm'], ['DELETE', '/api/admin/totp']
  ]
  for (const [method, url] of asked) {
    const bare = { host: 'localhost' }
    t.equal((await app.inject({ method, url, headers: bare })).statusCode, 401, `${method} ${url}`)
    const bearer = { ...bare, authorization: `Bearer ${token}` }
    t.equal((await app.inject({ method, url, headers: bearer })).statusCode, 401, `${method} ${url}`)
    if (method === 'GET') continue
    const foreign = { ...bare, 'sec-fetch-site': 'cross-site' }
    t.equal((await app.inject({ method, url, headers: foreign, cookies: browser.jar })).statusCode, 403, `${method} ${url}`)
  }
})

t.test('a login over plain http from elsewhere is refused before its password is looked at', async t => {
  const { app } = await buildControl(t, { env: { ALLOWED_HOSTS: 'desk.example' } })
  await app.admin.createAdmin({ name: 'ada', password }, { actor: 'cli' })
  const response = await app.inject({
    method: 'POST', url: '/api/login', headers: { host: 'desk.example' }, payload: { name: 'ada', password }
  })
  t.equal(response.statusCode, 403)
  t.same(response.cookies, [])
  t.equal((await app.db.selectFrom('admin_sessions').selectAll().execute()).length, 0)
})
