import { sql, type Insertable, type Kysely } from 'kysely'
import type { AdminTokenRow, Database } from './types.ts'

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
