import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedError } from './error.ts'
import type { Paths } from './paths.ts'

/** What is sent to a Postgres that no server owns any more, and after how many milliseconds. */
const NUDGES: [number, NodeJS.Signals][] = [[2000, 'SIGINT'], [6000, 'SIGQUIT'], [8000, 'SIGKILL']]
const PATIENCE_MS = 10_000

/**
 * Waits until the Postgres of a server that died has ended, and ends it where it lingers. Call it under the lock.
 * Its pid file is removed where the number now belongs to some other process: Postgres would refuse to start.
 */
export async function outwaitPredecessor (paths: Paths): Promise<void> {
  const started = Date.now()
  const nudges = [...NUDGES]
  let pid = await readPostmasterPid(paths)
  while (pid !== undefined && await isPostmaster(pid, paths)) {
    const elapsed = Date.now() - started
    if (elapsed > PATIENCE_MS) throw new EmbeddedError(`The former Postgres (pid ${pid}) does not end: stop it by hand.`)
    while (nudges[0] && elapsed >= nudges[0][0]) signal(pid, nudges.shift()?.[1] ?? 'SIGKILL')
    await sleep(25)
    pid = await readPostmasterPid(paths)
  }
  if (pid !== undefined && isAlive(pid)) await rm(join(paths.cluster, 'postmaster.pid'), { force: true })
  await rm(`${paths.socket}.lock`, { force: true })
}

/** Undefined where no pid file is there. */
export async function readPostmasterPid ({ cluster }: Paths): Promise<number | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 1 ? pid : undefined
}

/** Sends a signal; that the process has gone is no error. */
export function signal (pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function isPostmaster (pid: number, { cluster }: Paths): Promise<boolean> {
  if (!isAlive(pid)) return false
  const command = process.platform === 'linux'
    ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    : await new Promise<string>(resolve => {
      execFile('ps', ['-o', 'command=', '-p', String(pid)], (_error, stdout) => resolve(stdout))
    })
  return command.includes(cluster)
}
