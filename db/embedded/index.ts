import { mkdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolConfig } from 'pg'
import { findBinaries, findNative } from './binaries.ts'
import { ensureCluster } from './cluster.ts'
import { explainFiles } from './error.ts'
import { createLauncher } from './launcher.ts'
import { takeLock, type Lock } from './lock.ts'
import { toPaths, toPool, type Paths } from './paths.ts'
import { startPostgres, type Log, type Postgres, type Setup } from './postgres.ts'

export { EmbeddedError } from './error.ts'
export type { Log } from './postgres.ts'

export interface EmbeddedOptions {
  /** The folder that holds everything; made where it is missing. */
  dataDir: string
  log: Log
  /** Most connections at once. */
  maxConnections?: number
  /** False: a crash of the machine may destroy the data. For tests only. */
  fsync?: boolean
}

export interface Embedded {
  /** How to connect. It stays the same when Postgres is started again. */
  pool: PoolConfig
  /** Calls `listener` with Postgres's last line when it ends though nobody stopped it; it is started again. */
  onExit (listener: (reason: string) => void): void
  /** Stops Postgres and frees DATA_DIR. Takes 12 seconds at most, `patienceMs` (10 s) of them without force. */
  stop (patienceMs?: number): Promise<void>
}

const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [100, 30_000]

/**
 * Starts a Postgres of its own under `dataDir`, made at the first start, reached by a unix socket only. When this
 * process dies, by whatever signal, Postgres ends by itself.
 * @throws EmbeddedError where it cannot be started, or another process uses `dataDir`
 */
export async function startEmbedded (options: EmbeddedOptions): Promise<Embedded> {
  const paths = toPaths(options.dataDir)
  return explainFiles(paths.dataDir, async () => {
    // First: where there is none, DATA_DIR is not the matter.
    const native = findNative()
    await mkdir(paths.dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    const binaries = await findBinaries(paths.lib, native)
    const launcher = await createLauncher(paths, binaries)
    const lock = await takeLock(paths.run)
    try {
      const password = await ensureCluster(paths, binaries, launcher)
      const { log, maxConnections = 100, fsync = true } = options
      return await keepRunning({ paths, binaries, launcher, password, log, maxConnections, fsync }, lock)
    } catch (error) {
      await lock.release()
      throw error
    }
  })
}

/**
 * How to connect to the embedded Postgres that another process runs under `dataDir`.
 * @returns null where none runs
 * @throws EmbeddedError where this user may not use it
 */
export async function connectEmbedded ({ dataDir }: { dataDir: string }): Promise<PoolConfig | null> {
  const paths = toPaths(dataDir)
  return explainFiles(paths.dataDir, async () => {
    if (!await isListening(paths)) return null
    return toPool(paths, (await readFile(paths.password, 'utf8')).trim())
  })
}

async function keepRunning (setup: Setup, lock: Lock): Promise<Embedded> {
  const { log, paths, password } = setup
  const stopping = new AbortController()
  const listeners: ((reason: string) => void)[] = []
  let current: Postgres | undefined = await startPostgres(setup, stopping.signal)

  const supervision = (async () => {
    let pauseMs = SHORTEST_PAUSE_MS
    while (!stopping.signal.aborted) {
      const started = Date.now()
      try {
        current ??= await startPostgres(setup, stopping.signal)
        if (stopping.signal.aborted) return
        if (pauseMs > SHORTEST_PAUSE_MS) log.info({}, 'the embedded Postgres runs again')
        const reason = await current.exited
        if (stopping.signal.aborted) return
        current = undefined
        log.error({ reason }, 'the embedded Postgres ended: it is started again')
        for (const listener of listeners) listener(reason)
      } catch (error) {
        log.error({ err: error }, 'the embedded Postgres cannot be started again')
      }
      if (Date.now() - started > LONGEST_PAUSE_MS) pauseMs = SHORTEST_PAUSE_MS
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
  })()

  let stopped: Promise<void> | undefined
  const stop = async (patienceMs?: number) => {
    stopping.abort()
    await current?.stop(patienceMs)
    await supervision
    // One that came up while stopping was asked for.
    await current?.stop(patienceMs)
    await lock.release()
  }
  return {
    pool: toPool(paths, password),
    onExit (listener) { listeners.push(listener) },
    stop (patienceMs) { return (stopped ??= stop(patienceMs)) }
  }
}

function isListening ({ socket }: Paths): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket, () => {
      connection.destroy()
      resolve(true)
    })
    connection.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(false)
      else reject(error)
    })
  })
}
