import type { Test } from 'tap'
import { findBinaries } from '../../db/embedded/binaries.ts'
import { ensureCluster } from '../../db/embedded/cluster.ts'
import { createLauncher } from '../../db/embedded/launcher.ts'
import { toPaths, toPool } from '../../db/embedded/paths.ts'
import { startPostgres as startProcess, type Postgres } from '../../db/embedded/postgres.ts'
import { createFolder, kill, readPid, silent } from '../fixtures/embedded.ts'

export interface KillablePostgres {
  /** Its unix socket. */
  socket: string
  /** A URL that reaches it through 127.0.0.1, where a proxy stands before the socket. */
  urlAt: (port: number) => string
  /** Without a proxy. */
  url: string
  /** kill -9 of the postmaster; resolves when it has ended. */
  kill: () => Promise<void>
  /** Starts it again on its files; resolves when it answers. */
  start: () => Promise<void>
}

/** A Postgres of the test's own, with fsync, that stays down when it is killed until it is told to start. */
export async function startPostgres (t: Test): Promise<KillablePostgres> {
  const dataDir = await createFolder(t)
  const paths = toPaths(dataDir)
  const binaries = await findBinaries(paths.lib)
  const launcher = await createLauncher(paths, binaries)
  const password = await ensureCluster(paths, binaries, launcher)
  const setup = { paths, binaries, launcher, password, log: silent, maxConnections: 100, fsync: true }
  const { user, database, host = '' } = toPool(paths, password)
  let current: Postgres | undefined
  t.teardown(() => current?.stop(2000))
  const postgres: KillablePostgres = {
    socket: paths.socket,
    url: `postgres://${user}:${password}@localhost/${database}?host=${encodeURIComponent(host)}`,
    urlAt: port => `postgres://${user}:${password}@127.0.0.1:${port}/${database}`,
    async kill () {
      kill(readPid(dataDir))
      await current?.exited
      current = undefined
    },
    async start () { current = await startProcess(setup, new AbortController().signal) }
  }
  await postgres.start()
  return postgres
}
