import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Kysely, PostgresDialect } from 'kysely'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg, { type PoolConfig } from 'pg'
import type { Test } from 'tap'
import { migrate } from '../db/migrate.ts'

/** How the tests of one run reach their Postgres. */
export interface State {
  url: string
  /** A database with every migration applied, to be copied. */
  template: string
  /** The process that ends it; undefined where it is not ours. */
  pid?: number
  /** A Redis for all tests, where one is in a container. */
  redisUrl?: string | undefined
}

/** @throws where no run of tap has made it */
export const readState = (): State => JSON.parse(readFileSync(toStateFile(process.ppid), 'utf8')) as State

/** Where the state of a run stands; `runner` is the process id of tap, whose children all tests are. */
export function toStateFile (runner: number): string {
  const project = createHash('sha256').update(join(import.meta.dirname, '..')).digest('hex').slice(0, 12)
  return join(tmpdir(), `fms-test-${project}-${runner}.json`)
}

/**
 * Creates a database for one test, dropped when it ends. Takes about 50 ms.
 * @param options.empty without the schema
 * @returns its URL
 */
export async function createDatabase (t: Test, { empty = false } = {}): Promise<string> {
  const state = readState()
  const admin = adminOf(state.url)
  const name = `test_${randomBytes(6).toString('hex')}`
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${empty ? 'template0' : state.template}`)
  t.teardown(() => drop(admin, name))
  return withDatabase(state.url, name)
}

/** A pool is closed before its last connections are: to be cut off in their goodbye is an error that nobody hears. */
async function drop (admin: pg.Pool, name: string): Promise<void> {
  const isUsed = async () => (await admin.query(`SELECT 1 FROM pg_stat_activity WHERE datname = '${name}'`)).rows.length > 0
  for (const deadline = Date.now() + 2_000; Date.now() < deadline && await isUsed();) await sleep(20)
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
}

let admin: pg.Pool | undefined

/** Creates and drops for all tests of a process: to connect takes as long as to create. */
function adminOf (url: string): pg.Pool {
  admin ??= new pg.Pool({ connectionString: url, max: 2, idleTimeoutMillis: 10_000, allowExitOnIdle: true })
    .on('error', () => {})
  return admin
}

/** Makes the database that `createDatabase` copies. */
export async function prepareTemplate (url: string, rest: Pick<State, 'pid' | 'redisUrl'> = {}): Promise<State> {
  const template = `template_${randomBytes(6).toString('hex')}`
  await query(url, `CREATE DATABASE ${template}`)
  const pool = new pg.Pool({ connectionString: withDatabase(url, template), max: 2 })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  await migrate(db).finally(() => db.destroy())
  return { url, template, ...rest }
}

/** Runs one statement over a connection of its own. */
export async function query (url: string, text: string): Promise<pg.QueryResult<Record<string, unknown>>> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client.query<Record<string, unknown>>(text).finally(() => client.end())
}

/** The URL of a Postgres that is reached by a unix socket. */
export function toUrl ({ host = '', port, user, password, database }: PoolConfig): string {
  return `postgres://${user}:${String(password)}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
}

function withDatabase (url: string, name: string): string {
  const target = new URL(url)
  target.pathname = `/${name}`
  return target.href
}
