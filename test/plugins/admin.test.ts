import { randomUUID } from 'node:crypto'
import t from 'tap'
import { isOutage } from '../../db/outage.ts'
import { toNetwork } from '../../plugins/admin/login.ts'
import { parseToken } from '../../tokens/token.ts'
import { BY, buildSecurity, createOutage, until } from './build-security.ts'

const PASSWORD = 'test-password-1'
const REFUSED = { code: 'FMS_UNAUTHENTICATED' }
const from = (ip: string) => ({ actor: 'anonymous', ip })

async function buildWithAdmin (t: Parameters<typeof buildSecurity>[0]) {
  const security = await buildSecurity(t)
  const code = await security.app.admin.issueSetupCode() ?? ''
  const login = await security.app.admin.setup({ code, name: 'ann', password: PASSWORD }, from('192.0.2.1'))
  return { ...security, login }
}

t.test('the setup code lets one admin in, once', async t => {
  const { app } = await buildSecurity(t)
  t.equal(await app.admin.needsSetup(), true)
  const old = await app.admin.issueSetupCode() ?? ''
  const code = await app.admin.issueSetupCode() ?? ''
  t.match(code, /^[A-HJKMNP-Z2-9]{4}(-[A-HJKMNP-Z2-9]{4}){2}$/)
  const request = { name: 'ann', password: PASSWORD }
  await t.rejects(app.admin.setup({ ...request, code: old }, from('192.0.2.1')), REFUSED, 'a newer one replaced it')
  const typed = code.toLowerCase().replaceAll('-', ' ')
  const tries = await Promise.allSettled(Array.from({ length: 4 }, (_, n) =>
    app.admin.setup({ ...request, name: `ann${n}`, code: typed }, from(`192.0.2.${n}`))))
  const won = tries.filter(result => result.status === 'fulfilled')
  t.equal(won.length, 1)
  const [login] = won
  t.match(await app.admin.verifyCookie(login?.value.cookie ?? ''), { kind: 'admin', via: 'cookie', name: login?.value.admin.name ?? '' })
  t.equal(await app.admin.needsSetup(), false)
  t.equal(await app.admin.issueSetupCode(), null)
  await t.rejects(app.admin.setup({ ...request, code }, from('192.0.2.9')), { code: 'FMS_CONFLICT' })
  const rows = await app.db.selectFrom('admins').selectAll().execute()
  t.match(rows, [{ password_hash: /^\$argon2id\$v=19\$m=65536,t=3,p=1\$/ }])
})

t.test('a setup code ends after 30 minutes, is stored as a mac, and wrong ones are counted and recorded', async t => {
  const { app } = await buildSecurity(t)
  const code = await app.admin.issueSetupCode() ?? ''
  const row = await app.db.selectFrom('setup_codes').selectAll().executeTakeFirstOrThrow()
  t.equal(row.code_mac.length, 32)
  t.ok(Math.abs(row.expires_at.getTime() - Date.now() - 30 * 60_000) < 60_000)
  await app.db.updateTable('setup_codes').set({ expires_at: new Date() }).execute()
  const request = { name: 'ann', password: PASSWORD }
  for (let n = 0; n < 10; n += 1) {
    await t.rejects(app.admin.setup({ ...request, code: n ? 'AAAA-BBBB-CCCC' : code }, from('192.0.2.1')), REFUSED)
  }
  const good = await app.admin.issueSetupCode() ?? ''
  await t.rejects(app.admin.setup({ ...request, code: good }, from('192.0.2.1')), { code: 'FMS_RATE_LIMITED' })
  t.ok(await app.admin.setup({ ...request, code: good }, from('192.0.2.2')))
  const { items } = await app.audit.list({ action: 'admin.setup', outcome: 'UNAUTHENTICATED' })
  t.equal(items.length, 10)
  t.notMatch(JSON.stringify(await app.audit.list({})), good)
})

t.test('a password has 12 to 128 characters', async t => {
  const { app } = await buildSecurity(t)
  const code = await app.admin.issueSetupCode() ?? ''
  for (const password of ['', 'x'.repeat(11), 'x'.repeat(129)]) {
    await t.rejects(app.admin.setup({ code, name: 'ann', password }, BY), {
      code: 'FMS_INVALID_INPUT', errors: [{ path: '/password' }]
    })
  }
  t.ok(await app.admin.setup({ code, name: 'ann', password: '🔑'.repeat(128) }, BY), 'the code was not used up')
})

