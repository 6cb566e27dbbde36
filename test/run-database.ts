/** The Postgres of one run of tap: `run-database.ts <pid of the runner> <state file>`. It ends when the runner does. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbedded, type Embedded, type Log } from '../db/embedded/index.ts'
import { prepareTemplate, toUrl, type State } from './database.ts'

const [runner = '', stateFile = ''] = process.argv.slice(2)
const print = (details: object, message: string) => console.error(message, details)
const log: Log = { debug () {}, info () {}, warn () {}, error: print }

const dataDir = await mkdtemp(join(tmpdir(), 'fms-test-'))
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
let embedded: Embedded | undefined
try {
  embedded = await startEmbedded({ dataDir, log, fsync: false, maxConnections: 300 })
  const state: State = await prepareTemplate(toUrl(embedded.pool), process.pid)
  await writeFile(`${stateFile}.new`, JSON.stringify(state), { mode: 0o600 })
  await rename(`${stateFile}.new`, stateFile)
  while (!stop.signal.aborted && isAlive(Number(runner))) {
    await sleep(250, undefined, { signal: stop.signal }).catch(() => {})
  }
} finally {
  await embedded?.stop(2000)
  await rm(dataDir, { recursive: true, force: true })
  await rm(stateFile, { force: true })
}
process.exit(0)

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
