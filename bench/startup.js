// How long a start takes, with an empty DATA_DIR and later, and the memory of the idle server.
import { setTimeout as sleep } from 'node:timers/promises'
import { median, runBench } from './report.js'
import { createDataDir, startServer } from './server.js'

const MIB = 2 ** 20
const SETTLE_MS = 3000

await runBench(async ({ short }) => {
  const dataDir = await createDataDir()
  const first = await start(dataDir)
  await first.server.stop()
  const later = []
  const stops = []
  let memory
  for (let i = 0; i < (short ? 1 : 5); i++) {
    const { server, ms } = await start(dataDir)
    later.push(ms)
    if (memory === undefined) {
      await sleep(SETTLE_MS)
      memory = server.memory()
    }
    const { code, ms: stopMs } = await server.stop()
    if (code !== 0) throw new Error(`SIGTERM ended the server with ${code}`)
    stops.push(stopMs)
  }
  return [
    { name: 'first start to ready', value: first.ms / 1000, unit: 's', reach: 15 },
    { name: 'later start to ready', value: median(later) / 1000, unit: 's', reach: 3 },
    { name: 'stop when idle', value: median(stops) / 1000, unit: 's', reach: 10 },
    { name: 'resident memory, idle', value: memory / MIB, unit: 'MiB' }
  ]
})

async function start (dataDir) {
  const startedAt = performance.now()
  const server = await startServer(dataDir)
  for (;;) {
    if ((await fetch(`${server.url}/health/ready`)).status === 200) break
    await sleep(10)
  }
  return { server, ms: performance.now() - startedAt }
}
