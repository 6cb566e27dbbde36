import fp from 'fastify-plugin'
import { countRecoveryCodes } from '../../db/admin-totp.ts'
import {
  consumeSetupCode, findAdmin, findAdminByName, hasAdmin, insertAdmin, isSetupCode, replaceSetupCode
} from '../../db/admins.ts'
import { problem } from '../../errors.ts'
import type {
  AdminAccount, AdminIdentity, AdminRequest, AdminToken, AdminTokenRequest, BrowserLogin, LoginRequest, NewAdminToken,
  PasswordRequest, ProofRequest, Totp
} from '../../schemas/admins.ts'
import { createMac } from '../../tokens/gate.ts'
import type { SemaphoreLoad } from '../../tokens/semaphore.ts'
import { createAccounts, lockUnchanged } from './accounts.ts'
import { createCode, toPlainCode } from './codes.ts'
import { createCookies } from './cookies.ts'
import { assertPassword, createAttempts, createPasswords, toAccountKey, toAddressKey } from './login.ts'
import { PROOF_MS } from './proof.ts'
import { createAdminTokens } from './tokens.ts'
import { createTotps } from './totp.ts'
import type { Actor } from '../audit/index.ts'

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
  /** Which of the admin's logins it is, by cookie. */
  login_id?: string
  /** When the password was last given, by cookie. */
  proved_at?: Date
}

export interface AdminLogin {
  admin: { id: string, name: string }
  /** The cookie's value, shown this once. */
  cookie: string
  /** The absolute end; 30 idle minutes end it earlier. */
  expires_at: Date
}

/** What a login comes from. */
export interface Browser {
  userAgent?: string | undefined
  /** What it holds already: that login ends, and its value is never taken over. */
  cookie?: string | undefined
}

export interface AdminLogins {
  /** Ends the login. A second time changes nothing. */
  logout (cookie: string, by: Actor): Promise<void>
  /** @throws UNAUTHENTICATED, or OVERLOADED where the database does not answer */
  verifyCookie (cookie: string): Promise<AdminPrincipal>
  /** Those that have not ended, the last used first. @throws NOT_FOUND */
  listLogins (adminId: string, ownId?: string): Promise<BrowserLogin[]>
  /** @throws NOT_FOUND */
  endLogin (adminId: string, id: string, by: Actor): Promise<void>
  /** Ends all of an admin's, but `except`. @returns how many @throws NOT_FOUND */
  endLogins (adminId: string, by: Actor, except?: string): Promise<number>
}

export interface AdminAccounts {
  /** The oldest first. */
  listAdmins (): Promise<AdminAccount[]>
  /** @throws INVALID_INPUT, CONFLICT where the name is taken */
  createAdmin (request: AdminRequest, by: Actor): Promise<AdminAccount>
  /** Ends its logins too. @throws NOT_FOUND, CONFLICT for the last one */
  deleteAdmin (id: string, by: Actor): Promise<void>
  /** Ends the admin's other logins. @throws INVALID_INPUT, FORBIDDEN where the password is wrong, RATE_LIMITED */
  changePassword (cookie: string, request: PasswordRequest, by: Actor): Promise<AdminLogin>
  /** Without the old one: for the shell. Ends all logins, forgets failed ones. @throws INVALID_INPUT, NOT_FOUND */
  resetPassword (id: string, password: string, by: Actor): Promise<void>
  /** Notes that the password was given anew. @throws FORBIDDEN where it or the code is wrong, RATE_LIMITED */
  prove (cookie: string, request: ProofRequest, by: Actor): Promise<{ login: AdminLogin, proved_at: Date }>
}

export interface AdminSecondFactor {
  /** A secret that counts once it is confirmed, in place of an older one. @throws CONFLICT where it is on */
  startTotp (cookie: string, by: Actor): Promise<Totp>
  /** Ends the admin's other logins. @throws FORBIDDEN where the code is wrong, CONFLICT, RATE_LIMITED */
  confirmTotp (
    cookie: string, request: { code: string }, by: Actor
  ): Promise<{ login: AdminLogin, recovery_codes: string[] }>
  /** A second time changes nothing but the cookie. */
  disableTotp (cookie: string, by: Actor): Promise<AdminLogin>
  /** The same for somebody else: for the shell. @throws NOT_FOUND */
  removeTotp (adminId: string, by: Actor): Promise<void>
}

