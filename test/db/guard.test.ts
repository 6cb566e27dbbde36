import Fastify, { type FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { loadConfig } from '../../config.ts'
import { awake } from '../../awake.ts'
import { createMonitor } from '../../db/monitor.ts'
import { isOutage } from '../../db/outage.ts'
import db from '../../plugins/db.ts'
import health from '../../plugins/health.ts'
import { createDatabase, query } from '../database.ts'
import { startDatabaseProxy, type ProxyMode } from '../faults/proxy.ts'
import { silent, waitFor } from '../fixtures/embedded.ts'

const POOL = 4

/** A pool of four to a database of its own, through a proxy. */
async function build (t: Test) {
  const direct = await createDatabase(t)
  const { url, proxy } = await startDatabaseProxy(t, direct)
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => { lines.push(line) } } } })
  t.teardown(() => app.close())
  app.register(health)
  const config = loadConfig({ DATABASE_URL: url, MASTER_KEY: 'unused', DATABASE_POOL_SIZE: String(POOL) })
  await app.register(db, { config })
  const count = (text: string) => lines.filter(line => line.includes(text)).length
  return { app, proxy, direct, count, lines }
}

/** What the work fails with, and after how many milliseconds. */
async function failure (work: Promise<unknown>): Promise<{ error: unknown, ms: number }> {
  const begun = performance.now()
  const error = await work.then(() => undefined, (error: unknown) => error)
  return { error, ms: performance.now() - begun }
}

const select = (app: FastifyInstance, text = 'SELECT 1') => sql`${sql.raw(text)}`.execute(app.db)
const isDown = (app: FastifyInstance) => () => app.dbState.isDown()
const isUp = (app: FastifyInstance) => () => !app.dbState.isDown()

for (const mode of ['down', 'reset', 'blackhole', 'halfopen'] satisfies ProxyMode[]) {
  t.test(`${mode}: it is noticed, all that use the database fail at once, and it comes back by itself`, async t => {
    const { app, proxy, direct, count } = await build(t)
    t.same([app.dbState.isDown(), app.dbState.downMs(), app.health.read()], [false, 0, { database: 'ok' }])
    await Promise.all(Array.from({ length: POOL }, () => select(app, 'SELECT pg_sleep(0.02)')))

    const running = Array.from({ length: POOL }, () => failure(select(app, 'SELECT pg_sleep(14)')))
    const held = app.db.transaction().execute(async trx => {
      await sql`SELECT 1`.execute(trx)
      await waitFor(isDown(app))
      await sql`SELECT 1`.execute(trx)
    })
    const waiting = failure(app.dbPool.query('SELECT 1'))
    const heldFailure = failure(held)
    await sleep(200)
    await proxy.mode(mode)
    t.ok(await waitFor(isDown(app), 4000), 'noticed')
    t.same(app.health.read(), { database: 'down' })
    for (const { error, ms } of await Promise.all([...running, waiting, heldFailure])) {
      t.ok(isOutage(error), String(error))
      t.ok(ms < 6000)
    }

    for (const use of [() => select(app), () => app.dbPool.query('SELECT 1'), () => app.dbPool.connect(), () => app.dbHealth(),
      () => app.db.transaction().execute(trx => sql`SELECT 1`.execute(trx))]) {
      const { error, ms } = await failure(use())
      t.ok(isOutage(error))
      t.ok(ms < 250, `${Math.round(ms)} ms`)
    }
    const many = await Promise.all(Array.from({ length: 200 }, () => failure(select(app))))
    t.ok(many.every(({ error, ms }) => isOutage(error) && ms < 250))
    t.ok(app.dbState.downMs() > 0)
    t.equal(app.dbPool.waitingCount, 0)

    await proxy.mode('pass')
    const begun = performance.now()
    t.ok(await waitFor(isUp(app), 5000), 'back')
    t.comment(`${mode}: back after ${Math.round(performance.now() - begun)} ms`)
    await Promise.all(Array.from({ length: 40 }, () => select(app, 'SELECT pg_sleep(0.01)')))
    t.ok(app.dbPool.totalCount <= POOL, `${app.dbPool.totalCount} connections`)
    t.equal(app.dbPool.waitingCount, 0)
    t.equal(app.dbPool.idleCount, app.dbPool.totalCount, 'none is leaked')
    t.equal(count('the database does not answer'), 1)
    t.equal(count('the database answers again'), 1)
    const { rows } = await query(direct, `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'active'`)
    t.ok(Number(rows[0]?.['n']) <= POOL + 1, 'nor at the other end')
  })
}

