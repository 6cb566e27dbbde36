import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { awake } from '../../awake.ts'
import { ConfigError, type Config } from '../../config.ts'
import { EmbeddedError, type Log } from '../../db/embedded/index.ts'
import { toPaths } from '../../db/embedded/paths.ts'
import { explainNewer, readMigrations, type MigrationState } from '../../db/migrate.ts'
import { reachDatabase, waitForPostgres } from '../../db/open.ts'
import type { Database } from '../../db/types.ts'
import { fail, judgeClock, ok, reasonOf, warn, type Finding } from './finding.ts'
import { checkKeys } from './keys.ts'

/** Postgres gives fixes for five years. */
const LEAST_VERSION = 14
const PATIENCE_MS = 5_000
const LISTEN_MS = 3_000
/** Beside the pool: the watch over the database, and the bus. */
const MORE_CONNECTIONS = 2

export interface DatabaseReport {
  findings: Finding[]
  /** Whether the server's own plugins can work with it as it is. */
  usable: boolean
}

/** Looks at the database and changes nothing in it: not even what a start would. */
export async function checkDatabase (config: Config, log: Log): Promise<DatabaseReport> {
  if (config.databaseUrl === undefined && !hasCluster(config.dataDir)) {
    return { findings: [ok('database', 'There is none yet: it is made at the first start.')], usable: false }
  }
  let stop = async () => {}
  try {
    const { target, ...reached } = await reachDatabase(config, log, { beside: true })
    stop = reached.stop
    const pool = new pg.Pool({ application_name: 'fmcp doctor', max: 2, connectionTimeoutMillis: PATIENCE_MS, ...target })
    pool.on('error', () => {})
    const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
    try {
      await waitForPostgres(pool, config.databaseUrl, PATIENCE_MS)
      return await examine(db, pool, config)
    } finally {
      await db.destroy()
    }
  } catch (error) {
    const known = error instanceof ConfigError || error instanceof EmbeddedError
    const message = known ? error.message : `Postgres does not answer as it should: ${reasonOf(error)}.`
    return { findings: [fail('database', message)], usable: false }
  } finally {
    await stop()
  }
}

function hasCluster (dataDir: string): boolean {
  try {
    return existsSync(join(toPaths(dataDir).cluster, 'PG_VERSION'))
  } catch (error) {
    // The check of the files says it.
    if (error instanceof EmbeddedError) return false
    throw error
  }
}

async function examine (db: Kysely<Database>, pool: pg.Pool, config: Config): Promise<DatabaseReport> {
  const state = await readMigrations(db)
  const schema = checkSchema(state)
  const isCurrent = state.unknown.length === 0 && state.pending.length === 0
  const keys = isCurrent ? await checkKeys(db, config) : []
  const findings = [
    await checkServer(db),
    schema,
    await checkPrivileges(db, state),
    await checkConnections(db, config.databasePoolSize),
    await checkListen(pool),
    await checkTime(db),
    ...keys
  ]
  return { findings, usable: isCurrent && findings.every(finding => finding.state !== 'fail') }
}

async function checkServer (db: Kysely<Database>): Promise<Finding> {
  const check = 'database'
  const { rows: [row] } = await sql<{ version: string, number: number, encoding: string }>`
    SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
      current_setting('server_encoding') AS encoding`.execute(db)
  const { version = '', number = 0, encoding = '' } = row ?? {}
  if (number < LEAST_VERSION * 10_000) return fail(check, `PostgreSQL ${version} is too old: ${LEAST_VERSION} or later is needed.`)
  if (encoding !== 'UTF8') {
    return fail(check, `The database is encoded in ${encoding}: names of companies do not fit. Make one with ENCODING 'UTF8'.`)
  }
  return ok(check, `PostgreSQL ${version}.`)
}

function checkSchema ({ done, pending, unknown }: MigrationState): Finding {
  const check = 'schema'
  if (unknown.length) return fail(check, explainNewer(unknown))
  if (done.length === 0) return ok(check, 'The database is empty: its schema is made at the first start.')
  if (pending.length === 0) return ok(check, `It is that of this version (${done.at(-1)}).`)
  return warn(check, `The next start brings it to this version (${pending.join(', ')}), and an older server is refused then. ` +
    'Make a backup first: fmcp backup.')
}

async function checkPrivileges (db: Kysely<Database>, { done, pending }: MigrationState): Promise<Finding> {
  const check = 'privileges'
  const { rows: [schema] } = await sql<{ name: string | null, create: boolean | null, user: string }>`
    SELECT current_schema() AS name, has_schema_privilege(current_schema(), 'CREATE') AS create, current_user AS user`.execute(db)
  const { name, create, user } = schema!
  if (!create && pending.length) {
    return fail(check, `${user} may not make tables in the schema ${name ?? 'public'}, which the next start must. ` +
      `GRANT CREATE ON SCHEMA ${name ?? 'public'} TO ${user}.`)
  }
  const { rows: shut } = await sql<{ name: string }>`
    SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
      AND relname <> 'audit_logs' AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
      AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) ORDER BY 1`.execute(db)
  if (done.length && shut.length) {
    return fail(check, `${user} may not read and write ${shut.map(table => table.name).join(', ')}. ` +
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${name ?? 'public'} TO ${user}.`)
  }
  return ok(check, `${user} may do what the server does.`)
}

async function checkConnections (db: Kysely<Database>, poolSize: number): Promise<Finding> {
  const { rows: [row] } = await sql<{ most: number, used: number }>`
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
      (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used`.execute(db)
  return judgeConnections(row!, poolSize)
}

/** @param connections how many Postgres lets in, and how many of them are taken */
export function judgeConnections ({ most, used }: { most: number, used: number }, poolSize: number): Finding {
  const check = 'pool'
  const needed = poolSize + MORE_CONNECTIONS
  const each = `A server takes up to ${needed} connections (DATABASE_POOL_SIZE ${poolSize} and ${MORE_CONNECTIONS}), and Postgres lets ${most} in`
  if (needed > most) return fail(check, `${each}. Make the pool smaller, or raise max_connections.`)
  if (used + needed > most) {
    return warn(check, `${each}, of which ${used} are taken now. Make the pool smaller, or raise max_connections.`)
  }
  return ok(check, `${each}: enough for ${Math.floor(most / needed)} servers.`)
}

/** A pooler that gives each statement another connection loses what is listened to, and the locks of a session. */
async function checkListen (pool: pg.Pool): Promise<Finding> {
  const check = 'listen'
  const client = await pool.connect()
  try {
    const heard = new Promise<void>(resolve => client.once('notification', () => resolve()))
    await client.query('LISTEN fms_doctor')
    await pool.query('NOTIFY fms_doctor')
    await awake(LISTEN_MS, heard)
    return ok(check, 'Servers hear each other over LISTEN and NOTIFY.')
  } catch (error) {
    return fail(check, `LISTEN hears nothing (${reasonOf(error)}), so other servers would not hear of a revocation. ` +
      'Connect directly, or through a pooler in session mode.')
  } finally {
    client.release(true)
  }
}

async function checkTime (db: Kysely<Database>): Promise<Finding> {
  const before = Date.now()
  const { rows: [row] } = await sql<{ ms: string }>`SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms`.execute(db)
  const middle = (before + Date.now()) / 2
  // What the question took is not the clock's.
  const offset = middle - Number(row?.ms)
  const doubt = (Date.now() - before) / 2
  return judgeClock('clock of the database', Math.sign(offset) * Math.max(0, Math.abs(offset) - doubt))
}
