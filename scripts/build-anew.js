import { existsSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Builds a folder when a source is newer than it, and puts it in the place of the former one: whole or not at all,
 * since two builds may run at once, and a server may be starting from the former one.
 * @param {{ to: string, sources: Iterable<string>, force: boolean }} what `force`: also where nothing changed
 * @param {(folder: string) => Promise<void>} make fills the folder that it is given
 */
export async function buildAnew ({ to, sources, force }, make) {
  const builtAt = statSync(join(to, '.built'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (!force && ![...sources].some(file => statSync(file).mtimeMs > builtAt)) return
  const startedAt = new Date()
  const [made, former] = [`${to}.${process.pid}`, `${to}.${process.pid}.old`]
  try {
    await make(made)
    // What is edited during the build is newer than it.
    writeFileSync(join(made, '.built'), '')
    utimesSync(join(made, '.built'), startedAt, startedAt)
    if (existsSync(to)) renameSync(to, former)
    renameSync(made, to)
  } finally {
    rmSync(made, { recursive: true, force: true })
    rmSync(former, { recursive: true, force: true })
  }
}