export interface Admin extends AdminLogins, AdminAccounts, AdminSecondFactor {
  /** True until the first admin is made. */
  needsSetup (): Promise<boolean>
  /** A code that lets the first admin in, for 30 minutes, in place of an older one; null where an admin exists. */
  issueSetupCode (): Promise<string | null>
  /** @throws INVALID_INPUT, UNAUTHENTICATED where the code is not good, CONFLICT where an admin exists, RATE_LIMITED */
  setup (request: { code: string } & AdminRequest, by: Actor, browser?: Browser): Promise<AdminLogin>
  /** @throws UNAUTHENTICATED, with `totp_required` where only the code is missing or wrong; RATE_LIMITED, OVERLOADED */
  login (request: LoginRequest, by: Actor, browser?: Browser): Promise<AdminLogin>
  identify (principal: AdminPrincipal): Promise<AdminIdentity>
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
  /** What argon2 has to do for admins. */
  argon2Load (): Record<'admin_token' | 'password', SemaphoreLoad>
}

const SETUP_MS = 30 * 60_000

export default fp(async app => {
  const mac = createMac(app.vault.systemKey('token'))
  const macOfCode = (code: string) => mac(`setup:${toPlainCode(code)}`)
  const passwords = createPasswords()
  const attempts = createAttempts(app)
  const cookies = createCookies(app)
  const totps = createTotps(app, cookies, attempts)
  const { load: loadOfTokens, ...tokens } = createAdminTokens(app)

  app.decorate('admin', {
    needsSetup: async () => !await hasAdmin(app.db),

    async issueSetupCode () {
      if (await hasAdmin(app.db)) return null
      const code = createCode()
      await replaceSetupCode(app.db, macOfCode(code), new Date(Date.now() + SETUP_MS))
      return code
    },

    async setup ({ code, name, password }, by, browser = {}) {
      assertPassword(password)
      if (await hasAdmin(app.db)) throw problem('CONFLICT', 'The first admin exists already. Log in.')
      const wrong = () => problem('UNAUTHENTICATED', 'The setup code is wrong, used or older than 30 minutes.')
      return attempts.run({ action: 'admin.setup', keys: [toAddressKey(by.ip)], by }, async () => {
        if (!await isSetupCode(app.db, macOfCode(code))) throw wrong()
        const passwordHash = await passwords.hash(password)
        return app.db.transaction().execute(async trx => {
          const isFirst = await consumeSetupCode(trx, macOfCode(code))
          const row = isFirst && await insertAdmin(trx, { name, password_hash: passwordHash })
          if (!row) throw wrong()
          const login = await cookies.open(trx, row, browser, by)
          await app.audit.record(trx, { ...by, actor: `admin:${name}`, action: 'admin.setup', target: name })
          return login
        })
      })
    },

    async login ({ name, password, code }, by, browser = {}) {
      const keys = [toAddressKey(by.ip), toAccountKey(name)]
      const attempt = { action: 'admin.login', target: name.slice(0, 80), keys, code, by }
      return attempts.run(attempt, async () => {
        const wrong = () => problem('UNAUTHENTICATED', 'The name or the password is wrong.')
        const known = name.includes('\0') ? undefined : await findAdminByName(app.db, name)
        if (!await passwords.verify(known?.password_hash, password)) throw wrong()
        return app.db.transaction().execute(async trx => {
          const admin = await lockUnchanged(trx, known)
          if (!admin) throw wrong()
          const factor = await totps.take(trx, admin, code, detail => problem('UNAUTHENTICATED', detail, { totp_required: true }))
          const login = await cookies.open(trx, admin, browser, by)
          const details = factor ? { second_factor: factor } : {}
          await app.audit.record(trx, { ...by, actor: `admin:${name}`, action: 'admin.login', target: name, details })
          return login
        })
      })
    },

    async identify ({ admin_id: id, name, via, token_id: tokenId = null, proved_at: provedAt }) {
      const row = id === null ? undefined : await findAdmin(app.db, id)
      return {
        id,
        name,
        via,
        token_id: tokenId,
        totp: row ? row.totp_confirmed_at !== null : null,
        recovery_codes_left: row ? await countRecoveryCodes(app.db, row.id) : null,
        proved_until: provedAt ? new Date(provedAt.getTime() + PROOF_MS).toISOString() : null
      }
    },

    ...cookies.logins,
    ...totps.secondFactor,
    ...createAccounts(app, { attempts, cookies, passwords, totps }),
    ...tokens,
    argon2Load: () => ({ admin_token: loadOfTokens(), password: passwords.load() })
  })
}, { name: 'admin', dependencies: ['db', 'bus', 'vault', 'audit'] })