t.test('a login makes a new cookie each time, which ends with the logout', async t => {
  const { app, login: first } = await buildWithAdmin(t)
  const second = await app.admin.login({ name: 'ann', password: PASSWORD }, from('192.0.2.1'))
  t.not(second.cookie, first.cookie)
  t.ok(Math.abs(second.expires_at.getTime() - Date.now() - 12 * 3_600_000) < 60_000)
  const { login_id: loginId, proved_at: provedAt, ...principal } = await app.admin.verifyCookie(second.cookie)
  t.same(principal, { kind: 'admin', admin_id: second.admin.id, name: 'ann', via: 'cookie' })
  t.ok(loginId)
  t.ok(Date.now() - Number(provedAt) < 60_000)
  await app.admin.logout(second.cookie, { actor: 'admin:ann' })
  await app.admin.logout(second.cookie, { actor: 'admin:ann' })
  await t.rejects(app.admin.verifyCookie(second.cookie), REFUSED)
  t.ok(await app.admin.verifyCookie(first.cookie))
  t.match((await app.audit.list({})).items, [
    { action: 'admin.logout', actor: 'admin:ann' },
    { action: 'admin.login', actor: 'admin:ann', ip: '192.0.2.1' },
    { action: 'admin.setup', actor: 'admin:ann' }
  ])
  const rows = await app.db.selectFrom('admin_sessions').selectAll().execute()
  t.equal(rows.length, 1)
  t.notMatch(JSON.stringify(rows), first.cookie)
})

t.test('a wrong password and an unknown name get the same answer and are recorded', async t => {
  const { app } = await buildWithAdmin(t)
  const messages = new Set<string>()
  for (const name of ['ann', 'nobody', 'Ann', 'a\0nn']) {
    const error = await app.admin.login({ name, password: 'test-wrong' }, from('192.0.2.2')).catch((error: Error) => error)
    t.match(error, REFUSED)
    messages.add((error as Error).message)
  }
  t.equal(messages.size, 1)
  const { items } = await app.audit.list({ outcome: 'UNAUTHENTICATED' })
  t.match(items.map(item => item.target), ['ann', 'Ann', 'nobody', 'ann'])
  t.notMatch(JSON.stringify(items), 'test-wrong')
})

t.test('ten failures close the account for every address; many at once gain nothing', async t => {
  const { app } = await buildWithAdmin(t)
  const tries = await Promise.allSettled(Array.from({ length: 14 }, (_, n) =>
    app.admin.login({ name: 'ann', password: 'test-wrong' }, from(`192.0.2.${n}`))))
  const codes = tries.map(result => result.status === 'rejected' ? result.reason.code : 'ok')
  t.equal(codes.filter(code => code === 'FMS_UNAUTHENTICATED').length, 10)
  t.equal(codes.filter(code => code === 'FMS_RATE_LIMITED').length, 4)
  const error = await app.admin.login({ name: 'ANN', password: PASSWORD }, from('198.51.100.1')).catch((error: Error) => error)
  t.match(error, { code: 'FMS_RATE_LIMITED' })
  const seconds = (error as { retry_after_seconds?: number }).retry_after_seconds ?? 0
  t.ok(seconds > 800 && seconds <= 900)
})

t.test('ten failures close the address for every account, and another address is not touched', async t => {
  const { app } = await buildWithAdmin(t)
  for (let n = 0; n < 10; n += 1) {
    await t.rejects(app.admin.login({ name: `nobody${n}`, password: 'test-wrong' }, from(`2001:db8::${n}`)), REFUSED)
  }
  const request = { name: 'ann', password: PASSWORD }
  await t.rejects(app.admin.login(request, from('2001:db8::ffff:1')), { code: 'FMS_RATE_LIMITED' })
  t.ok(await app.admin.login(request, from('192.0.2.1')))
})

t.test('failures count on all replicas together, by what tells nobody whose they are', async t => {
  const { app, url } = await buildWithAdmin(t)
  const { app: other } = await buildSecurity(t, { url })
  for (let n = 0; n < 10; n += 1) {
    const replica = n % 2 ? app : other
    await t.rejects(replica.admin.login({ name: 'ann', password: 'test-wrong' }, from(`192.0.2.${n}`)), REFUSED)
  }
  for (const replica of [app, other]) {
    const request = { name: 'ann', password: PASSWORD }
    await t.rejects(replica.admin.login(request, from('198.51.100.1')), { code: 'FMS_RATE_LIMITED' })
  }
  const keys = (await app.db.selectFrom('login_limits').select('key').execute()).map(({ key }) => key)
  t.ok(keys.length > 10)
  t.notMatch(keys.join(), /ann|192/)
})

t.test('the failures of an account are forgotten after 15 minutes', async t => {
  const { app } = await buildWithAdmin(t)
  const fail = () => app.admin.login({ name: 'ann', password: 'test-wrong' }, BY)
  for (let n = 0; n < 10; n += 1) await t.rejects(fail(), REFUSED)
  await t.rejects(fail(), { code: 'FMS_RATE_LIMITED' })
  await app.db.updateTable('login_limits').set({ expire: Date.now() - 1 }).execute()
  await t.rejects(fail(), REFUSED)
  t.ok(await app.admin.login({ name: 'ann', password: PASSWORD }, BY))
})

t.test('a login that cannot be counted is put off', async t => {
  const { app, url } = await buildWithAdmin(t)
  const outage = createOutage(url)
  await outage.down()
  const error = await app.admin.login({ name: 'ann', password: PASSWORD }, BY).catch((error: unknown) => error)
  t.ok(isOutage(error), String(error))
  await outage.up()
})

