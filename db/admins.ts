import type { Kysely } from 'kysely'
import type { AdminRow, Database } from './types.ts'

export async function hasAdmin (db: Kysely<Database>): Promise<boolean> {
  return await db.selectFrom('admins').select('id').limit(1).executeTakeFirst() !== undefined
}

export function findAdminByName (db: Kysely<Database>, name: string): Promise<AdminRow | undefined> {
  return db.selectFrom('admins').selectAll().where('name', '=', name).executeTakeFirst()
}

export function findAdmin (db: Kysely<Database>, id: string): Promise<AdminRow | undefined> {
  return db.selectFrom('admins').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The oldest first. */
export function listAdmins (db: Kysely<Database>): Promise<AdminRow[]> {
  return db.selectFrom('admins').selectAll().orderBy('created_at').orderBy('id').execute()
}

/** The row as it stands; others who would change it wait. */
export function lockAdmin (trx: Kysely<Database>, id: string): Promise<AdminRow | undefined> {
  return trx.selectFrom('admins').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

/** All of them, so that two who delete each other cannot both succeed. */
export function lockAdmins (trx: Kysely<Database>): Promise<AdminRow[]> {
  return trx.selectFrom('admins').selectAll().orderBy('id').forUpdate().execute()
}

/** @returns undefined where the name is taken, in whichever case */
export function insertAdmin (
  trx: Kysely<Database>, row: Pick<AdminRow, 'name' | 'password_hash'>
): Promise<AdminRow | undefined> {
  return trx.insertInto('admins').values(row).onConflict(conflict => conflict.doNothing()).returningAll().executeTakeFirst()
}

/** Its logins and recovery codes go with it. */
export async function deleteAdmin (trx: Kysely<Database>, id: string): Promise<void> {
  await trx.deleteFrom('admins').where('id', '=', id).execute()
}

export async function updatePassword (trx: Kysely<Database>, id: string, passwordHash: string): Promise<void> {
  await trx.updateTable('admins').set({ password_hash: passwordHash, password_set_at: new Date() })
    .where('id', '=', id).execute()
}

/** Stores the one setup code in place of an older one. */
export async function replaceSetupCode (db: Kysely<Database>, codeMac: Buffer, expiresAt: Date): Promise<void> {
  const row = { code_mac: codeMac, expires_at: expiresAt }
  await db.insertInto('setup_codes').values(row)
    .onConflict(conflict => conflict.column('id').doUpdateSet(row)).execute()
}

export async function isSetupCode (db: Kysely<Database>, codeMac: Buffer): Promise<boolean> {
  return await db.selectFrom('setup_codes').select('id').where('code_mac', '=', codeMac)
    .where('expires_at', '>', new Date()).executeTakeFirst() !== undefined
}

/** @returns whether this caller is the one that the code let in */
export async function consumeSetupCode (trx: Kysely<Database>, codeMac: Buffer): Promise<boolean> {
  const { numDeletedRows } = await trx.deleteFrom('setup_codes').where('code_mac', '=', codeMac)
    .where('expires_at', '>', new Date()).executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** There is an admin: nobody is let in by a code any more. */
export async function deleteSetupCode (trx: Kysely<Database>): Promise<void> {
  await trx.deleteFrom('setup_codes').execute()
}
