import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import t, { type Test } from 'tap'
import { migrate, MigrationError } from '../../db/migrate.ts'
import { createDatabase } from '../database.ts'

function open (t: Test, connectionString: string, max = 2): Kysely<unknown> {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString, max }) }) })
  t.teardown(() => db.destroy())
  return db
}

t.test('of concurrent starters one runs the migrations and all come back', async t => {
  const url = await createDatabase(t, { empty: true })
  const starters = Array.from({ length: 6 }, () => open(t, url))
  const ran = await Promise.all(starters.map(db => migrate(db)))
  const files = await readdir(join(import.meta.dirname, '../../db/migrations'))
  t.strictSame(ran.flat(), files.map(name => basename(name, '.ts')).sort())
  t.equal((await sql`SELECT * FROM kysely_migration`.execute(open(t, url))).rows.length, files.length)
})

t.test('a second start has nothing to do, and one connection is enough', async t => {
  const db = open(t, await createDatabase(t), 1)
  t.strictSame(await migrate(db), [])
  const { rows: [row] } = await sql<{ statement_timeout: string }>`SHOW statement_timeout`.execute(db)
  t.equal(row?.statement_timeout, '0', 'the timeout is what it was')
})

t.test('a database with a newer schema is refused', async t => {
  const db = open(t, await createDatabase(t))
  await sql`INSERT INTO kysely_migration (name, timestamp) VALUES ('0999-later', 'x')`.execute(db)
  await t.rejects(migrate(db), new MigrationError('The database has a newer schema than this server knows (0999-later). ' +
    'Start the version of the server that made it, or a later one.'))
})

t.test('a migration that fails leaves nothing behind and says which it was', async t => {
  const db = open(t, await createDatabase(t, { empty: true }))
  await sql`CREATE TABLE sessions (id integer)`.execute(db)
  await t.rejects(migrate(db), { message: 'The migration 0001-core failed: relation "sessions" already exists' })
  const { rows } = await sql`SELECT 1 WHERE to_regclass('connections') IS NOT NULL`.execute(db)
  t.strictSame(rows, [])
})
