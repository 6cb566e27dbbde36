/**
 * The Postgres of one run of tap, in a container with a Redis beside it, else embedded: `run-database.ts <pid of the
 * runner> <state file>`. It ends when the runner does.
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbedded, type Log } from '../db/embedded/index.ts'
import { engineAnswers, startContainers } from './containers.ts'
import { prepareTemplate, toUrl, type State } from './database.ts'

const [runner = '', stateFile = ''] = process.argv.slice(2)
const print = (details: object, message: string) => console.error(message, details)
const log: Log = { debug () {}, info () {}, warn () {}, error: print }

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})

const servers = await inContainers() ?? await embedded()
try {
  const state: State = await prepareTemplate(servers.databaseUrl, { pid: process.pid, redisUrl: servers.redisUrl })
  await writeFile(`${stateFile}.new`, JSON.stringify(state), { mode: 0o600 })
  await rename(`${stateFile}.new`, stateFile)
  while (!stop.signal.aborted && isAlive(Number(runner))) {
    await sleep(250, undefined, { signal: stop.signal }).catch(() => {})
  }
} finally {
  await servers.stop()
  await rm(stateFile, { force: true })
}
process.exit(0)

interface Servers { databaseUrl: string, redisUrl?: string, stop: () => Promise<void> }

async function inContainers (): Promise<Servers | undefined> {
  if (!await engineAnswers()) return undefined
  try {
    return await startContainers()
  } catch (error) {
    print({ reason: String(error) }, 'the Docker engine cannot run Postgres and Redis; the tests use the embedded Postgres')
    return undefined
  }
}

async function embedded (): Promise<Servers> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fms-test-'))
  const remove = () => rm(dataDir, { recursive: true, force: true })
  try {
    const { pool, stop } = await startEmbedded({ dataDir, log, fsync: false, maxConnections: 300 })
    return { databaseUrl: toUrl(pool), stop: () => stop(2000).finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
