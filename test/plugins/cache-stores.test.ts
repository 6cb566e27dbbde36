import { Redis } from 'ioredis'
import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { test, type Test } from 'tap'
import type { Database } from '../../db/types.ts'
import { toKey } from '../../plugins/cache/key.ts'
import { createPostgresDriver } from '../../plugins/cache/postgres.ts'
import { createRedisDriver } from '../../plugins/cache/redis.ts'
import { cacheDriverContract } from '../contracts/cache-driver.ts'
import { createDatabase } from '../database.ts'
import { connectRedis, needsRedis, needsRedisServer, startRedis, startRedisCluster, startRedisServer } from '../redis.ts'

const CONNECTION = randomUUID()
const parts = { owner_id: randomUUID(), connection_id: CONNECTION, tool: 'get_quote', args: {} }
const key = toKey(parts)
const stored = `cache:{${parts.owner_id}}:get_quote:${key.split(':').at(-1)}`
const toEntry = (value: unknown, ms = 60_000) => {
  const now = Date.now()
  return { value, stored_at: now, fresh_until: now + ms, expires_at: now + ms }
}

test('the Postgres driver keeps the contract', async t => {
  await cacheDriverContract(t, async (t, options) => createPostgresDriver(await openPostgres(t), options))
})

test('the Redis driver keeps the contract', needsRedis, async t => {
  await cacheDriverContract(t, async (t, options) =>
    createRedisDriver(await connectRedis(t, [await startRedis(t)]), options))
})

test('the Redis driver keeps the contract on a cluster', needsRedisServer, async t => {
  const { urls, flush } = await startRedisCluster(t)
  await cacheDriverContract(t, async (t, options) => {
    await flush()
    return createRedisDriver(await connectRedis(t, urls), options)
  })
})

test('two Postgres drivers that trim and sweep the same owner at once do not fail', async t => {
  const db = await openPostgres(t, 8)
  const drivers = [createPostgresDriver(db, { maxEntries: 20 }), createPostgresDriver(db, { maxEntries: 20 })]
  await Promise.all(Array.from({ length: 200 }, async (_, i) => {
    const mine = { ...parts, args: { i } }
    await drivers[i % 2]!.set(toKey(mine), mine, toEntry(i))
    if (i % 10 === 0) await drivers[i % 2]!.sweep()
  }))
  // What one passed by because the other held it, the next takes.
  await drivers[0]!.set(key, parts, toEntry('last'))
  t.ok((await drivers[0]!.counts())[0]!.entries <= 21)
})

test('what is corrupt or somebody else\'s is a miss, and goes', needsRedis, async t => {
  const url = await startRedis(t)
  const driver = createRedisDriver(await connectRedis(t, [url]), { maxEntries: 10 })
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  await driver.set(key, parts, toEntry('x'.repeat(10_000)))
  const whole = (await redis.getBuffer(stored))!
  const header = whole.toString('latin1', 0, whole.indexOf('\n') + 1)
  const values = {
    cut: whole.subarray(0, -5),
    'without its body': Buffer.from(header),
    'no JSON': Buffer.from(header.replace('z\n', 'j\n{"half":')),
    'no deflate': Buffer.from(header + 'hello'),
    'a bomb': Buffer.concat([Buffer.from(header), await bomb()]),
    foreign: Buffer.from('hello'),
    'of another version': Buffer.from(header.replace('fmcp1', 'fmcp2')),
    empty: Buffer.alloc(0)
  }
  for (const [name, value] of Object.entries(values)) {
    await driver.set(key, parts, toEntry('good'))
    await redis.set(stored, value)
    t.equal(await driver.get(key, parts), undefined, name)
    t.equal(await redis.exists(stored), 0, name)
    t.same(await driver.counts(), [], name)
  }
  await redis.lpush(stored, 'a list')
  t.equal(await driver.get(key, parts), undefined)
  t.equal(await redis.exists(stored), 0)
  await redis.lpush(stored, 'a list')
  t.equal(await driver.set(key, parts, toEntry('over it')), true)
  t.equal((await driver.get(key, parts))!.value, 'over it')
})

