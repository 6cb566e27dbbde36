import { sql, type Insertable, type Kysely } from 'kysely'
import type { AdminRow, AdminSessionRow, AdminTokenRow, Database } from './types.ts'

export async function hasAdmin (db: Kysely<Database>): Promise<boolean> {
  return await db.selectFrom('admins').select('id').limit(1).executeTakeFirst() !== undefined
}

export function findAdminByName (db: Kysely<Database>, name: string): Promise<AdminRow | undefined> {
  return db.selectFrom('admins').selectAll().where('name', '=', name).executeTakeFirst()
}

export function insertAdmin (
  db: Kysely<Database>, row: Pick<AdminRow, 'name' | 'password_hash'>
): Promise<AdminRow> {
  return db.insertInto('admins').values(row).returningAll().executeTakeFirstOrThrow()
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

/** Makes the row, and deletes those of all admins that have ended. */
export async function insertAdminSession (
  trx: Kysely<Database>, row: Pick<AdminSessionRow, 'admin_id' | 'token_mac' | 'expires_at'>
): Promise<void> {
  await trx.deleteFrom('admin_sessions').where('expires_at', '<=', new Date()).execute()
  await trx.insertInto('admin_sessions').values(row).execute()
}

/** A browser's session beside its admin's name. */
export function findAdminSession (
  db: Kysely<Database>, tokenMac: Buffer
): Promise<(AdminSessionRow & { name: string }) | undefined> {
  return db.selectFrom('admin_sessions as s').innerJoin('admins as a', 'a.id', 's.admin_id')
    .selectAll('s').select('a.name').where('s.token_mac', '=', tokenMac).executeTakeFirst()
}

export async function touchAdminSession (db: Kysely<Database>, id: string): Promise<void> {
  await db.updateTable('admin_sessions').set({ last_seen_at: new Date() }).where('id', '=', id).execute()
}

export function deleteAdminSession (trx: Kysely<Database>, tokenMac: Buffer): Promise<AdminSessionRow | undefined> {
  return trx.deleteFrom('admin_sessions').where('token_mac', '=', tokenMac).returningAll().executeTakeFirst()
}

export function insertAdminToken (
  db: Kysely<Database>, row: Insertable<Database['admin_tokens']>
): Promise<AdminTokenRow> {
  return db.insertInto('admin_tokens').values(row).returningAll().executeTakeFirstOrThrow()
}

export function findAdminToken (db: Kysely<Database>, id: string): Promise<AdminTokenRow | undefined> {
  return db.selectFrom('admin_tokens').selectAll().where('id', '=', id).executeTakeFirst()
}

export function findAdminTokens (db: Kysely<Database>, ids: string[]): Promise<AdminTokenRow[]> {
  return db.selectFrom('admin_tokens').selectAll().where('id', '=', sql<string>`ANY(${ids}::uuid[])`).execute()
}

/** The newest first, those that have ended too. */
export function listAdminTokens (db: Kysely<Database>): Promise<AdminTokenRow[]> {
  return db.selectFrom('admin_tokens').selectAll().orderBy('created_at', 'desc').orderBy('id').execute()
}

/** @returns the row, or undefined where it was revoked before or never was */
export function revokeAdminToken (trx: Kysely<Database>, id: string): Promise<AdminTokenRow | undefined> {
  return trx.updateTable('admin_tokens').set({ revoked_at: new Date() })
    .where('id', '=', id).where('revoked_at', 'is', null).returningAll().executeTakeFirst()
}

/** Notes a use, once a minute at most. */
export async function touchAdminToken (db: Kysely<Database>, id: string): Promise<void> {
  await sql`UPDATE admin_tokens SET last_used_at = now()
    WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`.execute(db)
}
