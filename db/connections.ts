import type { Kysely } from 'kysely'
import { DEFAULT_SETTINGS, type Connection, type ConnectionSettings } from '../schemas/control.ts'
import { toCredentialStatus } from './credentials.ts'
import type { AuthCredentialRow, ConnectionRow, Database } from './types.ts'

/** All connections by name. */
export function listConnections (db: Kysely<Database>): Promise<ConnectionRow[]> {
  return db.selectFrom('connections').selectAll().orderBy('name').execute()
}

export function findConnection (db: Kysely<Database>, id: string): Promise<ConnectionRow | undefined> {
  return db.selectFrom('connections').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Like findConnection, and holds the row until the transaction ends. */
export function lockConnection (trx: Kysely<Database>, id: string): Promise<ConnectionRow | undefined> {
  return trx.selectFrom('connections').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

/** Makes the row. Postgres refuses a name that is taken: see isNameTaken. */
export function insertConnection (
  db: Kysely<Database>, { id, name, settings }: { id: string, name: string, settings: ConnectionSettings }
): Promise<ConnectionRow> {
  return db.insertInto('connections')
    .values({ id, name, settings: JSON.stringify(settings) })
    .returningAll().executeTakeFirstOrThrow()
}

/** Postgres' unique_violation of the one unique column. */
export function isNameTaken (error: unknown): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === 'connections_name_key'
}

export function updateConnection (
  db: Kysely<Database>, id: string, { name, settings }: { name: string, settings: ConnectionSettings }
): Promise<ConnectionRow> {
  return db.updateTable('connections')
    .set({ name, settings: JSON.stringify(settings), updated_at: new Date() })
    .where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

/** Deletes the row and, by cascade, its credentials, sessions and what hangs on them. */
export async function deleteConnection (db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('connections').where('id', '=', id).execute()
}

/** What the row sets; settings that are newer than the row stand at their default. */
export function toSettings (row: Pick<ConnectionRow, 'settings'>): ConnectionSettings {
  return { ...DEFAULT_SETTINGS, ...row.settings }
}

/** The row as it leaves the server. */
export function toConnection (row: ConnectionRow, credentials: AuthCredentialRow[]): Connection {
  return {
    id: row.id,
    name: row.name,
    settings: toSettings(row),
    credentials: credentials.map(toCredentialStatus),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString()
  }
}
