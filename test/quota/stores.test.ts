import { Kysely, PostgresDialect } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { test, type Test } from 'tap'
import type { Database } from '../../db/types.ts'
import { openRedis } from '../../plugins/redis.ts'
import { createMemoryStore } from '../../quota/memory.ts'
import { createPostgresStore, sweepQuota } from '../../quota/postgres.ts'
import { createRedisStore } from '../../quota/redis.ts'
import { quotaStoreContract } from '../contracts/quota-store.ts'
import { createDatabase } from '../database.ts'
import { needsRedis, needsRedisServer, startRedis, startRedisCluster } from '../redis.ts'

const silent = { info () {}, warn () {} }

async function openDb (t: Test): Promise<Kysely<Database>> {
  const pool = new pg.Pool({ connectionString: await createDatabase(t), max: 10 })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  t.teardown(() => db.destroy())
  return db
}

async function openLink (t: Test, urls: string[]) {
  const { link, close } = openRedis(urls, silent)
  t.teardown(close)
  while (link.state() !== 'ok') await sleep(5)
  return link
}

test('the quota in memory', async t => {
  await quotaStoreContract(t, async () => {
    const store = createMemoryStore()
    return { store, again: () => store }
  })
})

test('the quota in Postgres', async t => {
  await quotaStoreContract(t, async t => {
    const db = await openDb(t)
    return { store: createPostgresStore(db), again: () => createPostgresStore(db) }
  })
})

test('the quota in Redis', needsRedis, async t => {
  const url = await startRedis(t)
  await quotaStoreContract(t, async t => {
    const link = await openLink(t, [url])
    await link.run(redis => redis.flushdb())
    return { store: createRedisStore(link), again: () => createRedisStore(link) }
  })
})

test('the quota in a Redis cluster', needsRedisServer, async t => {
  const { urls, flush } = await startRedisCluster(t)
  const link = await openLink(t, urls)
  await quotaStoreContract(t, async () => {
    await flush()
    return { store: createRedisStore(link), again: () => createRedisStore(link) }
  })
})

test('nothing that is not asked for again stays in Redis', needsRedis, async t => {
  const link = await openLink(t, [await startRedis(t)])
  const store = createRedisStore(link)
  await store.take({ ledger: 'l', windows: [{ per: 'second', limit: 2 }, { per: 'day', limit: 9 }], sessionId: 's', background: false })
  await store.block('l', 60_000)
  await store.learn('l', { per_minute: 1 })
  const keys = await link.run(redis => redis.keys('*'))
  t.same(keys.sort(), ['asked', 'blocked', 'day', 'learned', 'second'].map(part => `quota:{l}:${part}`))
  for (const key of keys) t.ok(await link.run(redis => redis.pttl(key)) > 0, key)
})

test('a sweep takes from Postgres what counts no more', async t => {
  const db = await openDb(t)
  const store = createPostgresStore(db)
  for (const ledger of ['old', 'new', 'told']) {
    await store.take({ ledger, windows: [{ per: 'minute', limit: 9 }, { per: 'day', limit: null }], sessionId: 's', background: false })
  }
  await store.learn('told', { per_minute: 1 })
  await db.updateTable('quota_counts').set({ bucket: '1' }).where('ledger', '!=', 'new').execute()
  await db.updateTable('quota_sessions').set({ asked_at: new Date(0) }).where('ledger', '!=', 'new').execute()
  await sweepQuota(db)
  const rows = async (table: 'quota_ledgers' | 'quota_counts' | 'quota_sessions') =>
    (await db.selectFrom(table).select('ledger').distinct().orderBy('ledger').execute()).map(({ ledger }) => ledger)
  t.same(await rows('quota_ledgers'), ['new', 'told'])
  t.same(await rows('quota_counts'), ['new'])
  t.same(await rows('quota_sessions'), ['new'])
  t.same(await store.learned('told'), { per_minute: 1 })
})