test('an entry has its TTL, is compressed when it is large, and leaves nothing behind', needsRedis, async t => {
  const url = await startRedis(t)
  const driver = createRedisDriver(await connectRedis(t, [url]), { maxEntries: 10 })
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  await driver.set(key, parts, toEntry('x'.repeat(8000), 30_000))
  t.ok(await redis.pttl(stored) > 20_000 && await redis.pttl(stored) <= 30_000)
  t.ok(await redis.strlen(stored) > 8000)
  await driver.set(key, parts, toEntry('x'.repeat(10_000)))
  t.ok(await redis.strlen(stored) < 1000)
  const lock = await driver.lock(key, parts, 30_000)
  t.ok(await redis.pttl(stored.replace('cache:', 'cache-lock:')) > 20_000)
  await lock!.release()

  await driver.drop({ connection_id: CONNECTION })
  t.same(await redis.keys('*'), ['cache-owners'])
  t.equal(await driver.set(key, parts, toEntry(1, 2000)), true)
  await redis.zadd('cache-owners', 1, (await redis.zrange('cache-owners', '0', '-1'))[0]!)
  await sleep(2100)
  t.equal(await driver.sweep(), 1)
  t.same(await redis.keys('*'), [])
})

test('scripts are sent again to a Redis that has forgotten them', needsRedis, async t => {
  const url = await startRedis(t)
  const driver = createRedisDriver(await connectRedis(t, [url]), { maxEntries: 10 })
  const redis = new Redis(url)
  t.teardown(() => redis.disconnect())
  await driver.set(key, parts, toEntry(1))
  await redis.script('FLUSH')
  t.equal(await driver.set(key, parts, toEntry(2)), true)
  t.equal((await driver.get(key, parts))!.value, 2)
})

test('entries older than 1.5 seconds survive kill -9 with an AOF', needsRedisServer, async t => {
  const server = await startRedisServer(t, '--appendonly', 'yes', '--appendfsync', 'everysec')
  const link = await connectRedis(t, [server.url])
  const driver = createRedisDriver(link, { maxEntries: 1000 })
  const all = Array.from({ length: 200 }, (_, i) => ({ ...parts, args: { i } }))
  for (const [i, mine] of all.entries()) await driver.set(toKey(mine), mine, toEntry(i, 600_000))
  const { fence } = (await driver.lock(key, parts, 60_000))!
  await sleep(1500)
  await server.kill()
  await server.start()
  await waitUntilUp(link)
  for (const [i, mine] of all.entries()) t.equal((await driver.get(toKey(mine), mine))?.value, i)
  t.match(await driver.counts(), [{ entries: 200 }])
  t.equal(await driver.lock(key, parts, 60_000), undefined, 'and so do locks')
  t.equal(await driver.set(key, parts, toEntry('held'), fence), true)
})

async function openPostgres (t: Test, max = 2): Promise<Kysely<Database>> {
  const pool = new pg.Pool({ connectionString: await createDatabase(t), max })
  // A database may be dropped while the last connection still says goodbye.
  pool.on('error', () => {})
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  t.teardown(() => db.destroy())
  return db
}

async function waitUntilUp (link: { state: () => string }): Promise<void> {
  for (const deadline = Date.now() + 20_000; link.state() === 'down'; await sleep(20)) {
    if (Date.now() > deadline) throw new Error('Redis is not up after 20 s')
  }
}

/** Deflated zeros: 256 KB that would grow to 256 MB. */
async function bomb (): Promise<Buffer> {
  const { createDeflate } = await import('node:zlib')
  const deflate = createDeflate()
  const made = deflate.toArray()
  const zeros = Buffer.alloc(16 * 1024 * 1024)
  for (let i = 0; i < 16; i++) deflate.write(zeros)
  deflate.end()
  return Buffer.concat(await made)
}
