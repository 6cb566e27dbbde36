import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { sql } from 'kysely'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig } from '../../config.ts'
import db, { openDatabase } from '../../plugins/db.ts'
import health from '../../plugins/health.ts'
import { createDatabase } from '../database.ts'
import {
  copyFolder, createFolder, kill, makeFolder, processesOf, readPid, silent, waitFor
} from '../fixtures/embedded.ts'

const made = await makeFolder(t)

async function build (t: Test, env: Record<string, string>) {
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  app.register(health)
  await app.register(db, { config: loadConfig({ MASTER_KEY: 'unused', ...env }) })
  return { app, lines }
}

async function select (app: FastifyInstance, text: string): Promise<unknown> {
  return (await sql`${sql.raw(text)}`.execute(app.db)).rows[0]
}

t.test('the database is migrated, and its types are the plain ones', async t => {
  const { app } = await build(t, { DATABASE_URL: await createDatabase(t, { empty: true }) })
  await app.dbHealth()
  const [connection] = await app.db.insertInto('connections').values({ name: 'a', settings: '{}' }).returningAll().execute()
  t.type(connection?.created_at, Date)
  t.strictSame(connection?.settings, {})
  const row = await select(app, 'SELECT 1::bigint AS big, \'a\'::bytea AS bytes')
  t.strictSame(row, { big: '1', bytes: Buffer.from('a') })
  t.strictSame(await select(app, 'SHOW statement_timeout'), { statement_timeout: '15s' })
  t.strictSame(await select(app, 'SHOW application_name'), { application_name: 'financial-mcp-server' })
})

t.test('hooks of plugins that close can still use the database', async t => {
  const { app } = await build(t, { DATABASE_URL: await createDatabase(t) })
  const order: string[] = []
  const flush = (name: string) => fp(async app => {
    app.addHook('onClose', async app => {
      await select(app, 'SELECT 1')
      order.push(name)
    })
  }, { name, dependencies: ['db'] })
  await app.register(flush('audit'))
  await app.register(async scope => { await scope.register(flush('later')) })
  await app.ready()
  await app.close()
  t.strictSame(order.sort(), ['audit', 'later'])
  await t.rejects(select(app, 'SELECT 1'), 'the pool is closed')
})

t.test('connections that are cut off are logged and replaced', async t => {
  const { app, lines } = await build(t, { DATABASE_URL: await createDatabase(t) })
  await Promise.all([1, 2, 3].map(() => select(app, 'SELECT pg_sleep(0.05)')))
  await select(app, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`)
  t.ok(await waitFor(() => lines.some(line => line.includes('connections to the database were lost'))))
  t.match(JSON.parse(lines[0] ?? ''), { connections: 2 })
  t.equal(lines.length, 1)
  await Promise.all([1, 2, 3].map(() => app.dbHealth()))
})

t.test('a server without its database says why, and without the password', async t => {
  const url = 'postgres://user:hidden@127.0.0.1:9/none'
  const config = loadConfig({ DATABASE_URL: url, MASTER_KEY: 'unused' })
  await t.rejects(openDatabase(config, silent, { patienceMs: 300 }), {
    name: 'Error',
    message: 'Postgres at 127.0.0.1:9/none did not answer within 0.3 seconds: connect ECONNREFUSED 127.0.0.1:9. ' +
      'Check DATABASE_URL, and that Postgres runs.'
  })
  const missing = new URL(await createDatabase(t))
  missing.pathname = '/missing'
  const begun = performance.now()
  await t.rejects(build(t, { DATABASE_URL: missing.href }), /refuses the connection: database "missing" does not exist/)
  t.ok(performance.now() - begun < 5000, 'at once')
})

t.test('embedded: Postgres that is killed is started again under the running server', async t => {
  const dataDir = await copyFolder(t, made)
  const { app, lines } = await build(t, { DATA_DIR: dataDir })
  await app.db.insertInto('connections').values({ name: 'kept', settings: '{}' }).execute()
  const killed = app.db.transaction().execute(async trx => {
    await sql`SELECT 1`.execute(trx)
    for (const pid of processesOf(dataDir)) kill(pid)
    await waitFor(() => lines.some(line => line.includes('it is started again')))
    await sql`SELECT 1`.execute(trx)
  })
  await t.rejects(killed, 'what was under way fails')
  t.ok(await waitFor(() => app.dbHealth().then(() => true, () => false)))
  t.equal((await app.db.selectFrom('connections').select('name').executeTakeFirst())?.name, 'kept')

  await app.close()
  t.strictSame(processesOf(dataDir), [])
})

t.test('embedded: while Postgres hangs all that use it fail at once', async t => {
  const dataDir = await copyFolder(t, made)
  const { app } = await build(t, { DATA_DIR: dataDir })
  await app.dbHealth()
  const pid = readPid(dataDir)
  const backends = (await app.dbPool.query('SELECT pid FROM pg_stat_activity')).rows.map(row => Number(row.pid))
  for (const each of [pid, ...backends]) kill(each, 'SIGSTOP')
  t.teardown(() => { for (const each of [pid, ...backends]) kill(each, 'SIGCONT') })
  t.ok(await waitFor(() => app.dbState.isDown()))
  const begun = performance.now()
  await t.rejects(app.dbHealth(), { message: 'the database is down' })
  await t.rejects(select(app, 'SELECT 1'))
  t.ok(performance.now() - begun < 500)
  for (const each of [pid, ...backends]) kill(each, 'SIGCONT')
  t.ok(await waitFor(() => app.dbHealth().then(() => true, () => false)))
})

t.test('the health check waits two seconds for a place in the pool', async t => {
  const { app } = await build(t, { DATABASE_URL: await createDatabase(t), DATABASE_POOL_SIZE: '2' })
  const busy = [1, 2].map(() => select(app, 'SELECT pg_sleep(3)'))
  await t.rejects(app.dbHealth(), { message: 'the database did not answer within 2 seconds' })
  t.notOk(app.dbState.isDown())
  await Promise.all(busy)
  await app.dbHealth()
})

t.test('embedded: a CLI opens the database beside the server, and without it', async t => {
  const dataDir = await copyFolder(t, made)
  const config = loadConfig({ DATA_DIR: dataDir })
  const { app } = await build(t, { DATA_DIR: dataDir })
  await t.rejects(openDatabase(config, silent), /Another server is using DATA_DIR/)
  const beside = await openDatabase(config, silent, { beside: true })
  await beside.close()
  await app.dbHealth()
  await app.close()
  t.strictSame(processesOf(dataDir), [])

  const alone = await openDatabase(config, silent, { beside: true })
  await alone.health()
  await alone.close()
  t.strictSame(processesOf(dataDir), [])
})

t.test('a start that is refused by the schema leaves no Postgres behind', async t => {
  const dataDir = join(await createFolder(t), 'data')
  const config = loadConfig({ DATA_DIR: dataDir })
  const first = await openDatabase(config, silent)
  await sql`INSERT INTO kysely_migration (name, timestamp) VALUES ('0999-later', 'x')`.execute(first.db)
  await first.close()
  await t.rejects(openDatabase(config, silent), /newer schema/)
  t.strictSame(processesOf(dataDir), [])
})
