import { sql, type Insertable, type Kysely } from 'kysely'
import type { Session } from '../schemas/control.ts'
import type { Database, SessionRow } from './types.ts'

/** A session's last use, as one replica saw it. */
export interface SessionTouch {
  id: string
  at: Date
  address: string | null
  client_name: string | null
  client_version: string | null
}

/** Makes the row. Postgres refuses a connection that does not exist (23503). */
export function insertSession (db: Kysely<Database>, row: Insertable<Database['sessions']>): Promise<SessionRow> {
  return db.insertInto('sessions').values(row).returningAll().executeTakeFirstOrThrow()
}

export function findSession (db: Kysely<Database>, id: string): Promise<SessionRow | undefined> {
  return db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Rows beside their connection's epoch, of one snapshot. */
export function findSessionsWithEpoch (
  db: Kysely<Database>, ids: string[]
): Promise<(SessionRow & { epoch: number })[]> {
  return db.selectFrom('sessions as s').innerJoin('connections as c', 'c.id', 's.connection_id')
    .selectAll('s').select('c.epoch').where('s.id', '=', sql<string>`ANY(${ids}::uuid[])`).execute()
}

/** A connection's sessions, the newest first, those that have ended too. */
export function listSessions (db: Kysely<Database>, connectionId: string): Promise<SessionRow[]> {
  return db.selectFrom('sessions').selectAll().where('connection_id', '=', connectionId)
    .orderBy('created_at', 'desc').orderBy('id').execute()
}

/** @returns the row, or undefined where it was revoked before or never was */
export function revokeSession (trx: Kysely<Database>, id: string): Promise<SessionRow | undefined> {
  return trx.updateTable('sessions').set({ revoked_at: new Date() })
    .where('id', '=', id).where('revoked_at', 'is', null).returningAll().executeTakeFirst()
}

/** @returns the connection's new epoch */
export async function bumpEpoch (trx: Kysely<Database>, connectionId: string): Promise<number> {
  const { epoch } = await trx.updateTable('connections').set(row => ({ epoch: row('epoch', '+', 1) }))
    .where('id', '=', connectionId).returning('epoch').executeTakeFirstOrThrow()
  return epoch
}

/** Stores many last uses in one statement. An older use never replaces a newer one. */
export async function touchSessions (db: Kysely<Database>, touches: readonly SessionTouch[]): Promise<void> {
  const column = <K extends keyof SessionTouch>(name: K) => touches.map(touch => touch[name])
  await sql`
    UPDATE sessions s SET
      last_used_at = t.at,
      last_address = coalesce(t.address, s.last_address),
      client_name = coalesce(t.client_name, s.client_name),
      client_version = coalesce(t.client_version, s.client_version)
    FROM unnest(
      ${column('id')}::uuid[], ${column('at')}::timestamptz[], ${column('address')}::text[],
      ${column('client_name')}::text[], ${column('client_version')}::text[]
    ) AS t (id, at, address, client_name, client_version)
    WHERE s.id = t.id AND (s.last_used_at IS NULL OR s.last_used_at < t.at)`.execute(db)
}

/** The row as it leaves the server. */
export function toSession (row: SessionRow): Session {
  return {
    session_id: row.id,
    connection_id: row.connection_id,
    name: row.name,
    token_last_four: row.token_last_four,
    scope: row.scope,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    client_name: row.client_name,
    client_version: row.client_version,
    last_address: row.last_address
  }
}
