import { Migrator, sql, type Kysely, type Migration } from 'kysely'
import * as core from './migrations/0001-core.ts'
import * as entitlements from './migrations/0002-entitlements.ts'
import * as cache from './migrations/0003-cache.ts'
import * as quota from './migrations/0004-quota.ts'
import * as sessions from './migrations/0005-sessions.ts'
import * as admins from './migrations/0006-admins.ts'
import * as audit from './migrations/0007-audit.ts'
import * as usage from './migrations/0008-usage.ts'
import * as keyRewraps from './migrations/0009-key-rewraps.ts'

/**
 * Every migration, in the order of the names. A name that was released never changes. None takes away what the version
 * before it uses: its servers go on until they are replaced.
 */
const MIGRATIONS: Record<string, Migration> = {
  '0001-core': core,
  '0002-entitlements': entitlements,
  '0003-cache': cache,
  '0004-quota': quota,
  '0005-sessions': sessions,
  '0006-admins': admins,
  '0007-audit': audit,
  '0008-usage': usage,
  '0009-key-rewraps': keyRewraps
}

const LOCK = 8_421_300_217

/** The database cannot be brought to this server's schema; the message says why. */
export class MigrationError extends Error {}

/**
 * Brings the database to this server's schema. Of several starters one does it while the others wait.
 * @returns the names of the migrations that were run
 * @throws MigrationError where the schema is newer than this server, or a migration fails
 */
export async function migrate<T> (db: Kysely<T>): Promise<string[]> {
  return db.connection().execute(async session => {
    // The pool's statement timeout must cut off neither the wait for another starter nor a long migration.
    await sql`SET statement_timeout = 0`.execute(session)
    await sql`SELECT pg_advisory_lock(${sql.lit(LOCK)})`.execute(session)
    try {
      return await run(session)
    } finally {
      await sql`SELECT pg_advisory_unlock(${sql.lit(LOCK)})`.execute(session).catch(() => {})
      await sql`RESET statement_timeout`.execute(session).catch(() => {})
    }
  })
}

async function run<T> (session: Kysely<T>): Promise<string[]> {
  await assertKnown(session)
  const migrator = new Migrator({ db: session, provider: { getMigrations: async () => MIGRATIONS } })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error) {
    const failed = results.find(result => result.status === 'Error')?.migrationName
    const reason = error instanceof Error ? error.message : String(error)
    throw new MigrationError(`The migration ${failed ?? 'of the database'} failed: ${reason}`, { cause: error })
  }
  return results.map(result => result.migrationName)
}

/** Names of migrations, each in their order. */
export interface MigrationState {
  done: string[]
  /** What the next start will do. */
  pending: string[]
  /** Of a later version of the server. */
  unknown: string[]
}

/** How far a database is; changes nothing. */
export async function readMigrations<T> (db: Kysely<T>): Promise<MigrationState> {
  const known = Object.keys(MIGRATIONS)
  const { rows: [table] } = await sql<{ found: boolean }>`
    SELECT to_regclass('kysely_migration') IS NOT NULL AS found`.execute(db)
  if (!table?.found) return { done: [], pending: known, unknown: [] }
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration ORDER BY name`.execute(db)
  const done = rows.map(row => row.name)
  return {
    done,
    pending: known.filter(name => !done.includes(name)),
    unknown: done.filter(name => !(name in MIGRATIONS))
  }
}

/** What is said where a database knows migrations that this server does not. */
export const explainNewer = (unknown: string[]): string =>
  `The database has a newer schema than this server knows (${unknown.join(', ')}). ` +
  'Start the version of the server that made it, or a later one.'

async function assertKnown<T> (session: Kysely<T>): Promise<void> {
  const { unknown } = await readMigrations(session)
  if (unknown.length > 0) throw new MigrationError(explainNewer(unknown))
}
