/** Redis is killed, and its append-only file cut: what was stored more than a second before is there, and it serves. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { cpSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createDatabase } from '../database.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { needsRedisServer, startRedisServer, type RedisServer } from '../redis.ts'
import { ask, buildOnce } from '../server/process.ts'
import { startUpstream } from '../upstream/index.ts'
import { figure, pick } from '../figures.ts'
import { createClient, describe, type Result } from './load.ts'
import { rest, startWorld, symbolOf, type Replica } from './world.ts'

const ENTRIES = pick(200, 60)
/** In what a crash of the machine may cut: the file that Redis appends to. */
const CUTS = pick(20, 3)
/** In what only a broken disk cuts: the file that a rewrite made. */
const BASE_CUTS = pick(3, 1)
const FLAGS = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--aof-load-truncated', 'yes']

buildOnce()

async function build (t: Test) {
  const upstream = await startUpstream(t)
  const redis = await startRedisServer(t, ...FLAGS)
  const { replicas, connect } = await startWorld(t, {
    env: { ...upstream.env, DATABASE_URL: await createDatabase(t), REDIS_URL: redis.url, CACHE_TTL: '3600' }
  })
  const { tokens: [token = ''] } = await connect({ keys: ['polygon'] })
  const client = createClient(t, 16)
  const askFor = (replica: Replica, from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, i) =>
      client.send(rest(replica, token, `get_quote?symbols=${symbolOf(from + i)}`, `quote ${from + i}`))))
  return { upstream, redis, replicas, askFor }
}

const isHit = ({ status, text }: Result) => status === 200 && JSON.parse(text).meta.cache.hit === true
const hasRedis = (replica: Replica) => waitFor(async () =>
  (await ask(replica, '', '/health/ready')).body.dependencies.redis === 'ok', 20_000)

t.test('kill -9 and a restart: what was stored more than a second before is there', needsRedisServer, async t => {
  const { upstream, redis, replicas: [writer, reader], askFor } = await build(t)
  const stored = await askFor(writer!, 0, ENTRIES)
  t.equal(stored.filter(({ status }) => status === 200).length, ENTRIES, describe(stored))
  await sleep(1500)
  const last = await askFor(writer!, ENTRIES, ENTRIES + 20)
  await redis.kill()
  t.equal(last.filter(({ status }) => status === 200).length, 20)
  const meanwhile = await askFor(writer!, 0, 20)
  t.ok(meanwhile.every(isHit), `without Redis: ${describe(meanwhile)}`)
  await redis.start()
  t.ok(await hasRedis(writer!) && await hasRedis(reader!), 'both found it again')
  // What the writer keeps in its own memory proves nothing: the other asks.
  const askedBefore = upstream.requests.length
  const found = await askFor(reader!, 0, ENTRIES)
  figure(t, { what: 'redis-aof: entries older than 1 s that are lost', value: found.filter(result => !isHit(result)).length, most: 0 })
  figure(t, { what: 'redis-aof: upstream calls for them', value: upstream.requests.length - askedBefore, most: 0 })
})

/** Starts it on what is there; what cannot be read is mended, or given up. */
async function recover (redis: RedisServer, files: string): Promise<'as it is' | 'mended' | 'empty'> {
  try {
    await redis.start()
    return 'as it is'
  } catch { /* It refuses a base that is not whole. */ }
  const manifest = readdirSync(files).find(name => name.endsWith('.manifest')) ?? ''
  spawnSync('redis-check-aof', ['--fix', join(files, manifest)], { input: 'y\ny\ny\n' })
  try {
    await redis.start()
    return 'mended'
  } catch {
    rmSync(files, { recursive: true, force: true })
    await redis.start()
    return 'empty'
  }
}

t.test('an append-only file cut anywhere: Redis starts and the server serves', needsRedisServer, async t => {
  const { redis, replicas: [replica], askFor } = await build(t)
  const cli = (...args: string[]) => execFileSync('redis-cli', ['-p', String(redis.port), ...args], { encoding: 'utf8' })
  const files = join(redis.dir, 'appendonlydir')
  await askFor(replica!, 0, ENTRIES)
  cli('BGREWRITEAOF')
  t.ok(await waitFor(() => /aof_rewrite_in_progress:0/.test(cli('INFO', 'persistence'))), 'half of it is in the base')
  await askFor(replica!, ENTRIES, 2 * ENTRIES)
  await sleep(1500)
  await redis.kill()
  const whole = join(redis.dir, 'whole')
  cpSync(files, whole, { recursive: true })
  const cutAt = async (part: 'base' | 'incr') => {
    rmSync(files, { recursive: true, force: true })
    cpSync(whole, files, { recursive: true })
    const file = join(files, readdirSync(files).find(name => name.includes(`.${part}.`)) ?? '')
    const { size } = statSync(file)
    const offset = randomInt(1, size)
    truncateSync(file, offset)
    const how = await recover(redis, files)
    const back = await hasRedis(replica!)
    // Asks for what this Redis has, and for what nobody has asked before.
    const fresh = next += 10
    const answers = [...await askFor(replica!, 0, 2 * ENTRIES), ...await askFor(replica!, fresh - 10, fresh)]
    const refused = answers.filter(({ status }) => status !== 200)
    t.comment(`${part} cut at ${offset} of ${size}: started ${how}, ${cli('DBSIZE').trim()} keys, ${refused.length} refused`)
    if (refused.length) t.comment(describe(refused))
    await redis.kill()
    const without = await askFor(replica!, 0, 10)
    return { how, back, refused: refused.length + without.filter(({ status }) => status !== 200).length }
  }
  let next = 10_000
  const ends: Awaited<ReturnType<typeof cutAt>>[] = []
  for (let i = 0; i < CUTS; i++) ends.push(await cutAt('incr'))
  figure(t, { what: `redis-aof: of ${CUTS} cuts, starts that needed help`, value: ends.filter(({ how }) => how !== 'as it is').length, most: 0 })
  for (let i = 0; i < BASE_CUTS; i++) ends.push(await cutAt('base'))
  figure(t, { what: 'redis-aof: after a cut, Redis not found again', value: ends.filter(({ back }) => !back).length, most: 0 })
  figure(t, { what: 'redis-aof: after a cut, answers refused', value: ends.reduce((sum, { refused }) => sum + refused, 0), most: 0 })
})
