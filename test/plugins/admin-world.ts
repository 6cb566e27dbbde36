/** An app with an admin, `ann`, and what its tests ask of it. */
import type { FastifyInstance } from 'fastify'
import { Secret, TOTP } from 'otpauth'
import type { Test } from 'tap'
import { query } from '../database.ts'
import { buildSecurity, until } from './build-security.ts'

export const PASSWORD = 'test-password-1'
export const REFUSED = { code: 'FMS_UNAUTHENTICATED' }
export const FORBIDDEN = { code: 'FMS_FORBIDDEN' }
export const LIMITED = { code: 'FMS_RATE_LIMITED' }
export const ANN = { actor: 'admin:ann', ip: '192.0.2.1' }
export const from = (ip: string) => ({ actor: 'anonymous', ip })

export async function buildWithAdmin (t: Test) {
  const security = await buildSecurity(t)
  const { app } = security
  const code = await app.admin.issueSetupCode() ?? ''
  const login = await app.admin.setup({ code, name: 'ann', password: PASSWORD }, from('192.0.2.1'))
  const logIn = (request: { password?: string, code?: string, name?: string } = {}, ip = '192.0.2.1') =>
    app.admin.login({ name: 'ann', password: PASSWORD, ...request }, from(ip))
  return { ...security, login, id: login.admin.id, cookie: login.cookie, logIn }
}

/** What the app of a person shows, and a clock that can be moved on. */
export function createAuthenticator (t: Test, base32: string) {
  const { now } = Date
  let shift = 0
  t.teardown(() => { Date.now = now })
  Date.now = () => now() + shift
  return {
    /** The code of the present step, or so many later. */
    code: (steps = 0) => TOTP.generate({ secret: Secret.fromBase32(base32), timestamp: Date.now() + steps * 30_000 }),
    /** Lets a step go by, so that there is a code that was not taken yet, and says it. */
    next (): string {
      shift += 30_000
      return this.code()
    }
  }
}

/** Turns the second factor on. */
export async function enrol (t: Test, app: FastifyInstance, cookie: string) {
  const { secret, uri } = await app.admin.startTotp(cookie, ANN)
  const authenticator = createAuthenticator(t, secret)
  const { login, recovery_codes: codes } = await app.admin.confirmTotp(cookie, { code: authenticator.code() }, ANN)
  return { authenticator, codes, cookie: login.cookie, secret, uri }
}

/** Changes rows while somebody, in the midst of `attempt`, waits for those of the admins. */
export async function amid<T> (
  { app, url }: { app: FastifyInstance, url: string }, attempt: () => Promise<T>, change: (db: FastifyInstance['db']) => Promise<unknown>
): Promise<PromiseSettledResult<T>> {
  const waits = 'SELECT FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())'
  let attempted: Promise<PromiseSettledResult<T>[]> | undefined
  await app.db.transaction().execute(async trx => {
    await trx.selectFrom('admins').selectAll().forUpdate().execute()
    attempted = Promise.allSettled([attempt()])
    await until(async () => (await query(url, waits)).rows.length > 0)
    await change(trx)
  })
  const [result] = await attempted!
  return result!
}
