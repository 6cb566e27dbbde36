import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import {
  deleteAdmin, deleteSetupCode, findAdmin, insertAdmin, listAdmins, lockAdmin, lockAdmins, updatePassword
} from '../../db/admins.ts'
import type { AdminRow, Database } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import type { AdminAccount } from '../../schemas/admins.ts'
import type { Cookies } from './cookies.ts'
import { assertPassword, toOwnKey, type Attempts, type Passwords } from './login.ts'
import type { AdminAccounts } from './index.ts'
import type { Totps } from './totp.ts'

const NOBODY = 'There is no such admin.'
const LAST = 'This is the last admin: nobody could log in without it. Create another one first.'

interface Parts {
  attempts: Attempts
  cookies: Cookies
  passwords: Passwords
  totps: Totps
}

/** Admins beside the first, and what an admin changes of its own. */
export function createAccounts (app: FastifyInstance, { attempts, cookies, passwords, totps }: Parts): AdminAccounts {
  return {
    listAdmins: async () => (await listAdmins(app.db)).map(toAccount),

    async createAdmin ({ name, password }, by) {
      assertPassword(password)
      const passwordHash = await passwords.hash(password)
      return app.db.transaction().execute(async trx => {
        await deleteSetupCode(trx)
        const row = await insertAdmin(trx, { name, password_hash: passwordHash })
        if (!row) throw problem('CONFLICT', 'Another admin has this name. Choose another one.')
        await app.audit.record(trx, { ...by, action: 'admin.create', target: name, details: { admin_id: row.id } })
        return toAccount(row)
      })
    },

    async deleteAdmin (id, by) {
      await app.db.transaction().execute(async trx => {
        const rows = await lockAdmins(trx)
        const row = rows.find(row => row.id === id)
        if (!row) throw problem('NOT_FOUND', NOBODY)
        if (rows.length === 1) throw problem('CONFLICT', LAST)
        await deleteAdmin(trx, id)
        await app.audit.record(trx, { ...by, action: 'admin.delete', target: row.name, details: { admin_id: id } })
      })
    },

    async changePassword (cookie, { current_password: current, new_password: password }, by) {
      assertPassword(password, '/new_password')
      const { admin_id: adminId, id: loginId, name } = await cookies.find(cookie)
      const attempt = { action: 'admin.change_password', target: name, keys: [toOwnKey(adminId)], by }
      return attempts.run(attempt, async () => {
        const wrong = () => problem('FORBIDDEN', 'The current password is wrong.')
        const known = await findAdmin(app.db, adminId)
        if (!await passwords.verify(known?.password_hash, current)) throw wrong()
        const passwordHash = await passwords.hash(password)
        return app.db.transaction().execute(async trx => {
          const admin = await lockUnchanged(trx, known)
          if (!admin) throw wrong()
          await updatePassword(trx, adminId, passwordHash)
          const login = await cookies.renew(trx, admin, cookie)
          const ended = await cookies.endOthers(trx, adminId, loginId)
          await app.audit.record(trx, { ...by, action: 'admin.change_password', target: name, details: { ended } })
          return login
        })
      })
    },

    async resetPassword (id, password, by) {
      assertPassword(password)
      const passwordHash = await passwords.hash(password)
      const name = await app.db.transaction().execute(async trx => {
        const admin = await lockAdmin(trx, id)
        if (!admin) throw problem('NOT_FOUND', NOBODY)
        await updatePassword(trx, id, passwordHash)
        const ended = await cookies.endOthers(trx, id)
        await app.audit.record(trx, { ...by, action: 'admin.reset_password', target: admin.name, details: { ended } })
        return admin.name
      })
      await attempts.forgive(name)
    },

    async prove (cookie, { password, code }, by) {
      const { admin_id: adminId, name } = await cookies.find(cookie)
      return attempts.run({ action: 'admin.prove', target: name, keys: [toOwnKey(adminId)], code, by }, async () => {
        const wrong = () => problem('FORBIDDEN', 'The password is wrong.', { proof_required: true })
        const known = await findAdmin(app.db, adminId)
        if (!await passwords.verify(known?.password_hash, password)) throw wrong()
        return app.db.transaction().execute(async trx => {
          const admin = await lockUnchanged(trx, known)
          if (!admin) throw wrong()
          const factor = await totps.take(trx, admin, code, detail =>
            problem('FORBIDDEN', detail, { proof_required: true, totp_required: true }))
          const provedAt = new Date()
          const login = await cookies.renew(trx, admin, cookie, { proved_at: provedAt })
          const details = factor ? { second_factor: factor } : {}
          await app.audit.record(trx, { ...by, action: 'admin.prove', target: name, details })
          return { login, proved_at: provedAt }
        })
      })
    }
  }
}

/** The admin, locked; undefined where it is gone or its password is no longer the one that was checked. */
export async function lockUnchanged (
  trx: Kysely<Database>, known: AdminRow | undefined
): Promise<AdminRow | undefined> {
  const row = known && await lockAdmin(trx, known.id)
  return row?.password_hash === known?.password_hash ? row : undefined
}

function toAccount (row: AdminRow): AdminAccount {
  return {
    id: row.id,
    name: row.name,
    created_at: row.created_at.toISOString(),
    password_set_at: row.password_set_at.toISOString(),
    totp: row.totp_confirmed_at !== null
  }
}
