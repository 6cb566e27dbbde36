/** The built server and `fmcp` as processes of their own. */
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import { kill, waitFor } from '../fixtures/embedded.ts'

const root = join(import.meta.dirname, '..', '..')

// What tap measures coverage with adds itself to whatever is spawned; a shell takes it away again and becomes Node.
const UNMEASURED = ['-c', 'unset NODE_OPTIONS; exec "$@"', 'sh', process.execPath, '--disable-warning=ExperimentalWarning']

export type Env = Record<string, string>

export interface Server {
  pid: number
  url: string
  /** What it printed so far, without its log. */
  text: () => string
  /** What it printed on standard error. */
  stderr: () => string
  /** Every log line so far. */
  logs: () => string[]
  /** The session token that the first start prints; empty at a later one. */
  token: string
  /** Its exit code, null where a signal ended it. */
  exited: Promise<number | null>
  /** SIGTERM, and the exit code. */
  stop: () => Promise<number | null>
}

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Makes dist/ what the sources say. Call it once in each file. */
export function buildOnce (): void {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.js')], { stdio: 'inherit' })
}

/** Starts the server and waits until it has said all that it says at a start. It is killed with the test. */
export async function startServer (t: Test, dataDir: string, env: Env = {}): Promise<Server> {
  const { child, output, exited } = launch(t, dataDir, 'server.js', [], env)
  const text = () => output.stdout.split('\n').filter(line => !line.startsWith('{"level"')).join('\n')
  const isReady = () => / {2}curl |fmcp session create/.test(output.stdout)
  await waitFor(() => isReady() || child.exitCode !== null, 120_000)
  if (!isReady()) throw new Error(`The server did not start: ${output.stdout}${output.stderr}`)
  return {
    pid: child.pid ?? 0,
    url: /listens at (\S+)/.exec(output.stdout)?.[1] ?? '',
    text,
    stderr: () => output.stderr,
    logs: () => output.stdout.split('\n').filter(line => line.startsWith('{"level"')),
    token: /fmcp_st_\w+/.exec(output.stdout)?.[0] ?? '',
    exited,
    stop () {
      child.kill('SIGTERM')
      return exited
    }
  }
}

/** Runs the server where it is expected to end by itself. */
export const runServer = (t: Test, dataDir: string, env: Env = {}) => runToEnd(t, dataDir, 'server.js', [], env)

/** Runs one `fmcp` command. */
export const fmcp = (t: Test, dataDir: string, args: string[]) => runToEnd(t, dataDir, 'cli.js', args, {})

/** Starts one `fmcp` command, which the test may kill. */
export function startFmcp (t: Test, dataDir: string, args: string[], env: Env) {
  const { child, output, exited } = launch(t, dataDir, 'cli.js', args, env)
  return { kill: () => child.kill('SIGKILL'), output, exited }
}

async function runToEnd (t: Test, dataDir: string, script: string, args: string[], env: Env): Promise<Ended> {
  const { output, exited } = launch(t, dataDir, script, args, env)
  return { code: await exited, ...output }
}

function launch (t: Test, dataDir: string, script: string, args: string[], env: Env) {
  // No `.env` of the project's folder, and nothing of the environment that the tests run in.
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    'sh', [...UNMEASURED, join(root, 'dist', script), ...args], {
      cwd: dataDir,
      env: { PATH: String(process.env['PATH']), DATA_DIR: dataDir, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { output.stderr += text })
  const exited = new Promise<number | null>(resolve => { child.once('close', resolve) })
  t.teardown(async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) kill(child.pid)
    await exited
  })
  return { child, output, exited }
}

export interface Reply {
  status: number
  headers: Headers
  body: any
}

/** One request with a token, answered as JSON. */
export async function ask (server: Pick<Server, 'url'>, token: string, path: string, method = 'GET', body?: unknown): Promise<Reply> {
  const response = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text }
}

/** An admin token, made by the command line beside the server. */
export async function createAdminToken (t: Test, dataDir: string): Promise<string> {
  const { code, stdout, stderr } = await fmcp(t, dataDir, ['admin-token', 'create', '--json'])
  if (code !== 0) throw new Error(`fmcp ended with ${code}: ${stderr}`)
  return (JSON.parse(stdout) as { token: string }).token
}
