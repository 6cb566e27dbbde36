/** The real server as a child process, on a DATA_DIR of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist')
/** Of one tick of /proc, in microseconds; Linux has 100 a second on every platform that Node runs on. */
const TICK_US = 10_000

const children = new Set()
const folders = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** An empty folder that every user may enter, removed when the bench ends. */
export async function createDataDir () {
  const folder = await mkdtemp(join(tmpdir(), 'fms-bench-'))
  await chmod(folder, 0o755)
  folders.add(folder)
  return folder
}

/**
 * Starts the server and waits until it says where it listens.
 * @param {string} dataDir
 * @param {Record<string, string>} env
 * @returns its URL, and the token that it prints at the first start
 */
export async function startServer (dataDir, env = {}) {
  const child = run(dataDir, [join(dist, 'server.js')], env)
  let output = ''
  const lines = createInterface(child.stdout)
  const url = await new Promise((resolve, reject) => {
    lines.on('line', line => {
      output += `${line}\n`
      const [, found] = /listens at (http\S+)/.exec(line) ?? []
      if (found) resolve(found)
    })
    child.once('exit', code => reject(new Error(`The server ended with ${code}:\n${output}`)))
  })
  const token = /fmcp_st_\w+/.exec(output)?.[0]
  return {
    url,
    token,
    pid: child.pid,
    dataDir,
    /** CPU time of the process so far, all threads, in microseconds. */
    cpu: () => readCpu(child.pid),
    /** Resident memory in bytes. */
    memory: () => readMemory(child.pid),
    /** Stops it as an operator does. @returns {Promise<{ code: number | null, ms: number }>} */
    async stop () {
      const startedAt = performance.now()
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      const [code] = await exit
      return { code, ms: performance.now() - startedAt }
    }
  }
}

/** What `fmcp` prints as JSON, run beside the server of this DATA_DIR. */
export async function runCli (dataDir, args) {
  const child = run(dataDir, [join(dist, 'cli.js'), ...args, '--json'])
  const text = (await child.stdout.toArray()).join('')
  return JSON.parse(text)
}

/** One JSON-RPC request of the bench's own, as autocannon and fetch take it. */
export function callTool (server, name, args, revision) {
  const modern = revision === '2026-07-28'
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {}
  }
  return {
    url: `${server.url}/mcp`,
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': revision,
      ...(modern && { 'mcp-method': 'tools/call', 'mcp-name': name })
    },
    body: JSON.stringify({
      jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, ...(modern && { _meta }) }
    })
  }
}

/** The body of what the session's token may GET. */
export async function getText ({ url, token }, path) {
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
  return text
}

/** Runs a script of Node with an environment that holds nothing but what is given. */
export function run (dataDir, args, env = {}, stdio = ['ignore', 'pipe', 'inherit']) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    // Not the project's folder: an operator's .env must not change the figures.
    cwd: dataDir,
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error', ...env },
    stdio
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

export function readCpu (pid) {
  // The name of the program, in brackets, may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

function readMemory (pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024
}
