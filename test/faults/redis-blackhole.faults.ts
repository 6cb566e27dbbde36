/** Redis keeps its connections and says nothing more: nobody may notice for longer than the breaker takes. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createDatabase } from '../database.ts'
import { needsRedisServer, startRedisServer } from '../redis.ts'
import { ask, buildOnce } from '../server/process.ts'
import { startUpstream } from '../upstream/index.ts'
import { figure, pick, quantile } from '../figures.ts'
import { between, createClient, describe, isServerError, latencies, startLoad } from './load.ts'
import { startProxy } from './proxy.ts'
import { rest, startWorld, symbolOf } from './world.ts'

const RATE = pick(200, 50)
const BLACK_SECONDS = pick(60, 8)
const CALM_SECONDS = pick(20, 4)
const AFTER_SECONDS = pick(10, 3)
/** In which the breaker has to open. */
const OPEN_MS = 1000
/** One as it goes and one as it comes back, of the link and of each that uses it: cache, ledger, bus. */
const MOST_LINES = 8
const HOT = 50

buildOnce()

t.test('a black-holed Redis costs no answer, and after a second no time', needsRedisServer, async t => {
  const upstream = await startUpstream(t)
  const redis = await startRedisServer(t)
  const proxy = await startProxy(t, { port: redis.port })
  const { replicas, connect } = await startWorld(t, {
    env: { ...upstream.env, DATABASE_URL: await createDatabase(t), REDIS_URL: `redis://127.0.0.1:${proxy.port}`, CACHE_TTL: '3600' }
  })
  const { tokens: [token = ''] } = await connect({ keys: ['polygon'] })
  const client = createClient(t)
  // One in ten asks for what nobody asked before, at either replica.
  const next = (i: number) => rest(replicas[(i + Math.floor(i / 10)) % 2]!, token,
    `get_quote?symbols=${symbolOf(i % 10 === 0 ? HOT + i : i % HOT)}`, i % 10 === 0 ? 'miss' : 'hit')
  await startLoad(client, RATE, CALM_SECONDS, next).done

  const seconds = CALM_SECONDS + BLACK_SECONDS + AFTER_SECONDS
  const load = startLoad(client, RATE, seconds, i => next(100_000 + i))
  await sleep(CALM_SECONDS * 1000)
  const blackAt = performance.now()
  await proxy.mode('blackhole')
  await sleep(BLACK_SECONDS * 500)
  const ready = await ask(replicas[0]!, '', '/health/ready')
  await sleep(BLACK_SECONDS * 500)
  const whiteAt = performance.now()
  await proxy.mode('pass')
  const results = await load.done

  t.match(ready, { status: 200, body: { dependencies: { redis: 'down', database: 'ok' } } }, 'its state is told')
  const failed = results.filter(isServerError)
  t.comment(`failures: ${describe(failed)}`)
  figure(t, { what: 'redis-blackhole: 5xx', value: failed.length, most: 0 })
  figure(t, { what: 'redis-blackhole: other than 200', value: results.filter(({ status }) => status !== 200).length, most: 0 })

  const before = between(results, 0, blackAt)
  const opening = between(results, blackAt, blackAt + OPEN_MS)
  const during = between(results, blackAt + OPEN_MS, whiteAt)
  const p99 = (some: typeof results) => quantile(latencies(some), 0.99)
  for (const [name, some] of Object.entries({ before, opening, during })) {
    t.comment(`p99 ${name}: ${p99(some).toFixed(1)} ms, median ${quantile(latencies(some), 0.5).toFixed(1)} ms, worst ${Math.max(...latencies(some)).toFixed(0)} ms of ${some.length}`)
  }
  figure(t, { what: 'redis-blackhole: added p99 with the breaker open', value: p99(during) - p99(before), unit: 'ms', most: 20, timed: true })
  figure(t, { what: 'redis-blackhole: longest wait while it opens', value: Math.max(...latencies(opening)), unit: 'ms', most: 300, timed: true })
  for (const [i, { logs }] of replicas.entries()) {
    const told = logs().filter(line => /Redis|redis/.test(line))
    figure(t, { what: `redis-blackhole: log lines of replica ${i}`, value: told.length, most: MOST_LINES, timed: true })
    if (told.length > MOST_LINES) t.comment(told.slice(0, 10).join('\n'))
  }
})
