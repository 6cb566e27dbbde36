import { randomUUID } from 'node:crypto'
import t from 'tap'
import { amid, ANN, buildWithAdmin, FORBIDDEN, from, LIMITED, PASSWORD, REFUSED } from './admin-world.ts'
import { BY, buildSecurity } from './build-security.ts'

const NEW = 'test-password-2'
const NOT_FOUND = { code: 'FMS_NOT_FOUND' }
const CONFLICT = { code: 'FMS_CONFLICT' }

t.test('admins are made, listed and deleted, with their logins', async t => {
  const { app, id, logIn } = await buildWithAdmin(t)
  const bob = await app.admin.createAdmin({ name: 'bob', password: NEW }, ANN)
  t.match(await app.admin.listAdmins(), [{ id, name: 'ann', totp: false }, bob])
  t.same(Object.keys(bob), ['id', 'name', 'created_at', 'password_set_at', 'totp'])
  const { cookie } = await logIn({ name: 'bob', password: NEW })
  await app.admin.deleteAdmin(bob.id, ANN)
  await t.rejects(app.admin.verifyCookie(cookie), REFUSED)
  await t.rejects(logIn({ name: 'bob', password: NEW }), REFUSED)
  await t.rejects(app.admin.deleteAdmin(bob.id, ANN), NOT_FOUND)
  t.match((await app.audit.list({})).items, [
    { action: 'admin.login', target: 'bob', outcome: 'UNAUTHENTICATED' },
    { action: 'admin.delete', actor: 'admin:ann', target: 'bob', details: { admin_id: bob.id } },
    { action: 'admin.login', actor: 'admin:bob' },
    { action: 'admin.create', actor: 'admin:ann', target: 'bob', details: { admin_id: bob.id } }
  ])
})

t.test('a name is taken in whichever case, and a password must be long enough', async t => {
  const { app } = await buildWithAdmin(t)
  for (const name of ['ann', 'Ann']) await t.rejects(app.admin.createAdmin({ name, password: NEW }, ANN), CONFLICT)
  await t.rejects(app.admin.createAdmin({ name: 'bob', password: 'x'.repeat(11) }, ANN), { code: 'FMS_INVALID_INPUT' })
  t.equal((await app.admin.listAdmins()).length, 1)
})

t.test('the last admin stays, also where two delete each other at once', async t => {
  const { app, id } = await buildWithAdmin(t)
  await t.rejects(app.admin.deleteAdmin(id, ANN), CONFLICT)
  const bob = await app.admin.createAdmin({ name: 'bob', password: NEW }, ANN)
  const results = await Promise.allSettled([app.admin.deleteAdmin(bob.id, ANN), app.admin.deleteAdmin(id, BY)])
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.equal((await app.admin.listAdmins()).length, 1)
})

t.test('where an admin is made in another way the setup code lets nobody in', async t => {
  const { app } = await buildSecurity(t)
  const code = await app.admin.issueSetupCode() ?? ''
  await app.admin.createAdmin({ name: 'ann', password: PASSWORD }, { actor: 'cli' })
  t.equal((await app.db.selectFrom('setup_codes').selectAll().execute()).length, 0)
  await t.rejects(app.admin.setup({ code, name: 'eve', password: NEW }, BY), CONFLICT)
})

t.test('a password change makes a new cookie and ends the other logins', async t => {
  const { app, cookie, id, logIn } = await buildWithAdmin(t)
  const { cookie: other } = await logIn()
  const changed = await app.admin.changePassword(cookie, { current_password: PASSWORD, new_password: NEW }, ANN)
  t.match(await app.admin.verifyCookie(changed.cookie), { admin_id: id })
  for (const ended of [cookie, other]) await t.rejects(app.admin.verifyCookie(ended), REFUSED)
  await t.rejects(logIn(), REFUSED)
  t.ok(await logIn({ password: NEW }))
  const events = await app.audit.list({ action: 'admin.change_password' })
  t.match(events.items, [{ outcome: 'ok', actor: 'admin:ann', target: 'ann', details: { ended: 1 } }])
  t.notMatch(JSON.stringify(await app.audit.list({})), /test-password/)
})

