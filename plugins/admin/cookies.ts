import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import { randomBytes } from 'node:crypto'
import {
  deleteAdminSession, deleteAdminSessions, findAdminSession, insertAdminSession, listAdminSessions,
  replaceAdminSessionMac, touchAdminSession
} from '../../db/admin-logins.ts'
import { findAdmin } from '../../db/admins.ts'
import type { AdminRow, AdminSessionRow, Database } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import type { BrowserLogin } from '../../schemas/admins.ts'
import { createMac, refusal, unavailable } from '../../tokens/gate.ts'
import type { AdminLogin, AdminLogins, Browser } from './index.ts'
import type { Actor } from '../audit/index.ts'

const MINUTE_MS = 60_000
const IDLE_MS = 30 * MINUTE_MS
const ABSOLUTE_MS = 12 * 60 * MINUTE_MS
const MOST_CHARACTERS = 300
const COOKIE = /^[A-Za-z0-9_-]{43}$/
const LOGGED_OUT = 'Log in: the login is missing or has ended.'
const NOBODY = 'There is no such admin.'

/** One of an admin's logins, or all but one. */
interface Which { id?: string, except?: string | undefined }

export type Cookies = ReturnType<typeof createCookies>

/** Logins of browsers: a random cookie each, stored as a mac and made anew wherever what it may do changes. */
export function createCookies (app: FastifyInstance) {
  const mac = createMac(app.vault.systemKey('token'))
  const macOf = (cookie: string) => mac(`cookie:${cookie}`)
  const idleSince = () => new Date(Date.now() - IDLE_MS)
  const newCookie = () => randomBytes(32).toString('base64url')

  /** @throws UNAUTHENTICATED */
  async function find (cookie: string): Promise<AdminSessionRow & { name: string }> {
    const row = COOKIE.test(cookie) ? await findAdminSession(app.db, macOf(cookie)) : undefined
    if (!row || row.expires_at.getTime() <= Date.now() || row.last_seen_at <= idleSince()) throw refusal(LOGGED_OUT)
    return row
  }

  async function assertAdmin (id: string): Promise<AdminRow> {
    const row = await findAdmin(app.db, id)
    if (!row) throw problem('NOT_FOUND', NOBODY)
    return row
  }

  /** Ends what `which` says, and the event of it. */
  async function end (adminId: string, which: Which, by: Actor): Promise<number> {
    const { name } = await assertAdmin(adminId)
    return app.db.transaction().execute(async trx => {
      const ended = await deleteAdminSessions(trx, adminId, which)
      const details = { ended, ...which.id && { login_id: which.id } }
      if (ended) await app.audit.record(trx, { ...by, action: 'admin.end_logins', target: name, details })
      return ended
    })
  }

  const logins: AdminLogins = {
    async logout (cookie, by) {
      await app.db.transaction().execute(async trx => {
        const row = await deleteAdminSession(trx, macOf(cookie))
        if (row) await app.audit.record(trx, { ...by, action: 'admin.logout' })
      })
    },

    async verifyCookie (cookie) {
      try {
        const row = await find(cookie)
        if (Date.now() - row.last_seen_at.getTime() >= MINUTE_MS) await touchAdminSession(app.db, row.id)
        const { admin_id: adminId, name, id, proved_at: provedAt } = row
        return { kind: 'admin', admin_id: adminId, name, via: 'cookie', login_id: id, proved_at: provedAt }
      } catch (error) {
        throw unavailable(error)
      }
    },

    async listLogins (adminId, ownId) {
      await assertAdmin(adminId)
      const rows = await listAdminSessions(app.db, adminId, { idleSince: idleSince() })
      return rows.map(row => toBrowserLogin(row, ownId))
    },

    async endLogin (adminId, id, by) {
      if (!await end(adminId, { id }, by)) throw problem('NOT_FOUND', 'There is no such login. It may have ended already.')
    },

    endLogins: (adminId, by, except) => end(adminId, { except }, by)
  }

  return {
    logins,
    find,

    /** A new login, whatever the browser sent; a login that it held ends. */
    async open (trx: Kysely<Database>, admin: AdminRow, browser: Browser, { ip }: Actor): Promise<AdminLogin> {
      const { cookie: held, userAgent } = browser
      if (held !== undefined) await deleteAdminSession(trx, macOf(held))
      const cookie = newCookie()
      const expiresAt = new Date(Date.now() + ABSOLUTE_MS)
      await insertAdminSession(trx, {
        admin_id: admin.id,
        token_mac: macOf(cookie),
        expires_at: expiresAt,
        address: ip ?? null,
        user_agent: userAgent?.slice(0, MOST_CHARACTERS) ?? null,
        proved_at: new Date()
      }, { idleSince: idleSince() })
      return { admin: { id: admin.id, name: admin.name }, cookie, expires_at: expiresAt }
    },

    /**
     * The same login under a new cookie; the old one is refused from now on.
     * @throws UNAUTHENTICATED where it was replaced or ended meanwhile
     */
    async renew (
      trx: Kysely<Database>, { id, name }: AdminRow, held: string, changes: { proved_at?: Date } = {}
    ): Promise<AdminLogin> {
      const cookie = newCookie()
      const row = await replaceAdminSessionMac(trx, macOf(held), { token_mac: macOf(cookie), ...changes })
      if (!row) throw refusal(LOGGED_OUT)
      return { admin: { id, name }, cookie, expires_at: row.expires_at }
    },

    /** Ends all logins of the admin, or all but the one. @returns how many */
    endOthers: (trx: Kysely<Database>, adminId: string, except?: string) =>
      deleteAdminSessions(trx, adminId, { except })
  }
}

function toBrowserLogin (row: AdminSessionRow, ownId: string | undefined): BrowserLogin {
  return {
    id: row.id,
    address: row.address,
    user_agent: row.user_agent,
    created_at: row.created_at.toISOString(),
    last_seen_at: row.last_seen_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    is_current: row.id === ownId
  }
}
