import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError } from '../config.ts'
import { createRingLine, parseKeyRing } from './key-ring.ts'

/** Whether the new key wraps what is new from then on, or only opens what others wrap with it. */
export type RingPlace = 'primary' | 'last'

/**
 * Adds a new master key to a ring file, made where it is missing. The file is replaced as a whole, readable by its
 * owner alone: whoever reads it meanwhile has the former ring or the new one.
 * @returns the new key's kid
 * @throws ConfigError where the file holds the kid already, is no ring, or cannot be written
 */
export async function addToRingFile (path: string, place: RingPlace, kid?: string): Promise<string> {
  try {
    // What a link leads to is replaced, and not the link.
    const file = await realpath(path).catch(() => path)
    const former = await readFile(file, 'utf8').catch(ifMissing)
    if (former !== undefined) parseKeyRing(former, path)
    const line = createRingLine(kid)
    const text = place === 'primary' ? line + (former ?? '') : endLine(former ?? '') + line
    const ring = parseKeyRing(text, path)
    await replace(file, text)
    return place === 'primary' ? ring.primary.kid : [...ring.keys.keys()].at(-1)!
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'}). ` +
      'Its folder must be writable, since the file is replaced as a whole.', { cause: error })
  }
}

/** Another process never sees half of it, and a crash leaves the one or the other. */
async function replace (file: string, text: string): Promise<void> {
  const folder = dirname(file)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = `${file}.${process.pid}.tmp`
  const owner = await stat(file).catch(ifMissing)
  try {
    const handle = await open(made, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      // Root must not take it from the server's user.
      if (owner && process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(made, file)
  } catch (error) {
    await rm(made, { force: true })
    throw error
  }
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}

function ifMissing (error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

const endLine = (text: string) => text === '' || text.endsWith('\n') ? text : `${text}\n`
