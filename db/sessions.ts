import { sql, type Insertable, type Kysely, type Updateable } from 'kysely'
import type { Session } from '../schemas/sessions.ts'
import type { Database, SessionRow } from './types.ts'

/** How long the stored last use may be behind: another replica stores its own once a minute. */
const TOUCH_LAG_MS = 60_000

/** A session's last use, as one replica saw it. */
export interface SessionTouch {
  id: string
  at: Date
  /** When it was last used with the token before a rotation. */
  previous_at: Date | null
  /** The first call of a tool among the uses; null: there was none. */
  first_call_at: Date | null
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

/** How many are neither revoked nor past their fixed end. */
export async function countOpenSessions (db: Kysely<Database>): Promise<number> {
  const { count } = await db.selectFrom('sessions').select(row => row.fn.countAll<string>().as('count'))
    .where('revoked_at', 'is', null)
    .where(row => row.or([row('expires_at', 'is', null), row('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** The row, which nobody else changes until the transaction ends. */
export function lockSession (trx: Kysely<Database>, id: string): Promise<SessionRow | undefined> {
  return trx.selectFrom('sessions').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

export function updateSession (
  trx: Kysely<Database>, id: string, fields: Updateable<Database['sessions']>
): Promise<SessionRow> {
  return trx.updateTable('sessions').set(fields).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

/** @returns the row, or undefined where it was revoked before or never was */
export function revokeSession (trx: Kysely<Database>, id: string): Promise<SessionRow | undefined> {
  return trx.updateTable('sessions').set({ revoked_at: new Date() })
    .where('id', '=', id).where('revoked_at', 'is', null).returningAll().executeTakeFirst()
}

/**
 * Revokes all of a connection's sessions, or all that there are.
 * @returns of each that was not revoked before, its connection
 */
export async function revokeSessions (trx: Kysely<Database>, connectionId?: string): Promise<string[]> {
  // In one order: two at once would else wait for each other.
  const open = await trx.selectFrom('sessions').select('id').where('revoked_at', 'is', null)
    .$if(connectionId !== undefined, query => query.where('connection_id', '=', connectionId!))
    .orderBy('id').forUpdate().execute()
  const rows = await trx.updateTable('sessions').set({ revoked_at: new Date() })
    .where('id', '=', sql<string>`ANY(${open.map(({ id }) => id)}::uuid[])`).returning('connection_id').execute()
  return rows.map(row => row.connection_id)
}

/** @returns the connection's new epoch */
export async function bumpEpoch (trx: Kysely<Database>, connectionId: string): Promise<number> {
  const { epoch } = await trx.updateTable('connections').set(row => ({ epoch: row('epoch', '+', 1) }))
    .where('id', '=', connectionId).returning('epoch').executeTakeFirstOrThrow()
  return epoch
}

/** Stores many last uses in one statement. An older use never replaces a newer one, nor one of a revoked session. */
export async function touchSessions (db: Kysely<Database>, touches: readonly SessionTouch[]): Promise<void> {
  const column = <K extends keyof SessionTouch>(name: K) => touches.map(touch => touch[name])
  await sql`
    UPDATE sessions s SET
      last_used_at = greatest(s.last_used_at, t.at),
      previous_used_at = greatest(s.previous_used_at, CASE WHEN t.previous_at > s.rotated_at THEN t.previous_at END),
      first_call_at = least(s.first_call_at, t.first_call_at),
      last_address = CASE WHEN s.last_used_at > t.at THEN s.last_address ELSE coalesce(t.address, s.last_address) END,
      client_name = CASE WHEN s.last_used_at > t.at THEN s.client_name ELSE coalesce(t.client_name, s.client_name) END,
      client_version = CASE WHEN s.last_used_at > t.at THEN s.client_version
        ELSE coalesce(t.client_version, s.client_version) END
    FROM unnest(
      ${column('id')}::uuid[], ${column('at')}::timestamptz[], ${column('previous_at')}::timestamptz[],
      ${column('first_call_at')}::timestamptz[], ${column('address')}::text[], ${column('client_name')}::text[],
      ${column('client_version')}::text[]
    ) AS t (id, at, previous_at, first_call_at, address, client_name, client_version)
    WHERE s.id = t.id AND (s.revoked_at IS NULL OR s.revoked_at >= t.at)`.execute(db)
}

/**
 * The earlier of the fixed end and the end by idleness; null: none.
 * @param lastUse that is not stored yet
 */
export function expiryOf (row: SessionRow, lastUse?: Date): Date | null {
  if (row.idle_seconds === null) return row.expires_at
  const uses = [row.created_at, row.rotated_at, row.last_used_at, lastUse]
  const used = Math.max(...uses.map(use => use?.getTime() ?? 0))
  const idleEnd = used + row.idle_seconds * 1000 + TOUCH_LAG_MS
  return new Date(Math.min(idleEnd, row.expires_at?.getTime() ?? Infinity))
}

/** Until when one of its tokens is taken, in milliseconds since 1970; 0: it is not any more. */
export function endOf (row: SessionRow, lastFour: string, lastUse?: Date): number {
  if (row.revoked_at) return 0
  const end = expiryOf(row, lastUse)?.getTime() ?? Infinity
  if (lastFour === row.token_last_four) return end
  return lastFour === row.previous_last_four ? Math.min(end, row.previous_expires_at?.getTime() ?? 0) : 0
}

function stateOf (row: SessionRow): Session['state'] {
  if (row.revoked_at) return 'revoked'
  return endOf(row, row.token_last_four) <= Date.now() ? 'expired' : 'active'
}

/** The row as it leaves the server. */
export function toSession (row: SessionRow): Session {
  return {
    session_id: row.id,
    connection_id: row.connection_id,
    name: row.name,
    state: stateOf(row),
    token_last_four: row.token_last_four,
    scope: row.scope,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    idle_seconds: row.idle_seconds,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    first_call_at: row.first_call_at?.toISOString() ?? null,
    rotated_at: row.rotated_at?.toISOString() ?? null,
    previous_last_four: row.previous_last_four,
    previous_expires_at: row.previous_expires_at?.toISOString() ?? null,
    previous_used_at: row.previous_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    client_name: row.client_name,
    client_version: row.client_version,
    last_address: row.last_address
  }
}
