/** `fmcp` in this process. */
import { PassThrough, Readable } from 'node:stream'
import type { Test } from 'tap'
import { run } from '../../cli/program.ts'
import { createDatabase } from '../database.ts'
import { MASTER_KEY } from '../helper.ts'

export type Env = Record<string, string | undefined>

/** Runs one command; `input` is its standard input, a terminal where it says so. */
export async function fmcp (env: Env, args: string[], input: string | (Readable & { isTTY?: boolean }) = '') {
  const output = { stdout: '', stderr: '' }
  const collect = (name: keyof typeof output) => new PassThrough().on('data', chunk => { output[name] += String(chunk) })
  const stdin = typeof input === 'string' ? Readable.from([input]) : input
  const code = await run(args, env, { stdin, stdout: collect('stdout'), stderr: collect('stderr') })
  // A stream tells of what was written on a later turn.
  await new Promise(resolve => setImmediate(resolve))
  return { code, ...output, json: <T = Record<string, unknown>>() => JSON.parse(output.stdout) as T }
}

/** A database of its own and the key ring of the tests. */
export async function buildEnv (t: Test): Promise<Env> {
  return { DATABASE_URL: await createDatabase(t), MASTER_KEY }
}

/** A terminal on which the lines are typed, each when it is asked for. */
export function createTerminal (lines: string[]): PassThrough & { isTTY: boolean } {
  const terminal = Object.assign(new PassThrough(), { isTTY: true })
  const type = (rest: string[]) => {
    const [line, ...more] = rest
    if (line === undefined) return
    terminal.write(`${line}\n`)
    setImmediate(type, more)
  }
  type(lines)
  return terminal
}
