import { Secret } from 'otpauth'
import t from 'tap'
import { ANN, buildWithAdmin, createAuthenticator, enrol, FORBIDDEN, LIMITED, PASSWORD, REFUSED } from './admin-world.ts'

const CONFLICT = { code: 'FMS_CONFLICT' }
const WANTED = { ...REFUSED, totp_required: true }

t.test('the second factor is begun, confirmed, and then asked for', async t => {
  const { app, cookie, id, logIn } = await buildWithAdmin(t)
  const { secret, uri } = await app.admin.startTotp(cookie, ANN)
  t.match(secret, /^[A-Z2-7]{32}$/)
  t.match(uri, /^otpauth:\/\/totp\/Financial%20MCP%20Server:ann\?/)
  t.match(uri, `secret=${secret}`)
  const other = await logIn()
  t.match(await app.admin.listAdmins(), [{ totp: false }], 'nothing counts before it is confirmed')
  const authenticator = createAuthenticator(t, secret)
  const { login, recovery_codes: codes } = await app.admin.confirmTotp(cookie, { code: authenticator.code() }, ANN)
  t.equal(new Set(codes).size, 10)
  t.match(codes[0], /^[A-HJKMNP-Z2-9]{4}(-[A-HJKMNP-Z2-9]{4}){2}$/)
  for (const ended of [cookie, other.cookie]) await t.rejects(app.admin.verifyCookie(ended), REFUSED)
  const principal = await app.admin.verifyCookie(login.cookie)
  t.match(await app.admin.identify(principal), { id, totp: true, recovery_codes_left: 10 })

  await t.rejects(logIn(), WANTED)
  const typed = authenticator.next().replace(/^(...)/, '$1 ')
  t.match(await logIn({ code: typed }), { admin: { id } })
  const { items } = await app.audit.list({})
  t.match(items.map(({ action, outcome, details }) => [action, outcome, details]), [
    ['admin.login', 'ok', { second_factor: 'totp' }],
    ['admin.login', 'UNAUTHENTICATED', { second_factor: 'missing' }],
    ['admin.confirm_totp', 'ok', { ended: 1 }],
    ['admin.login', 'ok', {}],
    ['admin.start_totp', 'ok', {}],
    ['admin.setup', 'ok', {}]
  ])
})

t.test('that a code is wanted is told to those alone who know the password', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  const { authenticator } = await enrol(t, app, cookie)
  const told = async (request: Parameters<typeof logIn>[0]) => {
    const { totp_required: totp, message } = await logIn(request).catch(error => error)
    return { totp, message }
  }
  const wrong = await told({ password: 'test-wrong' })
  t.equal(wrong.totp, undefined)
  t.same(await told({ password: 'test-wrong', code: authenticator.next() }), wrong)
  t.same(await told({ name: 'nobody', code: '000000' }), wrong)
  t.equal((await told({})).totp, true)
  t.ok(await logIn({ code: authenticator.code() }), 'a wrong password does not use the code up')
})

t.test('wrong codes count as failed logins; a right password without one does not', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  const { authenticator } = await enrol(t, app, cookie)
  const other = () => authenticator.code(9)
  for (let n = 0; n < 10; n += 1) {
    await t.rejects(logIn({ code: n % 2 ? other() : 'AAAA-BBBB-CCCC' }, `192.0.2.${n}`), WANTED)
    if (n < 2) await t.rejects(logIn(), WANTED)
  }
  await t.rejects(logIn({ code: authenticator.next() }, '198.51.100.1'), LIMITED)
  const { items } = await app.audit.list({ action: 'admin.login', outcome: 'UNAUTHENTICATED' })
  const wrong = items.filter(({ details }) => (details as { second_factor?: string }).second_factor === 'wrong')
  t.equal(wrong.length, 10)
})

t.test('a code is of its step or the one beside it', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  const { authenticator } = await enrol(t, app, cookie)
  for (let step = 0; step < 5; step += 1) authenticator.next()
  for (const steps of [-2, 2]) await t.rejects(logIn({ code: authenticator.code(steps) }), WANTED, `${steps}`)
  for (const steps of [-1, 0, 1]) t.ok(await logIn({ code: authenticator.code(steps) }), `${steps}`)
})

t.test('no step is taken twice, nor one before a taken one, nor by two at once', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  const { authenticator } = await enrol(t, app, cookie)
  await t.rejects(logIn({ code: authenticator.code() }), WANTED, 'the confirmation took it')
  const code = authenticator.next()
  const results = await Promise.allSettled(Array.from({ length: 5 }, (_, n) => logIn({ code }, `192.0.2.${n}`)))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  await t.rejects(logIn({ code: authenticator.code(-1) }), WANTED)
})

t.test('a recovery code takes the place of a code once, however it is typed', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  const { codes: [first = '', second = ''], cookie: own } = await enrol(t, app, cookie)
  const typed = first.toLowerCase().replaceAll('-', ' ')
  const results = await Promise.allSettled([1, 2, 3].map(n => logIn({ code: typed }, `192.0.2.${n}`)))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  await t.rejects(logIn({ code: first }), WANTED)
  t.ok(await logIn({ code: second }))
  t.match(await app.admin.identify(await app.admin.verifyCookie(own)), { recovery_codes_left: 8 })
  t.match((await app.audit.list({ action: 'admin.login', outcome: 'ok' })).items[0], { details: { second_factor: 'recovery_code' } })
})

