/** The Docker engine, and the image that is tested: the one that `before.ts` builds, or that FMCP_IMAGE names. */
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { engineAnswers } from '../containers.ts'
import { isShort } from '../figures.ts'

export const root = join(import.meta.dirname, '../..')
export const IMAGE = process.env['FMCP_IMAGE'] ?? 'financial-mcp-server:test'

const run = promisify(execFile)

/** Options of a test that needs an engine: skipped, loudly, where none answers. */
export const needsEngine: { skip?: string } = await engineAnswers() ? {} : { skip: 'no Docker engine answers: nothing of the containers is tested' }
/** The same of one that takes its time. */
export const needsTime: { skip?: string } = isShort ? { skip: 'only in the full form' } : needsEngine

/** @returns what it printed on standard output */
export async function docker (...args: string[]): Promise<string> {
  const { stdout } = await run('docker', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/** `docker compose` where it is installed, else `docker-compose`. */
export const COMPOSE: readonly [string, ...string[]] = (() => {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' })
    return ['docker', 'compose'] as const
  } catch {
    return ['docker-compose'] as const
  }
})()
