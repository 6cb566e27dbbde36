import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process'
import { chown, lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Binaries } from './binaries.ts'
import { EmbeddedError } from './error.ts'
import type { Paths } from './paths.ts'

export interface Owner { uid: number, gid: number }

/** How a program is run: as whom, and through what. */
export interface Launcher {
  /** Undefined: as the user that runs the server. */
  owner: Owner | undefined
  /** Words before the program's own. */
  prefix: string[]
  env: Record<string, string>
  /** The major version of the binaries. */
  version: string
}

/** The program's stdin is held by the server alone, so its end tells that the server has gone, even by kill -9. */
export type Supervised = ChildProcessByStdio<Writable, null, Readable>

// An own session keeps a terminal's Ctrl-C from Postgres, which must outlive the server's last statement.
const SUPERVISOR = `exec 3<&0 </dev/null
"$@" 3<&- &
pid=$!
{ read -r _ <&3; kill -INT $pid; } >/dev/null 2>&1 &
reader=$!
exec 3<&-
wait $pid
status=$?
kill $reader 2>/dev/null
exit $status`

const NOBODY = 65534

// Postgres asks access(2), which sets an unprivileged user's capabilities aside but for this securebit.
const SETPRIV = ['--clear-groups', '--securebits=+no_setuid_fixup', '--inh-caps=+dac_read_search',
  '--ambient-caps=+dac_read_search', '--']

/**
 * Finds a way to run Postgres, which refuses root: as root it is run by an unprivileged user who is given only the
 * sockets' folder, and the right to read past closed folders where one is in the way.
 * @throws EmbeddedError where the binaries do not run here, or that user cannot reach them or DATA_DIR
 */
export async function createLauncher (paths: Paths, binaries: Binaries): Promise<Launcher> {
  await mkdir(paths.run, { recursive: true, mode: 0o700 })
  const env: Record<string, string> = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  if (binaries.libraryPath) env.LD_LIBRARY_PATH = binaries.libraryPath
  const plain: Launcher = { owner: undefined, prefix: [], env, version: '' }
  const own = await run(plain, [binaries.postgres, '-V'])
  const version = /(\d+)\./.exec(own.output)?.[1]
  if (!own.ok || !version) {
    throw new EmbeddedError(`The embedded Postgres does not run on this system: ${own.output}. Set DATABASE_URL instead.`)
  }
  if (process.getuid?.() !== 0) return { ...plain, version }

  const owner = await chooseOwner(paths)
  await chown(paths.run, owner.uid, owner.gid)
  const setpriv = ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, ...SETPRIV]
  const ways: Launcher[] = [{ ...plain, owner, version }, { ...plain, prefix: setpriv, owner, version }]
  let output = ''
  for (const way of ways) {
    const probe = await run(way, ['sh', '-c', 'cd "$1" && exec "$2" -V', 'sh', paths.run, binaries.postgres])
    if (probe.ok) return way
    output = probe.output
  }
  throw new EmbeddedError(`Postgres refuses to run as root, and uid ${owner.uid} cannot reach ${binaries.postgres} ` +
    `or ${paths.run} (${output}). Run the server as an ordinary user, or install setpriv (util-linux), or move the ` +
    'project and DATA_DIR to folders that every user may enter.')
}

/** Starts a program that gets SIGINT when the server closes its stdin or dies. */
export function spawnSupervised (launcher: Launcher, command: string[]): Supervised {
  const [file, args, options] = toSpawn(launcher, ['sh', '-c', SUPERVISOR, 'sh', ...command])
  const child = spawn(file, args, { ...options, detached: true, stdio: ['pipe', 'ignore', 'pipe'] })
  child.stdin.on('error', () => {})
  return child
}

/** Gives `path` and all below it to the user that runs Postgres. */
export async function giveAway (path: string, { owner }: Launcher): Promise<void> {
  if (!owner || (await lstat(path)).uid === owner.uid) return
  await chown(path, owner.uid, owner.gid)
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chown(join(entry.parentPath, entry.name), owner.uid, owner.gid)
  }
}

async function chooseOwner ({ cluster, dataDir }: Paths): Promise<Owner> {
  const [made, given] = await Promise.all([cluster, dataDir].map(path => lstat(path).catch(() => undefined)))
  if (made && made.uid !== 0) return { uid: made.uid, gid: made.gid }
  // initdb refuses a user without a name, such as the owner of a folder that is mounted into a container.
  const names = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const isNamed = (uid: number) => names.split('\n').some(line => line.split(':')[2] === String(uid))
  if (given && given.uid !== 0 && isNamed(given.uid)) return { uid: given.uid, gid: given.gid }
  return { uid: NOBODY, gid: NOBODY }
}

function toSpawn ({ prefix, env, owner }: Launcher, command: string[]) {
  const [file = '', ...args] = [...prefix, ...command]
  return [file, args, { env, cwd: '/', ...(prefix.length === 0 && owner) }] as const
}

async function run (launcher: Launcher, command: string[]): Promise<{ ok: boolean, output: string }> {
  const [file, args, options] = toSpawn(launcher, command)
  return new Promise(resolve => {
    execFile(file, args, { ...options, timeout: 10_000 }, (error, stdout, stderr) => {
      const output = stderr.trim().split('\n').at(-1) || stdout.trim() || error?.message || ''
      resolve({ ok: !error, output })
    })
  })
}
