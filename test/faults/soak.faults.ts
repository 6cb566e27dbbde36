/** A long steady load of every kind of client on two replicas: no growth, no error, no delay. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client as SseClient } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import t, { type Test } from 'tap'
import { createDatabase } from '../database.ts'
import { hasRedisServer, startRedisServer } from '../redis.ts'
import { buildOnce } from '../server/process.ts'
import { startUpstream } from '../upstream/index.ts'
import { figure, isShort, pick, quantile, slopeOf } from '../figures.ts'
import { ERAS, toCall, type Question } from './eras.ts'
import { createClient, describe, isWrong, latencies, startLoad, type Call } from './load.ts'
import { startWorld, symbolOf, type Replica } from './world.ts'

const RATE = pick(300, 60)
const SECONDS = isShort ? 20 : Number(process.env['SOAK_SECONDS'] ?? 600)
/** Until the compiler, the caches and the heap have found their size. */
const WARM_UP_SECONDS = SECONDS / 4
const SAMPLE_MS = 1000
const SSE_CLIENTS = 4
const MISS_EVERY = 20

/** What is asked again and again, with what is made of arguments over REST and MCP. */
const QUESTIONS: Question[] = [
  { name: 'get_quote', args: { symbols: ['AAPL', 'MSFT'] } },
  { name: 'get_quote', args: { symbols: ['NVDA'] } },
  { name: 'get_bars', args: { symbols: ['AAPL'], limit: 60 } },
  { name: 'get_bars', args: { symbols: ['MSFT', 'NVDA'], limit: 20 } },
  { name: 'get_company_profile', args: { symbol: 'AAPL' } },
  { name: 'get_news', args: { symbols: ['AAPL'] } },
  { name: 'get_financials', args: { symbol: 'MSFT' } },
  { name: 'get_indicators', args: { symbol: 'AAPL', indicators: ['rsi', 'sma(20)'], limit: 5 } },
  { name: 'search_symbols', args: { query: 'apple' } },
  { name: 'get_market_status', args: {} }
]

buildOnce()

/** Clients of HTTP+SSE that ask twice a second; answers how many calls they made, and how many failed. */
async function startSse (t: Test, replicas: Replica[], token: string) {
  const counts = { calls: 0, failed: 0 }
  const stopping = new AbortController()
  const clients = await Promise.all(Array.from({ length: SSE_CLIENTS }, async (_, i) => {
    const client = new SseClient({ name: 'soak', version: '1' })
    const requestInit = { headers: { authorization: `Bearer ${token}` } }
    await client.connect(new SSEClientTransport(new URL(`${replicas[i % 2]!.url}/mcp`), { requestInit }))
    t.teardown(() => client.close())
    return client
  }))
  const done = Promise.all(clients.map(async (client, i) => {
    while (!stopping.signal.aborted) {
      const { name, args } = QUESTIONS[(counts.calls + i) % QUESTIONS.length]!
      counts.calls++
      const isFine = await client.callTool({ name, arguments: args }).then(({ isError }) => !isError, () => false)
      if (!isFine) counts.failed++
      await sleep(500, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }))
  return {
    async stop () {
      stopping.abort()
      await done
      return counts
    }
  }
}

t.test(`${RATE} requests a second for ${SECONDS} seconds`, { timeout: (SECONDS + 120) * 1000 }, async t => {
  const upstream = await startUpstream(t)
  const { replicas, connect, sample } = await startWorld(t, {
    env: {
      ...upstream.env,
      DATABASE_URL: await createDatabase(t),
      ...(hasRedisServer && { REDIS_URL: (await startRedisServer(t)).url }),
      CACHE_TTL: '3600'
    }
  })
  // Its answers are made up, for every tool; those of the other connection come from a provider.
  const samples = await sample(10)
  const { tokens: [token = ''] } = await connect({ keys: ['polygon'] })
  const client = createClient(t)
  const next = (i: number): Call => {
    const replica = replicas[i % 2]!
    const era = ERAS[Math.floor(i / 2) % 3]!
    if (i % MISS_EVERY === 0) {
      return toCall(replica, token, era, { name: 'get_quote', args: { symbols: [symbolOf(i)] } }, `miss ${era}`)
    }
    const question = QUESTIONS[Math.floor(i / 6) % QUESTIONS.length]!
    return toCall(replica, samples[i % samples.length]!, era, question, `cached ${era} ${question.name}`)
  }
  const sse = await startSse(t, replicas, samples[0]!)
  const startedAt = performance.now()
  const samplesOf: [number, number][][] = [[], []]
  const watch = setInterval(() => {
    const minutes = (performance.now() - startedAt) / 60_000
    for (const [i, { memoryMb }] of replicas.entries()) samplesOf[i]!.push([minutes, memoryMb()])
  }, SAMPLE_MS)
  t.teardown(() => clearInterval(watch))
  const results = await startLoad(client, RATE, SECONDS, next).done
  clearInterval(watch)
  const streams = await sse.stop()

  const wrong = results.filter(isWrong)
  t.comment(`failures: ${describe(wrong)}${wrong.length ? `; the first: ${wrong[0]!.text.slice(0, 300)}` : ''}`)
  figure(t, { what: `soak: failures of ${results.length} calls`, value: wrong.length, most: 0 })
  figure(t, { what: `soak: failures of ${streams.calls} calls over HTTP+SSE`, value: streams.failed, most: 0 })
  const warm = results.filter(({ at }) => at > startedAt + WARM_UP_SECONDS * 1000)
  const cached = warm.filter(({ kind }) => kind.startsWith('cached'))
  for (const era of ERAS) {
    const mine = latencies(cached.filter(({ kind }) => kind.includes(era)))
    t.comment(`${era}: median ${quantile(mine, 0.5).toFixed(1)} ms, p99 ${quantile(mine, 0.99).toFixed(1)} ms, longest ${Math.max(...mine).toFixed(0)} ms of ${mine.length}`)
  }
  t.comment(`misses: p99 ${quantile(latencies(warm.filter(({ kind }) => kind.startsWith('miss'))), 0.99).toFixed(1)} ms`)
  figure(t, { what: 'soak: p99 of cached calls', value: quantile(latencies(cached), 0.99), unit: 'ms', most: 50, timed: true })
  for (const [i, points] of samplesOf.entries()) {
    const later = points.filter(([minutes]) => minutes * 60 > WARM_UP_SECONDS)
    const shown = points.filter((_, at) => at % Math.ceil(points.length / 12) === 0)
    t.comment(`replica ${i}: ${shown.map(([minutes, mb]) => `${minutes.toFixed(1)} min ${mb.toFixed(0)}`).join(', ')} MB`)
    figure(t, { what: `soak: growth of replica ${i}`, value: slopeOf(later), unit: 'MB/min', most: 1, timed: true })
  }
})
