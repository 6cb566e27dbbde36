// Identical calls at once on a cold cache, and the same call after a restart: how often the provider is asked.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { runBench } from './report.js'
import { createDataDir, getText, startServer } from './server.js'

const CALLS = 20
const ANSWER_MS = 200

await runBench(async () => {
  const upstream = await startUpstream()
  const dataDir = await createDataDir()
  const env = { FMP_URL: upstream.url, FMP_API_KEY: 'bench', CACHE_TTL: '3600' }
  const first = await startServer(dataDir, env)
  const answers = await Promise.all(Array.from({ length: CALLS }, () => askQuote(first)))
  const cold = upstream.count()
  const rest = await askQuote(first)
  const warm = upstream.count() - cold
  await first.stop()

  const second = { ...await startServer(dataDir, env), token: first.token }
  const restarted = await askQuote(second)
  const afterRestart = upstream.count() - cold - warm
  await second.stop()
  upstream.close()
  if (answers.some(({ data }) => data.quotes[0].price !== 189.37)) throw new Error(JSON.stringify(answers[0]))
  if (!rest.meta.cache.hit || !restarted.meta.cache.hit) throw new Error('An answer that should be a hit says it is none')
  return [
    { name: `provider calls of ${CALLS} at once, cold`, value: cold, reach: 1, exact: true },
    { name: 'provider calls of one more', value: warm, reach: 0, exact: true },
    { name: 'provider calls after a restart', value: afterRestart, reach: 0, exact: true }
  ]
})

async function askQuote (server) {
  return JSON.parse(await getText(server, '/api/tools/get_quote?symbols=AAPL'))
}

/** FMP's quote of AAPL, late enough that calls meet. */
async function startUpstream () {
  let requests = 0
  const server = createServer(async (_, response) => {
    requests++
    await sleep(ANSWER_MS)
    const quote = {
      symbol: 'AAPL',
      price: 189.37,
      change: 1.1,
      changePercentage: 0.58,
      volume: 51_216_800,
      previousClose: 188.27,
      timestamp: 1_795_208_400
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify([quote]))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    count: () => requests,
    close () {
      server.close()
      server.closeAllConnections()
    }
  }
}
