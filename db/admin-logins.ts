import type { Kysely } from 'kysely'
import type { AdminSessionRow, Database } from './types.ts'

/** Logins that were not used since have ended. */
interface Idle { idleSince: Date }

/** Makes the row, and deletes those of all admins that have ended. */
export async function insertAdminSession (
  trx: Kysely<Database>,
  row: Pick<AdminSessionRow, 'admin_id' | 'token_mac' | 'expires_at' | 'address' | 'user_agent' | 'proved_at'>,
  { idleSince }: Idle
): Promise<void> {
  await trx.deleteFrom('admin_sessions')
    // Two who sweep at once must not wait for each other's rows.
    .where('id', 'in', ended => ended.selectFrom('admin_sessions').select('id')
      .where(or => or.or([or('expires_at', '<=', new Date()), or('last_seen_at', '<=', idleSince)])).forUpdate().skipLocked())
    .execute()
  await trx.insertInto('admin_sessions').values(row).execute()
}

/** A browser's session beside its admin's name. */
export function findAdminSession (
  db: Kysely<Database>, tokenMac: Buffer
): Promise<(AdminSessionRow & { name: string }) | undefined> {
  return db.selectFrom('admin_sessions as s').innerJoin('admins as a', 'a.id', 's.admin_id')
    .selectAll('s').select('a.name').where('s.token_mac', '=', tokenMac).executeTakeFirst()
}

/** Those of an admin that have not ended, the last used first. */
export function listAdminSessions (
  db: Kysely<Database>, adminId: string, { idleSince }: Idle
): Promise<AdminSessionRow[]> {
  return db.selectFrom('admin_sessions').selectAll().where('admin_id', '=', adminId)
    .where('expires_at', '>', new Date()).where('last_seen_at', '>', idleSince)
    .orderBy('last_seen_at', 'desc').orderBy('id').execute()
}

export async function touchAdminSession (db: Kysely<Database>, id: string): Promise<void> {
  await db.updateTable('admin_sessions').set({ last_seen_at: new Date() }).where('id', '=', id).execute()
}

/** @returns the row, or undefined where the cookie was replaced or ended meanwhile */
export function replaceAdminSessionMac (
  trx: Kysely<Database>, tokenMac: Buffer, changes: { token_mac: Buffer, proved_at?: Date }
): Promise<AdminSessionRow | undefined> {
  return trx.updateTable('admin_sessions').set(changes).where('token_mac', '=', tokenMac).returningAll().executeTakeFirst()
}

export function deleteAdminSession (trx: Kysely<Database>, tokenMac: Buffer): Promise<AdminSessionRow | undefined> {
  return trx.deleteFrom('admin_sessions').where('token_mac', '=', tokenMac).returningAll().executeTakeFirst()
}

/**
 * Those of an admin: the one, or all but the one.
 * @returns how many there were
 */
export async function deleteAdminSessions (
  trx: Kysely<Database>, adminId: string, { id, except }: { id?: string, except?: string | undefined } = {}
): Promise<number> {
  let query = trx.deleteFrom('admin_sessions').where('admin_id', '=', adminId)
  if (id !== undefined) query = query.where('id', '=', id)
  if (except !== undefined) query = query.where('id', '!=', except)
  return Number((await query.executeTakeFirstOrThrow()).numDeletedRows)
}
