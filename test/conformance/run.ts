/**
 * Runs the conformance suite of MCP against the plugin with the suite's own fixtures, and exits with its verdict:
 * node test/conformance/run.ts [revision …]
 */
import { spawn } from 'node:child_process'
import { createServer, request, type Server } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TOKEN, startMcpApp } from './app.ts'
import { fixtureCatalogue } from './fixtures.ts'

export const REVISIONS = ['2026-07-28', '2025-11-25']

/** What the suite requires of 2025 servers and a server without sessions cannot do: ask the client back. */
const EXPECTED_FAILURES = join(import.meta.dirname, 'expected-failures.yml')

export interface Verdict {
  revision: string
  code: number | null
  output: string
}

/**
 * Runs one requirement set against the plugin.
 * @param node the Node that runs the suite, which needs 22 or later
 */
export async function runConformance (revision: string, node = findNode()): Promise<Verdict> {
  const { app, url } = await startMcpApp({ catalogue: fixtureCatalogue, checkOrigin: true })
  const expected = revision < '2026' ? ['--expected-failures', EXPECTED_FAILURES] : []
  try {
    return { revision, ...await runSuite(url, TOKEN, ['--requirements', revision, ...expected], node) }
  } finally {
    app.server.closeAllConnections()
    await app.close()
  }
}

/** Runs the suite with some arguments against a server that wants a token. */
export async function runSuite (url: URL, token: string, args: string[], node = findNode()): Promise<Omit<Verdict, 'revision'>> {
  const proxy = await startProxy(url, token)
  const folder = await mkdtemp(join(tmpdir(), 'mcp-conformance-'))
  try {
    const suite = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/conformance/dist/index.js')
    const child = spawn(node, [suite, 'server', '--url', proxy.url, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => { output += text })
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    return { code, output }
  } finally {
    proxy.server.closeAllConnections()
    proxy.server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The suite cannot send a header: this adds the token, and passes all else on. */
async function startProxy (target: URL, token: string): Promise<{ server: Server, url: string }> {
  const server = createServer((incoming, outgoing) => {
    const forward = request(new URL(incoming.url ?? '/', target), {
      method: incoming.method, headers: { ...incoming.headers, authorization: `Bearer ${token}` }
    }, response => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    forward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forward.destroy())
    incoming.pipe(forward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('The proxy has no port')
  return { server, url: `http://127.0.0.1:${address.port}/mcp` }
}

/** This Node where it is new enough, else the one that CONFORMANCE_NODE names. */
export function findNode (): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  const { CONFORMANCE_NODE: node } = process.env
  if (!node) throw new Error('The suite needs Node 22 or later: set CONFORMANCE_NODE to one.')
  return node
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const revisions = process.argv.length > 2 ? process.argv.slice(2) : REVISIONS
  for (const revision of revisions) {
    const { code, output } = await runConformance(revision)
    console.log(output)
    if (code !== 0) process.exitCode = 1
  }
}