t.test('a recovery code is its own admin\'s', async t => {
  const { app, cookie, logIn } = await buildWithAdmin(t)
  await app.admin.createAdmin({ name: 'bob', password: PASSWORD }, ANN)
  const { codes: [code = ''] } = await enrol(t, app, cookie)
  await enrol(t, app, (await logIn({ name: 'bob' })).cookie)
  await t.rejects(logIn({ name: 'bob', code }), WANTED)
  t.ok(await logIn({ code }))
})

t.test('a confirmation needs a secret and its code, and counts failures', async t => {
  const { app, cookie } = await buildWithAdmin(t)
  const confirm = (code: string) => app.admin.confirmTotp(cookie, { code }, ANN)
  await t.rejects(confirm('000000'), CONFLICT)
  const { secret: old } = await app.admin.startTotp(cookie, ANN)
  const { secret } = await app.admin.startTotp(cookie, ANN)
  await t.rejects(confirm(createAuthenticator(t, old).code()), FORBIDDEN, 'a newer one replaced it')
  const authenticator = createAuthenticator(t, secret)
  for (let n = 0; n < 9; n += 1) await t.rejects(confirm(n ? authenticator.code(9) : 'nonsense'), FORBIDDEN)
  await t.rejects(confirm(authenticator.code()), LIMITED)
  t.equal((await app.audit.list({ action: 'admin.confirm_totp', outcome: 'FORBIDDEN' })).items.length, 10)
  t.match(await app.admin.listAdmins(), [{ totp: false }])
})

t.test('one that is on is neither begun nor confirmed again', async t => {
  const { app, cookie } = await buildWithAdmin(t)
  const { cookie: own, authenticator } = await enrol(t, app, cookie)
  await t.rejects(app.admin.startTotp(own, ANN), CONFLICT)
  await t.rejects(app.admin.confirmTotp(own, { code: authenticator.next() }, ANN), CONFLICT)
  await t.rejects(app.admin.startTotp(cookie, ANN), REFUSED)
  await t.rejects(app.admin.disableTotp(cookie, ANN), REFUSED)
})

t.test('turned off, the password alone logs in and the recovery codes are gone', async t => {
  const { app, cookie, id, logIn } = await buildWithAdmin(t)
  const { cookie: own } = await enrol(t, app, cookie)
  const { cookie: next } = await app.admin.disableTotp(own, ANN)
  await t.rejects(app.admin.verifyCookie(own), REFUSED)
  t.match(await app.admin.identify(await app.admin.verifyCookie(next)), { totp: false, recovery_codes_left: 0 })
  t.match(await app.db.selectFrom('admins').selectAll().execute(), [{ totp_secret: null, totp_last_step: null }])
  t.ok(await logIn())
  await enrol(t, app, next)
  await app.admin.removeTotp(id, { actor: 'cli' })
  t.ok(await logIn())
  await t.rejects(app.admin.removeTotp('00000000-0000-4000-8000-000000000000', ANN), { code: 'FMS_NOT_FOUND' })
  t.match((await app.audit.list({ action: 'admin.disable_totp' })).items, [{ actor: 'cli', target: 'ann' }, { actor: 'admin:ann' }])
})

t.test('a proof needs a code too, where the second factor is on', async t => {
  const { app, cookie } = await buildWithAdmin(t)
  const { cookie: own, authenticator } = await enrol(t, app, cookie)
  const prove = (code?: string) => app.admin.prove(own, { password: PASSWORD, ...code && { code } }, ANN)
  await t.rejects(prove(), { ...FORBIDDEN, totp_required: true, proof_required: true })
  await t.rejects(prove(authenticator.code(9)), { ...FORBIDDEN, totp_required: true })
  t.ok(await prove(authenticator.next()))
})

t.test('a stored secret opens for its own admin alone, and nothing is stored in plain', async t => {
  const { app, cookie, id, logIn, log } = await buildWithAdmin(t)
  const bob = await app.admin.createAdmin({ name: 'bob', password: PASSWORD }, ANN)
  const { secret, codes, authenticator } = await enrol(t, app, cookie)
  const row = await app.db.selectFrom('admins').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  t.ok(row.totp_secret)
  const { totp_secret: sealed, totp_confirmed_at: confirmedAt } = row
  await app.db.updateTable('admins').set({ totp_secret: sealed, totp_confirmed_at: confirmedAt })
    .where('id', '=', bob.id).execute()
  await t.rejects(logIn({ name: 'bob', code: authenticator.next() }), { message: /does not open/ })
  t.equal((await app.admin.listLogins(bob.id)).length, 0)
  const tables = await Promise.all((['admins', 'admin_recovery_codes', 'audit_logs'] as const).map(table =>
    app.db.selectFrom(table).selectAll().execute()))
  const stored = tables.flat().flatMap(row => Object.values(row))
    .map(value => Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value)).join('\n')
  for (const plain of [secret, Secret.fromBase32(secret).latin1, ...codes]) {
    t.notOk(stored.includes(plain))
    t.notOk(log().includes(plain))
  }
})
