/** Many identical calls at once on a cold cache, over two replicas. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createDatabase } from '../database.ts'
import { needsRedisServer, startRedisServer } from '../redis.ts'
import { buildOnce, type Env } from '../server/process.ts'
import { answerPolygon } from '../upstream/answers.ts'
import { sendJson, startUpstream } from '../upstream/index.ts'
import { figure, isShort, pick, quantile } from '../figures.ts'
import { createClient, describe, latencies } from './load.ts'
import { rest, startWorld, symbolOf } from './world.ts'

const CALLS = pick(1000, 200)
const ROUNDS = pick(5, 2)
const UPSTREAM_MS = 500

buildOnce()

async function stampede (t: Test, name: string, env: Env) {
  const upstream = await startUpstream(t)
  const { replicas, connect } = await startWorld(t, {
    env: { ...upstream.env, DATABASE_URL: await createDatabase(t), CACHE_TTL: '3600', ...env }
  })
  const { tokens: [token = ''] } = await connect({ keys: ['polygon'] })
  const client = createClient(t, CALLS)
  const all = (symbol: string) => Promise.all(Array.from({ length: CALLS }, (_, i) =>
    client.send(rest(replicas[i % 2]!, token, `get_quote?symbols=${symbol}`, 'call'))))
  // Agents hold their connections open, and their tokens are known.
  await all(symbolOf(0))
  await all(symbolOf(0))
  upstream.fault('polygon', (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://upstream')
    const answer = answerPolygon(pathname.replace(/^\/polygon/, ''), searchParams)
    sleep(UPSTREAM_MS).then(() => sendJson(response, 200, answer))
  })

  const [calls, p99s, failed]: [number[], number[], number[]] = [[], [], []]
  for (let round = 1; round <= ROUNDS; round++) {
    const before = upstream.requests.length
    const results = await all(symbolOf(round))
    const wrong = results.filter(({ status }) => status !== 200)
    if (wrong.length) t.comment(describe(wrong))
    calls.push(upstream.requests.length - before)
    p99s.push(quantile(latencies(results), 0.99))
    failed.push(wrong.length)
  }
  t.comment(`upstream calls: ${calls.join(', ')}; p99: ${p99s.map(ms => ms.toFixed(0)).join(', ')} ms`)
  figure(t, { what: `stampede, ${name}: upstream calls of ${CALLS}, worst of ${ROUNDS}`, value: Math.max(...calls), most: 2 })
  figure(t, { what: `stampede, ${name}: other than 200`, value: failed.reduce((sum, count) => sum + count, 0), most: 0 })
  figure(t, { what: `stampede, ${name}: p99, worst of ${ROUNDS}`, value: Math.max(...p99s), unit: 'ms', most: 1500, timed: true })
}

t.test('with Redis, the provider is asked once', needsRedisServer, async t => {
  await stampede(t, 'Redis', { REDIS_URL: (await startRedisServer(t)).url })
})

// In the short form test/plugins/cache.test.ts stands for it.
if (!isShort) {
  t.test('with Postgres alone, the provider is asked once', async t => {
    await stampede(t, 'Postgres', {})
  })
}
