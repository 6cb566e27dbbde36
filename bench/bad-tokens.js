// A flood of bad bearer tokens: that none of them costs an argon2, and what a good client notices of it.
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quantile, runBench } from './report.js'
import { createDataDir, getText, readCpu, run } from './server.js'

const RATE = 2000
const GOOD_RATE = 20
const bench = dirname(fileURLToPath(import.meta.url))
const ipc = ['ignore', 'ignore', 'inherit', 'ipc']

await runBench(async ({ short }) => {
  const seconds = short ? 2 : 10
  const dataDir = await createDataDir()
  const host = run(dataDir, [join(bench, 'host.js')], {}, ipc)
  const [server] = await once(host, 'message')
  await callGood(server, 1)
  const quiet = await callGood(server, seconds)
  const runsBefore = await askArgon2(host)

  const cpuBefore = readCpu(host.pid)
  const attack = run(dataDir, [join(bench, 'attack.js')],
    { URL: server.url, TOKEN: server.token, RATE: String(RATE), SECONDS: String(seconds) }, ipc)
  const answered = once(attack, 'message')
  const flooded = await callGood(server, seconds)
  const [{ statuses, errors, duration }] = await answered
  const spent = readCpu(host.pid) - cpuBefore
  const runs = await askArgon2(host) - runsBefore
  const exit = once(host, 'exit')
  host.disconnect()
  await exit

  const { 401: refused = 0, 429: limited = 0, ...others } = statuses
  console.log(`bad tokens: ${refused} × 401, ${limited} × 429, others ${JSON.stringify(others)}, ${errors} errors`)
  return [
    { name: 'bad tokens', value: Math.round((refused + limited) / duration), unit: '/s' },
    { name: 'CPU for each, the good calls included', value: Math.round(spent / (refused + limited)), unit: 'µs' },
    { name: 'bad tokens not refused', value: Object.values(others).reduce((sum, n) => sum + n, 0) + errors, reach: 0, exact: true },
    { name: 'argon2 runs for them', value: runs, reach: 0, exact: true },
    { name: 'good client p50, quiet', value: quantile(quiet, 0.5), unit: 'ms' },
    { name: 'good client p99, quiet', value: quantile(quiet, 0.99), unit: 'ms' },
    { name: 'good client p50, flooded', value: quantile(flooded, 0.5), unit: 'ms' },
    { name: 'good client p99, flooded', value: quantile(flooded, 0.99), unit: 'ms', reach: 100 }
  ]
})

/**
 * Calls at a fixed rate, whether or not the last one was answered.
 * @returns {Promise<number[]>} the latencies, in ms from when each was due
 */
async function callGood (server, seconds) {
  const calls = []
  const startedAt = performance.now()
  for (let i = 0; i < seconds * GOOD_RATE; i++) {
    const due = startedAt + i * 1000 / GOOD_RATE
    calls.push(new Promise(resolve => setTimeout(resolve, due - performance.now()))
      .then(() => getText(server, '/api/tools/get_quote?symbols=AAPL'))
      .then(() => performance.now() - due))
  }
  return Promise.all(calls)
}

async function askArgon2 (host) {
  const answer = once(host, 'message')
  host.send('argon2')
  const [{ argon2Runs }] = await answer
  return argon2Runs
}
