// Requests a second and CPU of the server process for a cached, authenticated get_quote, beside a bare Fastify echo.
import autocannon from 'autocannon'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { median, runBench } from './report.js'
import { callTool, createDataDir, readCpu, run, startServer } from './server.js'

const CONNECTIONS = 10
/** Requests until the compiler has seen enough of them. */
const WARM_UP = 3000
const MODERN = '2026-07-28'
const LEGACY = '2025-11-25'

await runBench(async ({ short }) => {
  const [rounds, seconds] = short ? [2, 1] : [5, 3]
  const server = await startServer(await createDataDir(), { CACHE_TTL: '3600' })
  const echo = await startEcho(server.dataDir)
  const modern = callTool(server, 'get_quote', { symbols: ['AAPL'] }, MODERN)
  const variants = [
    { name: 'echo', cpu: () => readCpu(echo.pid), request: { ...modern, url: echo.url } },
    { name: 'MCP 2026-07-28', cpu: server.cpu, request: modern },
    { name: 'MCP 2025-11-25', cpu: server.cpu, request: callTool(server, 'get_quote', { symbols: ['AAPL'] }, LEGACY) },
    {
      name: 'REST',
      cpu: server.cpu,
      request: {
        url: `${server.url}/api/tools/get_quote?symbols=AAPL`,
        method: 'GET',
        headers: { authorization: `Bearer ${server.token}` }
      }
    }
  ].map(variant => ({ ...variant, rates: [], costs: [] }))

  for (const { name, request } of variants.slice(1)) await assertHit(name, request)
  for (const { request } of variants) await autocannon({ ...request, connections: CONNECTIONS, amount: WARM_UP })
  for (let round = 1; round <= rounds; round++) for (const variant of variants) await measure(variant, seconds)

  const base = median(variants[0].costs)
  for (const { name, rates, costs } of variants) {
    console.log(`${name.padEnd(16)} ${median(rates).toFixed(0).padStart(6)} requests/s ${median(costs).toFixed(0).padStart(6)} µs CPU/request` +
      `  (${Math.min(...costs).toFixed(0)} to ${Math.max(...costs).toFixed(0)})  ${(median(costs) / base).toFixed(1)} × echo`)
  }
  await server.stop()
  echo.child.kill()
  return variants.flatMap(({ name, rates, costs }, i) => [
    { name: `${name}: rate`, value: Math.round(median(rates)), unit: 'requests/s' },
    { name: `${name}: CPU a request`, value: Math.round(median(costs)), unit: 'µs' },
    ...(i ? [{ name: `${name}: CPU beside the echo's`, value: median(costs) / base, unit: '×', reach: 12 }] : [])
  ])
})

async function measure ({ name, cpu, request, rates, costs }, seconds) {
  const before = cpu()
  const result = await autocannon({ ...request, connections: CONNECTIONS, duration: seconds })
  const spent = cpu() - before
  const answered = result['2xx']
  if (!answered || result.non2xx || result.errors) {
    throw new Error(`${name}: ${answered} answers, ${result.non2xx} refusals, ${result.errors} errors`)
  }
  rates.push(answered / result.duration)
  costs.push(spent / answered)
}

/** Asks twice; the second answer must be right, and out of the cache. */
async function assertHit (name, { url, ...request }) {
  await fetch(url, request)
  const answer = await (await fetch(url, request)).json()
  const { data, meta } = answer.result?.structuredContent ?? answer
  if (data?.quotes?.[0]?.symbol !== 'AAPL' || meta?.cache.hit !== true) throw new Error(`${name}: ${JSON.stringify(answer)}`)
}

async function startEcho (dataDir) {
  const child = run(dataDir, [join(dirname(fileURLToPath(import.meta.url)), 'echo.js')])
  const [line] = await once(createInterface(child.stdout), 'line')
  return { child, pid: child.pid, url: line.split(' ').at(-1) }
}
