import { Kysely, PostgresDialect, sql } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { ConfigError, type Config } from '../config.ts'
import { connectEmbedded, startEmbedded, type Log } from './embedded/index.ts'
import { createGuardedPool } from './guard.ts'
import { migrate } from './migrate.ts'
import { createMonitor, type DatabaseState } from './monitor.ts'
import type { Database } from './types.ts'

export interface OpenDatabase {
  db: Kysely<Database>
  /** Fails at once while Postgres is down. */
  pool: pg.Pool
  state: DatabaseState
  /** Throws when the database does not answer within 2 seconds. */
  health (): Promise<void>
  /** Ends the connections, then an embedded Postgres that was started here. */
  close (): Promise<void>
}

export interface OpenOptions {
  /** Uses the embedded Postgres of a running server, if there is one, in place of being refused. */
  beside?: boolean
  /** Milliseconds to wait for a Postgres that does not answer yet. */
  patienceMs?: number
}

type Settings = Pick<Config, 'databaseUrl' | 'databasePoolSize' | 'dataDir'>

/** What stays free of the embedded Postgres's connections for a CLI beside the server, and for superusers. */
const SPARE_CONNECTIONS = 20
/** Within it the monitor knows whether Postgres itself is gone. */
const LOSS_MS = 1000

/**
 * Connects to the database that the configuration names, or starts the embedded one, and migrates it.
 * @throws ConfigError where DATABASE_URL does not lead to a Postgres that answers
 * @throws EmbeddedError, MigrationError
 */
export async function openDatabase (config: Settings, log: Log, options: OpenOptions = {}): Promise<OpenDatabase> {
  const { target, stop } = await reachDatabase(config, log, options)
  const monitor = createMonitor(target, log)
  const pool = createGuardedPool({
    application_name: 'financial-mcp-server',
    max: config.databasePoolSize,
    connectionTimeoutMillis: 5000,
    statement_timeout: 15_000,
    // A transaction whose server went away silently would hold its locks for hours.
    idle_in_transaction_session_timeout: 10_000,
    keepAlive: true,
    ...target
  }, monitor)
  pool.on('error', createLossLog(log, monitor))
  // The pool does not listen to a client that it has handed out, as in a transaction between two statements.
  pool.on('connect', client => { client.on('error', () => {}) })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  const close = async () => {
    await monitor.stop()
    // A client that is never given back must not keep the process.
    await Promise.race([db.destroy(), sleep(5000, undefined, { ref: false })])
    await stop()
  }
  try {
    await waitForPostgres(pool, config.databaseUrl, options.patienceMs ?? 30_000)
    await migrate(db)
    await monitor.start()
  } catch (error) {
    await close()
    throw error
  }
  return { db, pool, state: monitor, health: () => checkHealth(db), close }
}

/** One line for connections that break together, and none where the monitor tells of it. */
function createLossLog (log: Log, { isDown }: DatabaseState) {
  let connections = 0
  return (error: Error) => {
    if (connections++ > 0) return
    setTimeout(() => {
      if (!isDown()) log.warn({ err: error, connections }, 'connections to the database were lost')
      connections = 0
    }, LOSS_MS).unref()
  }
}

/**
 * Where the database is; an embedded one is started for it, and ended by `stop`.
 * @throws EmbeddedError
 */
export async function reachDatabase (config: Settings, log: Log, { beside }: OpenOptions) {
  const nothing = async () => {}
  if (config.databaseUrl) return { target: { connectionString: config.databaseUrl }, stop: nothing }
  const running = beside && await connectEmbedded({ dataDir: config.dataDir })
  if (running) return { target: running, stop: nothing }
  const embedded = await startEmbedded({
    dataDir: config.dataDir, log, maxConnections: config.databasePoolSize + SPARE_CONNECTIONS
  })
  return { target: embedded.pool, stop: () => embedded.stop() }
}

/** @throws ConfigError where it refuses the connection, or does not answer in time */
export async function waitForPostgres (pool: pg.Pool, url: string | undefined, patienceMs: number): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(250)) {
    try {
      await pool.query('SELECT 1')
      return
    } catch (error) {
      // A wrong password, user or database name does not get better by waiting.
      const final = error instanceof pg.DatabaseError && /^(28|3D)/.test(error.code ?? '')
      if (!final && Date.now() < deadline) continue
      const where = url ? `Postgres at ${withoutPassword(url)}` : 'The embedded Postgres'
      const what = final ? 'refuses the connection' : `did not answer within ${patienceMs / 1000} seconds`
      const advice = url ? ' Check DATABASE_URL, and that Postgres runs.' : ''
      throw new ConfigError(`${where} ${what}: ${toReason(error)}.${advice}`, { cause: error })
    }
  }
}

async function checkHealth (db: Kysely<Database>): Promise<void> {
  const timer = new AbortController()
  const late = sleep(2000, undefined, { signal: timer.signal }).then(() => {
    throw new Error('the database did not answer within 2 seconds')
  })
  await Promise.race([sql`SELECT 1`.execute(db), late]).finally(() => {
    late.catch(() => {})
    timer.abort()
  })
}

function toReason (error: unknown): string {
  // A host with several addresses fails with an error of errors, which has no message of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  return first instanceof Error ? first.message : String(first)
}

function withoutPassword (url: string): string {
  if (!URL.canParse(url)) return 'the given address'
  const { hostname, port, pathname } = new URL(url)
  return `${hostname}${port && `:${port}`}${pathname}`
}
