import { sql, type Kysely } from 'kysely'
import type { Database } from './types.ts'

/** Stores a secret that does not count before it is confirmed. */
export async function updateTotpSecret (trx: Kysely<Database>, adminId: string, sealed: Buffer): Promise<void> {
  await trx.updateTable('admins').set({ totp_secret: sealed, totp_confirmed_at: null, totp_last_step: null })
    .where('id', '=', adminId).execute()
}

/** From now on logins need a code, and one of a step after this one. */
export async function confirmTotp (trx: Kysely<Database>, adminId: string, step: number): Promise<void> {
  await trx.updateTable('admins').set({ totp_confirmed_at: new Date(), totp_last_step: step })
    .where('id', '=', adminId).execute()
}

/** @returns whether this caller is the one that the step's code let in */
export async function takeTotpStep (trx: Kysely<Database>, adminId: string, step: number): Promise<boolean> {
  const { numUpdatedRows } = await trx.updateTable('admins').set({ totp_last_step: step })
    .where('id', '=', adminId).where('totp_confirmed_at', 'is not', null)
    .where(sql<boolean>`(totp_last_step IS NULL OR totp_last_step < ${step})`).executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Takes the second factor away, and its recovery codes. */
export async function deleteTotp (trx: Kysely<Database>, adminId: string): Promise<void> {
  await trx.updateTable('admins').set({ totp_secret: null, totp_confirmed_at: null, totp_last_step: null })
    .where('id', '=', adminId).execute()
  await trx.deleteFrom('admin_recovery_codes').where('admin_id', '=', adminId).execute()
}

/** Stores the codes in place of older ones. */
export async function replaceRecoveryCodes (trx: Kysely<Database>, adminId: string, macs: Buffer[]): Promise<void> {
  await trx.deleteFrom('admin_recovery_codes').where('admin_id', '=', adminId).execute()
  await trx.insertInto('admin_recovery_codes').values(macs.map(mac => ({ admin_id: adminId, code_mac: mac }))).execute()
}

/** @returns whether this caller is the one that the code let in */
export async function takeRecoveryCode (trx: Kysely<Database>, adminId: string, mac: Buffer): Promise<boolean> {
  const { numUpdatedRows } = await trx.updateTable('admin_recovery_codes').set({ used_at: new Date() })
    .where('admin_id', '=', adminId).where('code_mac', '=', mac).where('used_at', 'is', null).executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

export async function countRecoveryCodes (db: Kysely<Database>, adminId: string): Promise<number> {
  const { left } = await db.selectFrom('admin_recovery_codes').select(of => of.fn.countAll().as('left'))
    .where('admin_id', '=', adminId).where('used_at', 'is', null).executeTakeFirstOrThrow()
  return Number(left)
}