t.test('successes do not count', async t => {
  const { app } = await buildWithAdmin(t)
  for (let n = 0; n < 12; n += 1) {
    t.ok(await app.admin.login({ name: 'ann', password: PASSWORD }, from('192.0.2.1')))
  }
})

t.test('a cookie ends by idleness and at its absolute end, and its use is noted', async t => {
  const { app, login } = await buildWithAdmin(t)
  const set = (members: { last_seen_at?: Date, expires_at?: Date }) =>
    app.db.updateTable('admin_sessions').set(members).execute()
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000)
  await set({ last_seen_at: ago(29) })
  t.ok(await app.admin.verifyCookie(login.cookie))
  const row = await app.db.selectFrom('admin_sessions').selectAll().executeTakeFirstOrThrow()
  t.ok(Date.now() - row.last_seen_at.getTime() < 60_000)
  await set({ last_seen_at: ago(31) })
  await t.rejects(app.admin.verifyCookie(login.cookie), REFUSED)
  await set({ last_seen_at: ago(0), expires_at: ago(0) })
  await t.rejects(app.admin.verifyCookie(login.cookie), REFUSED)
  await app.admin.login({ name: 'ann', password: PASSWORD }, BY)
  t.equal((await app.db.selectFrom('admin_sessions').selectAll().execute()).length, 1, 'ended ones are deleted')
})

t.test('a cookie of another shape is refused', async t => {
  const { app } = await buildSecurity(t)
  for (const cookie of ['', 'x', 'x'.repeat(43), 'x'.repeat(10_000)]) {
    await t.rejects(app.admin.verifyCookie(cookie), REFUSED)
  }
})

t.test('an admin token is made, listed, used and revoked, here and on the other replica', async t => {
  const { app, url } = await buildSecurity(t)
  const { app: other } = await buildSecurity(t, { url })
  const { id, token, expires_at: expiresAt } = await app.admin.createToken({ name: 'ci' }, BY)
  t.match(parseToken(token), { kind: 'ad', id })
  t.ok(expiresAt)
  t.equal((await app.admin.createToken({ name: 'x', ttl_seconds: null }, BY)).expires_at, null)
  const principal = { kind: 'admin', admin_id: null, name: 'ci', via: 'token', token_id: id }
  t.same(await app.admin.verifyToken(token), principal)
  t.same(await other.admin.verifyToken(token), principal)
  t.equal(app.admin.argon2Runs(), 1)
  await until(async () => (await app.admin.listTokens()).some(row => row.id === id && row.last_used_at !== null))
  t.match(await app.admin.listTokens(), [{ name: 'x' }, { id, name: 'ci', token_last_four: token.slice(-4), revoked_at: null }])
  await app.admin.revokeToken(id, BY)
  await app.admin.revokeToken(id, BY)
  await t.rejects(app.admin.verifyToken(token), REFUSED)
  await until(() => other.admin.verifyToken(token).then(() => false, () => true))
  await t.rejects(app.admin.revokeToken(randomUUID(), BY), { code: 'FMS_NOT_FOUND' })
  t.same((await app.audit.list({})).items.map(item => item.action),
    ['admin_token.revoke', 'admin_token.create', 'admin_token.create'])
})

t.test('a revoked admin token is refused here also where the others cannot be told', async t => {
  const { app, log } = await buildSecurity(t)
  const { id, token } = await app.admin.createToken({ name: 'ci' }, BY)
  app.dbPool.query = () => Promise.reject(new Error('test failure'))
  await app.admin.revokeToken(id, BY)
  await t.rejects(app.admin.verifyToken(token), REFUSED)
  t.match(log(), 'other replicas could not be told')
})

t.test('without the database credentials are put off and not refused', async t => {
  const { app, url, login, log } = await buildWithAdmin(t)
  const { token } = await app.admin.createToken({ name: 'ci' }, BY)
  const { token: cold } = await app.admin.createToken({ name: 'cold' }, BY)
  await app.admin.verifyToken(token)
  const outage = createOutage(url)
  await outage.down()
  await t.rejects(app.admin.verifyCookie(login.cookie), { code: 'FMS_OVERLOADED' })
  await t.rejects(app.admin.verifyToken(cold), { code: 'FMS_OVERLOADED' })
  t.ok(await app.admin.verifyToken(token))
  await until(() => log().includes('the last use of an admin token cannot be stored now'))
  await outage.up()
})

t.test('an address counts as itself, an IPv6 one as its /64', async t => {
  t.equal(toNetwork('192.0.2.1'), '192.0.2.1')
  t.equal(toNetwork('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(toNetwork('2001:db8:1:2:3::4'), toNetwork('2001:db8:1:2::'))
  t.not(toNetwork('2001:db8:1:3::'), toNetwork('2001:db8:1:2::'))
  t.equal(toNetwork('local'), 'local')
})