t.test('a password change needs the current password, counts failures and refuses a short one', async t => {
  const { app, cookie } = await buildWithAdmin(t)
  const change = (current: string, password = NEW) =>
    app.admin.changePassword(cookie, { current_password: current, new_password: password }, ANN)
  await t.rejects(change(PASSWORD, 'x'.repeat(11)), { code: 'FMS_INVALID_INPUT', errors: [{ path: '/new_password' }] })
  for (let n = 0; n < 10; n += 1) await t.rejects(change('test-wrong'), FORBIDDEN)
  await t.rejects(change(PASSWORD), LIMITED)
  t.ok(await app.admin.verifyCookie(cookie))
  const { items } = await app.audit.list({ action: 'admin.change_password', outcome: 'FORBIDDEN' })
  t.equal(items.length, 10)
  await t.rejects(app.admin.changePassword('x'.repeat(43), { current_password: PASSWORD, new_password: NEW }, ANN), REFUSED)
})

t.test('a password change without its event does not happen', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  const { record } = app.audit
  app.audit.record = async () => { throw new Error('test failure') }
  await t.rejects(app.admin.changePassword(cookie, { current_password: PASSWORD, new_password: NEW }, ANN), /test failure/)
  app.audit.record = record
  t.ok(await app.admin.verifyCookie(cookie), 'the cookie too is the old one')
  t.ok(await logIn())
})

t.test('who was let in by a password that was changed meanwhile is not in', async t => {
  const world = await buildWithAdmin(t)
  const { app, cookie, logIn } = world
  const { password_hash: hash } = await app.db.selectFrom('admins').selectAll().executeTakeFirstOrThrow()
  const change = (db: typeof app.db) => db.updateTable('admins').set({ password_hash: `${hash}x` }).execute()
  const undo = () => app.db.updateTable('admins').set({ password_hash: hash }).execute()
  t.match(await amid(world, logIn, change), { status: 'rejected', reason: REFUSED })
  await undo()
  t.match(await amid(world, () => app.admin.prove(cookie, { password: PASSWORD }, ANN), change), { reason: FORBIDDEN })
  await undo()
  const request = { current_password: PASSWORD, new_password: NEW }
  t.match(await amid(world, () => app.admin.changePassword(cookie, request, ANN), change), { reason: FORBIDDEN })
  t.equal((await app.db.selectFrom('admin_sessions').selectAll().execute()).length, 1)
})

t.test('a reset sets the password, ends all logins and forgets failed ones', async t => {
  const { app, cookie, id, logIn } = await buildWithAdmin(t)
  for (let n = 0; n < 10; n += 1) await t.rejects(logIn({ password: 'test-wrong' }, `192.0.2.${n}`), REFUSED)
  await t.rejects(logIn({}, '198.51.100.1'), LIMITED)
  await app.admin.resetPassword(id, NEW, { actor: 'cli' })
  await t.rejects(app.admin.verifyCookie(cookie), REFUSED)
  t.ok(await logIn({ password: NEW }, '198.51.100.1'))
  t.match((await app.audit.list({ action: 'admin.reset_password' })).items, [{ actor: 'cli', target: 'ann', details: { ended: 1 } }])
  await t.rejects(app.admin.resetPassword(randomUUID(), NEW, BY), NOT_FOUND)
  await t.rejects(app.admin.resetPassword(id, 'short', BY), { code: 'FMS_INVALID_INPUT' })
})

t.test('a proof renews the cookie and the time, and strangers cannot lock it out', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  await app.db.updateTable('admin_sessions').set({ proved_at: new Date(0) }).execute()
  const before = await app.admin.verifyCookie(cookie)
  t.equal(before.proved_at?.getTime(), 0)
  for (let n = 0; n < 10; n += 1) await t.rejects(logIn({ password: 'test-wrong' }), REFUSED)
  const { login, proved_at: provedAt } = await app.admin.prove(cookie, { password: PASSWORD }, ANN)
  t.match(await app.admin.verifyCookie(login.cookie), { login_id: before.login_id, proved_at: provedAt })
  await t.rejects(app.admin.verifyCookie(cookie), REFUSED)
  for (let n = 0; n < 10; n += 1) {
    const wrong = app.admin.prove(login.cookie, { password: 'test-wrong' }, ANN)
    await t.rejects(wrong, { ...FORBIDDEN, proof_required: true })
  }
  await t.rejects(app.admin.prove(login.cookie, { password: PASSWORD }, ANN), LIMITED)
  t.equal((await app.audit.list({ action: 'admin.prove', outcome: 'FORBIDDEN' })).items.length, 10)
  t.match((await app.audit.list({ action: 'admin.prove', outcome: 'ok' })).items, [{ actor: 'admin:ann' }])
})

