import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { enrol } from '../plugins/admin-world.ts'
import { buildControl, CANARY } from '../routes/build-control.ts'
import { buildEnv, createTerminal, fmcp } from './run.ts'

const password = `${CANARY}-password`
const changed = ` ${CANARY} changed `

async function build (t: Test) {
  const env = await buildEnv(t)
  const { app, log } = await buildControl(t, { databaseUrl: String(env['DATABASE_URL']) })
  const logIn = (name: string, password: string) => app.admin.login({ name, password }, { actor: 'anonymous', ip: '192.0.2.1' })
  return { env, app, log, logIn }
}

t.test('an admin from the shell logs in at the running server', async t => {
  const { env, app, log, logIn } = await build(t)
  await app.admin.issueSetupCode()
  const made = await fmcp(env, ['admin', 'create', 'ada', '--json'], `${password}\n`)
  t.match(made, { code: 0, stderr: '' })
  const { id } = made.json()
  t.match(made.json(), { name: 'ada', totp: false })
  const { cookie } = await logIn('ada', password)
  t.equal((await app.db.selectFrom('setup_codes').selectAll().execute()).length, 0)
  t.match(await fmcp(env, ['admin', 'create', 'bob'], password), { code: 0, stdout: /name: bob\n/ })
  t.match((await fmcp(env, ['admin', 'list', '--json'])).json(), [{ id, name: 'ada' }, { name: 'bob' }])
  t.match(await fmcp(env, ['admin', 'list']), { stdout: /^ID .*\n.* ada .* off\n.* bob / })

  t.match(await fmcp(env, ['admin', 'reset-password', 'ada'], changed), { code: 0, stdout: /All logins/ })
  await t.rejects(app.admin.verifyCookie(cookie), { code: 'FMS_UNAUTHENTICATED' })
  const { cookie: next } = await logIn('ada', changed)
  const { cookie: own } = await enrol(t, app, next)
  t.match(await fmcp(env, ['admin', 'list']), { stdout: / ada .* on\n/ })
  t.same((await fmcp(env, ['admin', 'disable-totp', 'ada', '--json'])).json(), { id, totp: false })
  t.ok(await logIn('ada', changed))

  t.same((await fmcp(env, ['admin', 'delete', String(id), '--json'])).json(), { id, deleted: true })
  await t.rejects(app.admin.verifyCookie(own), { code: 'FMS_UNAUTHENTICATED' })
  t.match(await fmcp(env, ['admin', 'delete', 'bob']), { code: 1, stderr: /^fmcp: This is the last admin[^\n]*\n$/ })
  const { items } = await app.audit.list({ actor: 'cli' })
  t.same(items.map(({ action, target }) => `${action} ${target}`), [
    'admin.delete ada', 'admin.disable_totp ada', 'admin.reset_password ada', 'admin.create bob', 'admin.create ada'
  ])
  t.notMatch(JSON.stringify(items) + log(), CANARY)
})

t.test('what cannot be done is said in one line, without the password', async t => {
  const { env, app } = await build(t)
  await app.admin.createAdmin({ name: 'ada', password }, { actor: 'cli' })
  const wrong: [string[], string, number, RegExp][] = [
    [['create', 'ADA'], password, 1, /has this name/],
    [['create', ' ada'], password, 2, /pattern/],
    [['create', 'bob'], '', 2, /is empty/],
    [['create', 'bob'], `${CANARY}\n${CANARY}\n`, 2, /several lines/],
    [['create', 'bob'], CANARY.slice(0, 11), 1, /12 to 128 characters/],
    [['reset-password', 'ada'], CANARY.slice(0, 11), 1, /12 to 128 characters/],
    [['reset-password', 'bob'], password, 1, /no admin "bob"\. There are: "ada"\./],
    [['disable-totp', 'bob'], '', 1, /no admin "bob"/],
    [['delete', 'bob'], '', 1, /no admin "bob"/],
    [['delete', 'ada'], '', 1, /last admin/]
  ]
  for (const [args, input, code, message] of wrong) {
    const result = await fmcp(env, ['admin', ...args], input)
    t.match(result, { code, stdout: '', stderr: message }, args.join(' '))
    t.notMatch(result.stderr, CANARY)
    t.equal(result.stderr.split('\n').length, 2, 'one line')
  }
  t.match(await fmcp({ ...env, ...await buildEnv(t) }, ['admin', 'delete', 'ada']), { code: 1, stderr: /There is none yet/ })
})

t.test('on a terminal the password is asked for twice, as it is typed, and not shown', async t => {
  const { env, logIn } = await build(t)
  const made = await fmcp(env, ['admin', 'create', 'ada'], createTerminal([changed, changed]))
  t.match(made, { code: 0, stderr: 'password: \nthe same again: \n' })
  t.notMatch(made.stdout, CANARY)
  t.ok(await logIn('ada', changed))
  t.match(await fmcp(env, ['admin', 'reset-password', 'ada'], createTerminal([password, changed])), { code: 2, stderr: /differ/ })
  const left = Object.assign(new PassThrough(), { isTTY: true })
  left.end()
  t.match(await fmcp(env, ['admin', 'reset-password', 'ada'], left), { code: 2, stderr: /Cancelled/ })
  t.ok(await logIn('ada', changed))
})
