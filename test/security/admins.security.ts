/** Guessing passwords and codes on several servers at once, and what the time of an answer tells. */
import t from 'tap'
import { figure, pick, quantile } from '../figures.ts'
import { ANN, buildWithAdmin, enrol, from, PASSWORD } from '../plugins/admin-world.ts'
import { buildSecurity } from '../plugins/build-security.ts'

const SERVERS = 3
const GUESSES = pick(120, 45)
const LOGINS = pick(40, 10)

t.test('guesses on several servers at once', { timeout: 300_000 }, async t => {
  const world = await buildWithAdmin(t)
  const { app, url, cookie } = world
  const apps = [app]
  while (apps.length < SERVERS) apps.push((await buildSecurity(t, { url })).app)
  const guess = async (toRequest: (n: number) => { password: string, code?: string }) => {
    const results = await Promise.allSettled(Array.from({ length: GUESSES }, (_, n) =>
      apps[n % SERVERS]!.admin.login({ name: 'ann', ...toRequest(n) }, from(`192.0.${n}.1`))))
    const codes = results.map(result => result.status === 'rejected' ? result.reason.code : 'ok')
    t.same(codes.filter(code => !['FMS_UNAUTHENTICATED', 'FMS_RATE_LIMITED', 'FMS_OVERLOADED'].includes(code)), [])
    return codes.filter(code => code === 'FMS_UNAUTHENTICATED').length
  }
  const passwords = await guess(n => ({ password: `test-wrong-${n}` }))
  figure(t, { what: `admins: of ${GUESSES} passwords at ${SERVERS} servers tried`, value: passwords, most: 10 })

  await app.db.deleteFrom('login_limits').execute()
  const { authenticator } = await enrol(t, app, cookie)
  const codes = await guess(n => ({ password: PASSWORD, code: authenticator.code(100 + n) }))
  figure(t, { what: `admins: of ${GUESSES} codes at ${SERVERS} servers tried`, value: codes, most: 10 })

  await app.db.deleteFrom('login_limits').execute()
  const code = authenticator.next()
  const uses = await Promise.allSettled(Array.from({ length: 9 }, (_, n) =>
    apps[n % SERVERS]!.admin.login({ name: 'ann', password: PASSWORD, code }, from(`192.0.2.${n}`))))
  const taken = uses.filter(({ status }) => status === 'fulfilled').length
  figure(t, { what: 'admins: logins by one code, used 9 times at once', value: taken, most: 1 })
  t.equal(taken, 1)
  t.ok((await app.audit.list({ action: 'admin.login' })).items.every(({ actor }) => [ANN.actor, 'anonymous'].includes(actor)))
})

t.test('an unknown name and a wrong password take the same time', { timeout: 300_000 }, async t => {
  const { app } = await buildWithAdmin(t)
  const times: Record<string, number[]> = { ann: [], nobody: [] }
  for (let n = 0; n < LOGINS * 2; n += 1) {
    const name = n % 2 ? 'ann' : 'nobody'
    await app.db.deleteFrom('login_limits').execute()
    const start = performance.now()
    await t.rejects(app.admin.login({ name, password: 'test-wrong' }, from('192.0.2.1')))
    times[name]!.push(performance.now() - start)
  }
  const [known, unknown] = [quantile(times['ann']!, 0.5), quantile(times['nobody']!, 0.5)]
  t.comment(`median of a known name ${known.toFixed(1)} ms, of an unknown one ${unknown.toFixed(1)} ms`)
  const percent = Math.abs(known - unknown) / Math.max(known, unknown) * 100
  figure(t, { what: 'admins: difference between a known and an unknown name', value: percent, unit: '%', most: 10, timed: true })
})
