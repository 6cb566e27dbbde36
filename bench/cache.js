// What a hit costs in each tier of the cache, beside a bare GET and a bare SELECT of the same entry in the same run.
import { execFileSync, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { openDatabase } from '../dist/db/open.js'
import { toKey } from '../dist/plugins/cache/key.js'
import { createMemory } from '../dist/plugins/cache/memory.js'
import { createPostgresDriver } from '../dist/plugins/cache/postgres.js'
import { createRedisDriver } from '../dist/plugins/cache/redis.js'
import { openRedis } from '../dist/plugins/redis.js'
import { median, runBench } from './report.js'
import { createDataDir } from './server.js'

const SIZES = { '1 KB': 9, '20 KB': 180 }
/** What a bare read does not do, to expand and to parse, is nearly nothing at this size. */
const SMALL = '1 KB'
const HOUR_MS = 3_600_000
const QUIET = { debug () {}, info () {}, warn () {}, error: console.error }

await runBench(async ({ short }) => {
  const [rounds, hits] = short ? [3, 300] : [9, 2000]
  const stores = [await openMemory(), await openPostgres(), ...hasRedis() ? [await openOwnRedis()] : []]
  if (stores.length < 3) console.log('no redis-server on PATH: its figures are left out')
  const variants = []
  for (const [size, bars] of Object.entries(SIZES)) {
    const parts = { owner_id: randomUUID(), connection_id: randomUUID(), tool: 'get_bars', args: { size } }
    const [key, now] = [toKey(parts), Date.now()]
    const entry = { value: toBars(bars), stored_at: now, fresh_until: now + HOUR_MS, expires_at: now + HOUR_MS }
    for (const { name, bare, set, get, getBare } of stores) {
      await set(key, parts, entry)
      const hit = { name: `${name}, ${size}`, times: [], get: async () => (await get(key, parts)).value.bars.length === bars }
      variants.push(hit)
      if (bare) variants.push({ name: `${bare}, ${size}`, times: [], get: () => getBare(key, parts), of: hit, ...size === SMALL && { reach: 2.5 } })
    }
  }

  for (const variant of variants) await measure(variant, hits)
  for (const variant of variants) variant.times = []
  for (let round = 0; round < rounds; round++) for (const variant of variants) await measure(variant, hits)
  for (const { close } of stores) await close()

  return variants.flatMap(({ name, times, of, reach }) => [
    { name, value: median(times), unit: 'µs' },
    ...of ? [{ name: `${of.name}: beside the bare one`, value: median(of.times) / median(times), unit: '×', reach }] : []
  ])
})

/** One after the other, as one caller waits for them; the compiler has seen enough after the first round. */
async function measure ({ name, times, get }, hits) {
  const startedAt = performance.now()
  for (let i = 0; i < hits; i++) if (!await get()) throw new Error(`${name}: not the entry`)
  times.push((performance.now() - startedAt) / hits * 1000)
}

function toBars (count) {
  const toBar = (_, i) => ({
    time: new Date(1_760_000_000_000 + i * 86_400_000).toISOString(),
    open: randomInt(10_000) / 100,
    high: randomInt(10_000) / 100,
    low: randomInt(10_000) / 100,
    close: randomInt(10_000) / 100,
    volume: randomInt(100_000_000)
  })
  return { symbol: 'AAPL', bars: Array.from({ length: count }, toBar) }
}

async function openMemory () {
  const memory = createMemory(32 * 1024 * 1024)
  return {
    name: 'memory',
    set: memory.set,
    get: key => memory.get(key, Date.now()),
    async close () {}
  }
}

async function openPostgres () {
  const config = { databaseUrl: undefined, databasePoolSize: 4, dataDir: await createDataDir() }
  const { db, pool, close } = await openDatabase(config, QUIET)
  const driver = createPostgresDriver(db, { maxEntries: 100 })
  const getBare = async key => (await pool.query('SELECT value FROM cache_entries WHERE key = $1', [key])).rows.length === 1
  return { ...driver, name: 'Postgres', bare: 'SELECT', getBare, close }
}

async function openOwnRedis () {
  const port = randomInt(10_000, 30_000)
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' })
  process.on('exit', () => server.kill('SIGKILL'))
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { retryStrategy: () => 50 })
  client.on('error', () => {})
  await client.ping()
  const { link, dialled, close } = openRedis([url], QUIET)
  await dialled
  const driver = createRedisDriver(link, { maxEntries: 100 })
  return {
    ...driver,
    name: 'Redis',
    bare: 'GET',
    getBare: async (key, { owner_id: owner }) => await client.getBuffer(key.replace(owner, `{${owner}}`)) !== null,
    async close () {
      client.disconnect()
      await close()
      server.kill()
      await once(server, 'exit')
    }
  }
}

function hasRedis () {
  try { return Boolean(execFileSync('redis-server', ['--version'])) } catch { return false }
}
