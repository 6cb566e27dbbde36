import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Binaries } from './binaries.ts'
import { EmbeddedError } from './error.ts'
import { giveAway, spawnSupervised, type Launcher } from './launcher.ts'
import { USER, type Paths } from './paths.ts'

/**
 * Makes the cluster where there is none, and finds out whether one that is there can be used. It is made in a folder
 * beside and renamed when complete, so a start that is killed leaves nothing that the next one could take for it.
 * @returns the password of its superuser
 * @throws EmbeddedError for another major version, another owner, a lost password, a failed initdb
 */
export async function ensureCluster (paths: Paths, binaries: Binaries, launcher: Launcher): Promise<string> {
  await removeUnfinished(paths)
  const found = await readFile(join(paths.cluster, 'PG_VERSION'), 'utf8').catch(ignoreMissing)
  if (found === undefined && await stat(paths.cluster).catch(ignoreMissing)) {
    throw new EmbeddedError(`${paths.cluster} exists and is no Postgres cluster. Move it away, or choose another DATA_DIR.`)
  }
  const kept = (await readFile(paths.password, 'utf8').catch(ignoreMissing))?.trim()
  if (found === undefined) {
    const password = kept || await writePassword(paths)
    await initialise(paths, binaries, launcher, password)
    return password
  }
  if (found.trim() !== launcher.version) {
    throw new EmbeddedError(`${paths.cluster} was made by Postgres ${found.trim()}, this is Postgres ${launcher.version}. ` +
      'Dump it with the version of this server that made it and restore it into a new DATA_DIR.')
  }
  await assertOwner(paths, launcher)
  if (!kept) throw new EmbeddedError(`${paths.password} is missing: put it back from the backup of DATA_DIR.`)
  return kept
}

async function initialise (paths: Paths, binaries: Binaries, launcher: Launcher, password: string): Promise<void> {
  const folder = `${paths.cluster}.new-${randomBytes(3).toString('hex')}`
  const passwordFile = join(paths.run, `initdb-${randomBytes(3).toString('hex')}`)
  try {
    await mkdir(folder, { mode: 0o700 })
    await mkdir(passwordFile, { mode: 0o700 })
    await writeFile(join(passwordFile, 'password'), password, { mode: 0o600 })
    await giveAway(folder, launcher)
    await giveAway(passwordFile, launcher)
    await runInitdb(launcher, [
      binaries.initdb, `--pgdata=${folder}`, `--username=${USER}`, `--pwfile=${join(passwordFile, 'password')}`,
      '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8',
      '--no-instructions'
    ])
    await rename(folder, paths.cluster)
    await syncFolder(paths.dataDir)
  } finally {
    await rm(passwordFile, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  }
}

async function runInitdb (launcher: Launcher, command: string[]): Promise<void> {
  const child = spawnSupervised(launcher, command)
  let last = ''
  createInterface(child.stderr).on('line', line => { if (/error|fatal|panic/i.test(line) || !last) last = line })
  const status = await new Promise<number | string | null>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  if (/could not look up effective user ID/.test(last)) {
    throw new EmbeddedError('Making the embedded database needs a user with a name: give this one (uid ' +
      `${process.getuid?.()}) a line in /etc/passwd, run the server as another user, or set DATABASE_URL.`)
  }
  if (status !== 0) throw new EmbeddedError(`Making the embedded database failed: ${last || `initdb ended with ${status}`}`)
}

/** Written and flushed before the cluster, which is of no use without it. */
async function writePassword (paths: Paths): Promise<string> {
  const password = randomBytes(24).toString('base64url')
  const unfinished = `${paths.password}.new`
  await writeFile(unfinished, `${password}\n`, { mode: 0o600, flush: true })
  await chmod(unfinished, 0o600)
  await rename(unfinished, paths.password)
  return password
}

async function removeUnfinished (paths: Paths): Promise<void> {
  for (const [folder, prefix] of [[paths.dataDir, `${basename(paths.cluster)}.new-`], [paths.run, 'initdb-']] as const) {
    for (const name of await readdir(folder)) {
      if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

async function assertOwner (paths: Paths, launcher: Launcher): Promise<void> {
  if (launcher.owner) return giveAway(paths.cluster, launcher)
  const { uid } = await stat(paths.cluster)
  if (uid !== process.getuid?.()) {
    throw new EmbeddedError(`${paths.cluster} belongs to uid ${uid}, who alone can use it: run the server as that user ` +
      'or as root, or give it to this user with chown -R.')
  }
}

async function syncFolder (path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}

function ignoreMissing (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