t.test('of two who renew one cookie at once one is let in', async t => {
  const { app, cookie } = await buildWithAdmin(t)
  const results = await Promise.allSettled([1, 2].map(() => app.admin.prove(cookie, { password: PASSWORD }, ANN)))
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.match(results.find(({ status }) => status === 'rejected'), { reason: REFUSED })
})

t.test('the logins of an admin are listed and ended', async t => {
  const { app, cookie, id } = await buildWithAdmin(t)
  const logIn = (userAgent: string, ip: string) =>
    app.admin.login({ name: 'ann', password: PASSWORD }, from(ip), { userAgent })
  await logIn('Phone/1.0', '198.51.100.7')
  await logIn(`Long/${'x'.repeat(1000)}`, '198.51.100.8')
  const own = (await app.admin.verifyCookie(cookie)).login_id ?? ''
  const listed = await app.admin.listLogins(id, own)
  t.equal(listed.length, 3)
  t.match(listed.find(row => row.id === own), { address: '192.0.2.1', user_agent: null, is_current: true })
  const phone = listed.find(({ user_agent: agent }) => agent === 'Phone/1.0')
  t.match(phone, { address: '198.51.100.7', is_current: false, created_at: /Z$/, last_seen_at: /Z$/, expires_at: /Z$/ })
  t.ok(listed.every(({ user_agent: agent }) => (agent?.length ?? 0) <= 300))

  await app.admin.endLogin(id, phone?.id ?? '', ANN)
  await t.rejects(app.admin.endLogin(id, phone?.id ?? '', ANN), NOT_FOUND)
  await t.rejects(app.admin.endLogin(randomUUID(), own, ANN), NOT_FOUND, 'a login is ended under its own admin only')
  t.equal(await app.admin.endLogins(id, ANN, own), 1)
  t.ok(await app.admin.verifyCookie(cookie))
  t.equal(await app.admin.endLogins(id, ANN), 1)
  t.equal(await app.admin.endLogins(id, ANN), 0)
  await t.rejects(app.admin.verifyCookie(cookie), REFUSED)
  t.match((await app.audit.list({ action: 'admin.end_logins' })).items, [
    { target: 'ann', details: { ended: 1 } }, { details: { ended: 1 } }, { details: { ended: 1, login_id: phone?.id ?? '' } }
  ])
  await t.rejects(app.admin.listLogins(randomUUID()), NOT_FOUND)
  await t.rejects(app.admin.endLogins(randomUUID(), ANN), NOT_FOUND)
})

t.test('a login that has ended by time is not listed, and is swept by the next', async t => {
  const { app, id, logIn } = await buildWithAdmin(t)
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000)
  for (const change of [{ last_seen_at: ago(31) }, { last_seen_at: ago(0), expires_at: ago(1) }]) {
    await app.db.updateTable('admin_sessions').set(change).execute()
    t.same(await app.admin.listLogins(id), [])
  }
  await app.db.updateTable('admin_sessions').set({ last_seen_at: ago(31), expires_at: ago(-60) }).execute()
  await logIn()
  t.equal((await app.db.selectFrom('admin_sessions').selectAll().execute()).length, 1)
})

t.test('a login ends the one that the browser holds, and takes over nothing that it sends', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  const { cookie: elsewhere } = await logIn()
  const request = { name: 'ann', password: PASSWORD }
  const chosen = 'A'.repeat(43)
  const next = await app.admin.login(request, from('192.0.2.1'), { cookie })
  const planted = await app.admin.login(request, from('192.0.2.1'), { cookie: chosen })
  t.equal(new Set([cookie, elsewhere, chosen, next.cookie, planted.cookie]).size, 5)
  for (const refused of [cookie, chosen]) await t.rejects(app.admin.verifyCookie(refused), REFUSED)
  for (const taken of [elsewhere, next.cookie, planted.cookie]) t.ok(await app.admin.verifyCookie(taken))
  const wrong = { name: 'ann', password: 'test-wrong' }
  await t.rejects(app.admin.login(wrong, from('192.0.2.1'), { cookie: elsewhere }), REFUSED)
  t.ok(await app.admin.verifyCookie(elsewhere), 'a failed login ends nothing')
})