t.test('a long statement and a full pool are no outage', async t => {
  const { app, count } = await build(t)
  await Promise.all(Array.from({ length: POOL + 2 }, () => select(app, 'SELECT pg_sleep(2.5)')))
  t.equal(count('the database does not answer'), 0)
})

t.test('a process that stood still blames itself', async t => {
  const { app, count } = await build(t)
  for (let block = 0; block < 3; block += 1) {
    const until = performance.now() + 1400
    while (performance.now() < until);
    await sleep(50)
  }
  await select(app)
  t.equal(count('the database does not answer'), 0)
})

t.test('connections that break alone are replaced, with one line for all', async t => {
  const { app, direct, count } = await build(t)
  await Promise.all([1, 2, 3].map(() => select(app, 'SELECT pg_sleep(0.05)')))
  await query(direct, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`)
  t.ok(await waitFor(() => count('connections to the database were lost') === 1))
  await Promise.all([1, 2, 3].map(() => select(app)))
  await sleep(600)
  t.equal(count('the database does not answer'), 0)
})

t.test('a Postgres that has no place for the monitor is not down', async t => {
  const direct = await createDatabase(t)
  const role = `crowded_${randomBytes(4).toString('hex')}`
  await query(direct, `CREATE ROLE ${role} LOGIN PASSWORD 'test'`)
  const connections = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`
  t.teardown(async () => {
    await query(direct, connections)
    await query(direct, `DROP ROLE ${role}`)
  })
  const url = new URL(direct)
  url.username = role
  url.password = 'test'
  const monitor = createMonitor({ connectionString: url.href }, silent)
  await monitor.start()
  await query(direct, `ALTER ROLE ${role} CONNECTION LIMIT 0`)
  await query(direct, connections)
  await sleep(1500)
  t.notOk(monitor.isDown())
  const before = monitor.answeredAt()
  await query(direct, `ALTER ROLE ${role} CONNECTION LIMIT 5`)
  t.ok(await waitFor(() => monitor.answeredAt() > before), 'it tries again')
  await monitor.stop()
  t.equal((await query(direct, connections)).rowCount, 0)
})

t.test('a stop in the middle of a question leaves no connection behind', async t => {
  const url = await createDatabase(t)
  const monitor = createMonitor({ connectionString: url }, silent)
  // Its first question follows at once.
  await monitor.start()
  await monitor.stop()
  const others = 'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
  t.ok(await waitFor(async () => (await query(url, others)).rowCount === 0))
})

t.test('closing while it is down takes no time', async t => {
  const { app, proxy } = await build(t)
  await proxy.mode('blackhole')
  t.ok(await waitFor(isDown(app), 4000))
  const { ms } = await failure(app.close())
  t.ok(ms < 3000)
})

t.test('waiting counts only the time that this process was awake', async t => {
  const late = awake(300, new Promise(() => {}))
  const until = performance.now() + 600
  while (performance.now() < until);
  let settled = false
  late.catch(() => { settled = true })
  await sleep(50)
  t.notOk(settled)
  await t.rejects(late, /no answer within 300 ms/)
  t.equal(await awake(300, Promise.resolve('answer')), 'answer')
  await t.rejects(awake(300, Promise.reject(new Error('test'))), /test/)
})
