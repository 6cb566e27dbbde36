import { sql, type Kysely } from 'kysely'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { BackupError, createDigest, FORMAT, FORMAT_VERSION, signBackup, type BackupHeader } from './backup-file.ts'
import type { Database } from './types.ts'

/**
 * What is not worth a backup, or must not come back: caches and counts, and what is good for minutes or hours, such as
 * a login that may have been ended since.
 */
export const LEFT_OUT: readonly string[] = [
  'cache_entries', 'cache_locks', 'quota_ledgers', 'quota_counts', 'quota_sessions', 'usage_buckets', 'key_rewraps',
  'admin_sessions', 'setup_codes', 'one_time_tokens', 'kysely_migration', 'kysely_migration_lock'
]

const ROWS = 500

/**
 * Writes all tables but LEFT_OUT, as they are at one moment, to a file that only its owner may read. It takes the
 * file's place when it is whole.
 * @param key of the audit log
 * @returns rows by table
 * @throws BackupError where the file cannot be written
 */
export async function writeBackup (
  db: Kysely<Database>, key: Buffer, { file, server }: { file: string, server: string }
): Promise<Record<string, number>> {
  const part = `${file}.${process.pid}.part`
  const counts: Record<string, number> = {}
  try {
    const handle = await open(part, 'wx', 0o600)
    try {
      await sendBackup(db, key, { server, counts }, async chunks => {
        // From where the last one ended.
        for await (const chunk of chunks) await handle.writeFile(chunk)
      })
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, file)
    const folder = await open(dirname(file))
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') await rm(part, { force: true }).catch(() => {})
    if (!syscall || error instanceof AggregateError) throw error
    throw new BackupError(`${file} cannot be written (${code}). ` +
      'Choose a folder that exists, has room, and may be written by this user.', { cause: error })
  }
  return counts
}

/**
 * The same for whoever takes it piece by piece: it is whole where nothing is thrown.
 * @param options.counts gets the rows by table
 * @throws what `take` throws, or the signal's reason
 */
export async function sendBackup (
  db: Kysely<Database>,
  key: Buffer,
  { server, counts = {}, signal }: { server: string, counts?: Record<string, number>, signal?: AbortSignal },
  take: (chunks: AsyncIterable<Buffer>) => Promise<void>
): Promise<void> {
  await db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(trx =>
    pipeline(Readable.from(toLines(trx, key, server, counts)), createGzip(), take, { ...(signal && { signal }) }))
}

async function * toLines (
  trx: Kysely<Database>, key: Buffer, server: string, counts: Record<string, number>
): AsyncGenerator<string> {
  // A disk may be slow.
  await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx)
  const digest = createDigest()
  const header: BackupHeader = {
    format: FORMAT,
    version: FORMAT_VERSION,
    server,
    created_at: new Date().toISOString(),
    migrations: await listMigrations(trx),
    kids: await listKids(trx)
  }
  yield digest.add(JSON.stringify(header))
  for (const table of await listTables(trx)) {
    counts[table] = 0
    yield digest.add(JSON.stringify(['table', table]))
    for await (const rows of readRows(trx, table)) {
      counts[table] += rows.length
      yield rows.map(digest.add).join('')
    }
  }
  const sha256 = digest.end()
  yield `${JSON.stringify(['end', { counts, sha256, mac: signBackup(key, sha256) }])}\n`
}

/** As jsonb: nothing of a bigint, an instant or a bytea is lost, and no line break is in it. */
async function * readRows (trx: Kysely<Database>, table: string): AsyncGenerator<string[]> {
  await sql`DECLARE backup_rows CURSOR FOR SELECT to_jsonb(t)::text AS json FROM ${sql.table(table)} AS t`.execute(trx)
  for (;;) {
    const { rows } = await sql<{ json: string }>`FETCH ${sql.lit(ROWS)} FROM backup_rows`.execute(trx)
    if (rows.length > 0) yield rows.map(({ json }) => json)
    if (rows.length < ROWS) break
  }
  await sql`CLOSE backup_rows`.execute(trx)
}

async function listKids (db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ kid: string }>`
    SELECT kid FROM system_keys UNION SELECT kid FROM data_keys ORDER BY kid`.execute(db)
  return rows.map(({ kid }) => kid)
}

/** The names of the migrations that the schema has. */
export async function listMigrations (db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration ORDER BY name`.execute(db)
  return rows.map(({ name }) => name)
}

/** The tables that a backup holds, each behind those that it refers to. */
export async function listTables (db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string, needs: string[] }>`
    SELECT t.relname AS name, coalesce(array_agg(r.relname::text) FILTER (WHERE r.oid <> t.oid), '{}') AS needs
    FROM pg_class t
    LEFT JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f' LEFT JOIN pg_class r ON r.oid = c.confrelid
    WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace
    GROUP BY t.relname ORDER BY t.relname`.execute(db)
  const tables: string[] = []
  const add = (name: string) => {
    if (tables.includes(name) || LEFT_OUT.includes(name)) return
    for (const needed of rows.find(row => row.name === name)?.needs ?? []) add(needed)
    tables.push(name)
  }
  for (const { name } of rows) add(name)
  return tables
}
