import fp from 'fastify-plugin'
import { randomBytes, randomInt } from 'node:crypto'
import {
  consumeSetupCode, deleteAdminSession, findAdminByName, findAdminSession, hasAdmin, insertAdmin, insertAdminSession,
  isSetupCode, replaceSetupCode, touchAdminSession
} from '../db/admins.ts'
import { codeOf, problem } from '../errors.ts'
import type { AdminToken, AdminTokenRequest, NewAdminToken } from '../schemas/control.ts'
import { createMac, refusal, unavailable } from '../tokens/gate.ts'
import { assertPassword, createLoginLimits, createPasswords } from './admin-login.ts'
import { createAdminTokens } from './admin-tokens.ts'
import type { Actor } from './audit.ts'

declare module 'fastify' {
  interface FastifyInstance {
    admin: Admin
  }
}

/** An operator, by a browser's cookie or by an admin token. */
export interface AdminPrincipal {
  kind: 'admin'
  /** Null for an admin token, which is nobody's. */
  admin_id: string | null
  /** The admin's name, or the token's. */
  name: string
  via: 'cookie' | 'token'
  token_id?: string
}

export interface AdminLogin {
  admin: { id: string, name: string }
  /** The cookie's value, shown this once. */
  cookie: string
  /** The absolute end; 30 idle minutes end it earlier. */
  expires_at: Date
}

export interface Admin {
  /** True until the first admin is made. */
  needsSetup (): Promise<boolean>
  /** A code that lets the first admin in, for 30 minutes, in place of an older one; null where an admin exists. */
  issueSetupCode (): Promise<string | null>
  /** @throws INVALID_INPUT, UNAUTHENTICATED where the code is not good, CONFLICT where an admin exists, RATE_LIMITED */
  setup (request: { code: string, name: string, password: string }, by: Actor): Promise<AdminLogin>
  /** @throws UNAUTHENTICATED, RATE_LIMITED, OVERLOADED */
  login (request: { name: string, password: string }, by: Actor): Promise<AdminLogin>
  /** Ends the login. A second time changes nothing. */
  logout (cookie: string, by: Actor): Promise<void>
  /** @throws UNAUTHENTICATED, or OVERLOADED where the database does not answer */
  verifyCookie (cookie: string): Promise<AdminPrincipal>
  /** Makes an admin token, for 90 days where nothing is said. The answer is the only one that ever holds it. */
  createToken (request: AdminTokenRequest, by: Actor): Promise<NewAdminToken>
  /** The newest first, those that have ended too. */
  listTokens (): Promise<AdminToken[]>
  /** @throws NOT_FOUND; a second time changes nothing */
  revokeToken (id: string, by: Actor): Promise<void>
  /** @throws UNAUTHENTICATED, or OVERLOADED where the token cannot be checked now */
  verifyToken (token: string): Promise<AdminPrincipal>
  /** How often argon2 checked an admin token since the start. */
  argon2Runs (): number
}

const MINUTE_MS = 60_000
const SETUP_MS = 30 * MINUTE_MS
const IDLE_MS = 30 * MINUTE_MS
const ABSOLUTE_MS = 12 * 60 * MINUTE_MS
/** Without 0, O, 1, I and L, which are mistaken for each other. */
const CODE_ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789'
const COOKIE = /^[A-Za-z0-9_-]{43}$/
const LOGGED_OUT = 'Log in: the login is missing or has ended.'

export default fp(async app => {
  const mac = createMac(app.vault.systemKey('token'))
  const macOfCode = (code: string) => mac(`setup:${code.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')}`)
  const macOfCookie = (cookie: string) => mac(`cookie:${cookie}`)
  const passwords = createPasswords()
  const limit = createLoginLimits()

  /** A new browser session and the event that made it, or neither. */
  async function open (trx: typeof app.db, admin: { id: string, name: string }, action: string, by: Actor) {
    const cookie = randomBytes(32).toString('base64url')
    const expiresAt = new Date(Date.now() + ABSOLUTE_MS)
    await insertAdminSession(trx, { admin_id: admin.id, token_mac: macOfCookie(cookie), expires_at: expiresAt })
    await app.audit.record(trx, { ...by, actor: `admin:${admin.name}`, action, target: admin.name })
    return { admin: { id: admin.id, name: admin.name }, cookie, expires_at: expiresAt }
  }

  /** Counts and records what fails by the caller's fault. */
  async function guarded (action: string, target: string | undefined, account: string | undefined, by: Actor,
    attempt: () => Promise<AdminLogin>): Promise<AdminLogin> {
    const failed = (error: unknown) => codeOf(error) === 'UNAUTHENTICATED'
    return limit(account, by.ip, async () => {
      try {
        return await attempt()
      } catch (error) {
        if (failed(error)) await app.audit.record(app.db, { ...by, action, target, outcome: 'UNAUTHENTICATED' })
        throw error
      }
    }, failed)
  }

  app.decorate('admin', {
    needsSetup: async () => !await hasAdmin(app.db),

    async issueSetupCode () {
      if (await hasAdmin(app.db)) return null
      const letters = Array.from({ length: 12 }, () => CODE_ALPHABET[randomInt(CODE_ALPHABET.length)]).join('')
      await replaceSetupCode(app.db, macOfCode(letters), new Date(Date.now() + SETUP_MS))
      return letters.replace(/(.{4})(.{4})(.{4})/, '$1-$2-$3')
    },

    async setup ({ code, name, password }, by) {
      assertPassword(password)
      if (await hasAdmin(app.db)) throw problem('CONFLICT', 'The first admin exists already. Log in.')
      const wrong = () => problem('UNAUTHENTICATED', 'The setup code is wrong, used or older than 30 minutes.')
      return guarded('admin.setup', undefined, undefined, by, async () => {
        if (!await isSetupCode(app.db, macOfCode(code))) throw wrong()
        const passwordHash = await passwords.hash(password)
        return app.db.transaction().execute(async trx => {
          if (!await consumeSetupCode(trx, macOfCode(code))) throw wrong()
          return open(trx, await insertAdmin(trx, { name, password_hash: passwordHash }), 'admin.setup', by)
        })
      })
    },

    login: ({ name, password }, by) => guarded('admin.login', name.slice(0, 80), name, by, async () => {
      const row = name.includes('\0') ? undefined : await findAdminByName(app.db, name)
      const matches = await passwords.verify(row?.password_hash, password)
      if (!row || !matches) throw problem('UNAUTHENTICATED', 'The name or the password is wrong.')
      return app.db.transaction().execute(trx => open(trx, row, 'admin.login', by))
    }),

    async logout (cookie, by) {
      await app.db.transaction().execute(async trx => {
        const row = await deleteAdminSession(trx, macOfCookie(cookie))
        if (row) await app.audit.record(trx, { ...by, action: 'admin.logout' })
      })
    },

    async verifyCookie (cookie) {
      if (!COOKIE.test(cookie)) throw refusal(LOGGED_OUT)
      try {
        const row = await findAdminSession(app.db, macOfCookie(cookie))
        const now = Date.now()
        const idleMs = now - (row?.last_seen_at.getTime() ?? 0)
        if (!row || row.expires_at.getTime() <= now || idleMs >= IDLE_MS) throw refusal(LOGGED_OUT)
        if (idleMs >= MINUTE_MS) await touchAdminSession(app.db, row.id)
        return { kind: 'admin', admin_id: row.admin_id, name: row.name, via: 'cookie' }
      } catch (error) {
        throw unavailable(error)
      }
    },

    ...createAdminTokens(app)
  })
}, { name: 'admin', dependencies: ['db', 'bus', 'vault', 'audit'] })
