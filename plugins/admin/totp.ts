import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import { Secret, TOTP } from 'otpauth'
import {
  confirmTotp, deleteTotp, replaceRecoveryCodes, takeRecoveryCode, takeTotpStep, updateTotpSecret
} from '../../db/admin-totp.ts'
import { lockAdmin } from '../../db/admins.ts'
import type { AdminRow, Database } from '../../db/types.ts'
import { problem, type Problem } from '../../errors.ts'
import { createMac, refusal } from '../../tokens/gate.ts'
import { open, seal } from '../../vault/envelope.ts'
import { createCode, toPlainCode } from './codes.ts'
import type { Cookies } from './cookies.ts'
import { toOwnKey, type Attempts } from './login.ts'
import type { AdminSecondFactor } from './index.ts'

const ISSUER = 'Financial MCP Server'
const RECOVERY_CODES = 10
/** Thirty-second steps before and after the present one: clocks differ. */
const WINDOW = 1
const WANTED = 'Send the six digits of your authenticator app as `code`, or a recovery code.'
const WRONG = 'The code is wrong, or was taken before. Wait for the next one, or send a recovery code.'

export type Totps = ReturnType<typeof createTotps>

/** The second factor, which each admin may turn on: RFC 6238, and recovery codes. */
export function createTotps (app: FastifyInstance, cookies: Cookies, attempts: Attempts) {
  const key = app.vault.systemKey('totp')
  const mac = createMac(app.vault.systemKey('token'))
  const macOf = (adminId: string, code: string) => mac(`recovery:${adminId}:${toPlainCode(code)}`)
  const placeOf = (adminId: string) => ['admins', adminId, 'totp_secret']

  /** Which step's code it is; null where it is none of the present ones. */
  function stepOf ({ id, totp_secret: sealed }: AdminRow, code: string): number | null {
    if (!sealed) return null
    const secret = new Secret({ buffer: Uint8Array.from(open(key, sealed, placeOf(id))).buffer })
    const timestamp = Date.now()
    const delta = TOTP.validate({ token: code, secret, timestamp, window: WINDOW })
    return delta === null ? null : TOTP.counter({ timestamp }) + delta
  }

  const secondFactor: AdminSecondFactor = {
    async startTotp (cookie, by) {
      const { admin_id: adminId } = await cookies.find(cookie)
      const secret = new Secret({ size: 20 })
      return app.db.transaction().execute(async trx => {
        const { id, name, totp_confirmed_at: confirmedAt } = await lockOwn(trx, adminId)
        if (confirmedAt) throw problem('CONFLICT', 'The second factor is on already. Turn it off first.')
        await updateTotpSecret(trx, id, seal(key, Buffer.from(secret.bytes), placeOf(id)))
        await app.audit.record(trx, { ...by, action: 'admin.start_totp', target: name })
        return { secret: secret.base32, uri: new TOTP({ issuer: ISSUER, label: name, secret }).toString() }
      })
    },

    async confirmTotp (cookie, { code }, by) {
      const { admin_id: adminId, id: loginId, name } = await cookies.find(cookie)
      const attempt = { action: 'admin.confirm_totp', target: name, keys: [toOwnKey(adminId)], by }
      return attempts.run(attempt, () => app.db.transaction().execute(async trx => {
        const admin = await lockOwn(trx, adminId)
        if (admin.totp_confirmed_at) throw problem('CONFLICT', 'The second factor is on already.')
        if (!admin.totp_secret) throw problem('CONFLICT', 'Ask for a secret first: POST /api/admin/totp.')
        const step = stepOf(admin, toPlainCode(code))
        if (step === null) throw problem('FORBIDDEN', 'The code is wrong. Check the clock of the device and send the next one.')
        const codes = Array.from({ length: RECOVERY_CODES }, createCode)
        await confirmTotp(trx, adminId, step)
        await replaceRecoveryCodes(trx, adminId, codes.map(code => macOf(adminId, code)))
        const login = await cookies.renew(trx, admin, cookie)
        // They came in without it.
        const ended = await cookies.endOthers(trx, adminId, loginId)
        await app.audit.record(trx, { ...by, action: 'admin.confirm_totp', target: name, details: { ended } })
        return { login, recovery_codes: codes }
      }))
    },

    async disableTotp (cookie, by) {
      const { admin_id: adminId } = await cookies.find(cookie)
      return app.db.transaction().execute(async trx => {
        const admin = await lockOwn(trx, adminId)
        await deleteTotp(trx, adminId)
        const login = await cookies.renew(trx, admin, cookie)
        await app.audit.record(trx, { ...by, action: 'admin.disable_totp', target: admin.name })
        return login
      })
    },

    async removeTotp (adminId, by) {
      await app.db.transaction().execute(async trx => {
        const admin = await lockAdmin(trx, adminId)
        if (!admin) throw problem('NOT_FOUND', 'There is no such admin.')
        await deleteTotp(trx, adminId)
        await app.audit.record(trx, { ...by, action: 'admin.disable_totp', target: admin.name })
      })
    }
  }

  return {
    secondFactor,

    /**
     * Takes the code of a locked admin, for good once the transaction is committed.
     * @param refuse makes the error of a code that is missing or wrong
     * @returns which it was, for the audit log; undefined where the second factor is off
     */
    async take (
      trx: Kysely<Database>, admin: AdminRow, code: string | undefined, refuse: (detail: string) => Problem
    ): Promise<'totp' | 'recovery_code' | undefined> {
      if (!admin.totp_confirmed_at) return undefined
      if (code === undefined) throw refuse(WANTED)
      const plain = toPlainCode(code)
      if (/^\d{6}$/.test(plain)) {
        const step = stepOf(admin, plain)
        if (step !== null && await takeTotpStep(trx, admin.id, step)) return 'totp'
      } else if (await takeRecoveryCode(trx, admin.id, macOf(admin.id, plain))) {
        return 'recovery_code'
      }
      throw refuse(WRONG)
    }
  }
}

/** @throws UNAUTHENTICATED where the admin was deleted meanwhile */
async function lockOwn (trx: Kysely<Database>, id: string): Promise<AdminRow> {
  const row = await lockAdmin(trx, id)
  if (!row) throw refusal('Log in: the login is missing or has ended.')
  return row
}
