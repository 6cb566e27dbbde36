import { join, resolve } from 'node:path'
import type { PoolConfig } from 'pg'
import { EmbeddedError } from './error.ts'

/** The longest path that a unix socket may have, in bytes, without its closing NUL. */
const LONGEST_SOCKET = process.platform === 'linux' ? 107 : 103

export const USER = 'postgres'
const PORT = 5432

export interface Paths {
  dataDir: string
  /** The cluster. */
  cluster: string
  password: string
  /** Sockets: Postgres's and the server's lock. */
  run: string
  socket: string
  /** Links to libraries, where the package's own folder cannot be written. */
  lib: string
}

/**
 * Where everything lies under DATA_DIR.
 * @throws EmbeddedError where a socket's path would be too long for the kernel
 */
export function toPaths (folder: string): Paths {
  const dataDir = resolve(folder)
  const run = join(dataDir, 'run')
  const longest = Buffer.byteLength(join(run, 'starting-1234567-abcdef'))
  if (longest > LONGEST_SOCKET) {
    throw new EmbeddedError(`DATA_DIR ${dataDir} is ${longest - LONGEST_SOCKET} bytes too long: ` +
      'the path of a unix socket in it would exceed what the system allows. Choose a shorter DATA_DIR.')
  }
  return {
    dataDir,
    cluster: join(dataDir, 'postgres'),
    password: join(dataDir, 'postgres.password'),
    run,
    socket: join(run, `.s.PGSQL.${PORT}`),
    lib: join(dataDir, 'lib')
  }
}

export const toPool = (paths: Paths, password: string): PoolConfig =>
  ({ host: paths.run, port: PORT, user: USER, password, database: 'postgres' })
