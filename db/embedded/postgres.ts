import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Binaries } from './binaries.ts'
import { EmbeddedError } from './error.ts'
import { spawnSupervised, type Launcher } from './launcher.ts'
import { toPool, type Paths } from './paths.ts'
import { outwaitPredecessor, readPostmasterPid, signal } from './predecessor.ts'

/** The part of a pino logger that is used here. */
export interface Log {
  debug (details: object, message: string): void
  info (details: object, message: string): void
  warn (details: object, message: string): void
  error (details: object, message: string): void
}

export interface Setup {
  paths: Paths
  binaries: Binaries
  launcher: Launcher
  password: string
  log: Log
  maxConnections: number
  fsync: boolean
}

export interface Postgres {
  /** Settles when it has ended, by whatever cause, with the last line it logged. */
  exited: Promise<string>
  /** Fast shutdown; by force after `patienceMs`. */
  stop (patienceMs?: number): Promise<void>
}

/** Milliseconds in which recovery from a crash must be done. */
const READY_MS = 60_000
const RETRY_MS = 10_000
const STILL_USED = /postmaster\.pid|pre-existing shared memory block|\.lock" already exists/

/**
 * Starts Postgres and waits until it answers.
 * @param stopping gives up waiting
 * @throws EmbeddedError with the last line it logged
 */
export async function startPostgres (setup: Setup, stopping: AbortSignal): Promise<Postgres> {
  for (const deadline = Date.now() + RETRY_MS; ; await sleep(100)) {
    await outwaitPredecessor(setup.paths)
    const postgres = spawnPostgres(setup)
    const failure = await Promise.race([postgres.exited, waitReady(setup, stopping)])
    if (failure === undefined) {
      postgres.markReady()
      return postgres
    }
    await postgres.stop()
    // Parts of one that was killed may take a moment to notice.
    if (stopping.aborted || Date.now() > deadline || !STILL_USED.test(failure)) {
      throw new EmbeddedError(`The embedded Postgres did not start: ${failure}`)
    }
  }
}

function spawnPostgres ({ launcher, binaries, paths, log, maxConnections, fsync }: Setup) {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: `"${paths.run.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    max_connections: maxConnections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '',
    // Neither statements nor the values of a violated key belong into the server's log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...(!fsync && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })
  }
  const child = spawnSupervised(launcher, [binaries.postgres, '-D', paths.cluster,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])])
  const state = { ready: false, stopping: false, last: '' }
  createInterface(child.stderr).on('line', line => {
    state.last = line
    const loud = state.ready && !state.stopping && /^(WARNING|ERROR|FATAL|PANIC):/.test(line)
    log[loud ? 'warn' : 'debug']({ postgres: line }, 'postgres')
  })
  const exited = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message))
    // The pipe of the log ends later where a part of Postgres is still ending.
    child.once('exit', (code, by) => setTimeout(() => resolve(state.last || `it ended with ${code ?? by}`), 10))
  })
  // The reader of the supervisor's pipe outlives a killed supervisor and then stops Postgres.
  child.once('exit', () => child.stdin.destroy())
  return {
    exited,
    markReady () { state.ready = true },
    async stop (patienceMs = 10_000) {
      state.stopping = true
      child.stdin.end()
      if (await isWithin(exited, patienceMs)) return
      log.warn({}, 'postgres does not stop: it is ended by force')
      const pid = await readPostmasterPid(paths)
      if (pid !== undefined) signal(pid, 'SIGQUIT')
      if (await isWithin(exited, 2000)) return
      if (child.pid !== undefined) signal(-child.pid, 'SIGKILL')
      await exited
    }
  }
}

async function waitReady ({ paths, password }: Setup, stopping: AbortSignal): Promise<string | undefined> {
  let failure = ''
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline && !stopping.aborted; await sleep(20)) {
    const client = new pg.Client({ ...toPool(paths, password), connectionTimeoutMillis: 5000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT 1')
      return undefined
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
      if (error instanceof pg.DatabaseError && error.code?.startsWith('28')) return failure
    } finally {
      await client.end().catch(() => {})
    }
  }
  return stopping.aborted ? 'the server is stopping' : `no answer within ${READY_MS / 1000} seconds: ${failure}`
}

async function isWithin (settled: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(ms, false, { signal: timer.signal }).catch(() => false)
  return Promise.race([settled.then(() => true), late]).finally(() => timer.abort())
}
