/** A compose stack of the test's own: its project, its secrets, its ports. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { Agent, fetch as fetchBy } from 'undici'
import { waitFor } from '../fixtures/embedded.ts'
import { COMPOSE, docker, IMAGE, root } from './engine.ts'

const run = promisify(execFile)
const PATIENCE_MS = 240_000

export interface Stack {
  /** `https://localhost:<port>` */
  url: string
  /** Caddy's own authority, PEM. */
  ca: string
  /** Of the first start: a session of the sample connection. */
  token: string
  /** From `up` to the first good answer. */
  seconds: number
  secrets: string
  /** Over TLS, trusting that authority. */
  fetch: typeof fetch
  compose: (...args: string[]) => Promise<string>
  /** `compose` with other variables. */
  composeWith: (env: Record<string, string>, ...args: string[]) => Promise<string>
  container: (service: string) => Promise<string>
  inspect: (service: string) => Promise<any>
  logs: (service: string) => Promise<string>
  /** One `fmcp` command inside the first replica. */
  fmcp: (...args: string[]) => Promise<any>
}

/** Makes the secrets by the image, starts the files' stack, and waits until it is ready. It goes with the test. */
export async function startStack (t: Test, files: string[], env: Record<string, string> = {}): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'fms-compose-'))
  const secrets = join(folder, 'secrets')
  const project = `fmstest${randomBytes(3).toString('hex')}`
  const [https, http] = await freePorts(2)
  const variables: Record<string, string> = {
    ...process.env as Record<string, string>,
    COMPOSE_PROJECT_NAME: project,
    COMPOSE_HTTP_TIMEOUT: '600',
    SECRETS_DIR: secrets,
    FMCP_IMAGE: IMAGE,
    HTTPS_PORT: String(https),
    HTTP_PORT: String(http),
    ...env
  }
  const [command, ...words] = [...COMPOSE, ...files.flatMap(file => ['-f', join(root, file)])]
  const composeWith: Stack['composeWith'] = async (more, ...args) => {
    const options = { cwd: root, env: { ...variables, ...more }, maxBuffer: 64 * 1024 * 1024 }
    return (await run(command!, [...words, ...args], options)).stdout
  }
  const compose: Stack['compose'] = (...args) => composeWith({}, ...args)
  t.teardown(async () => {
    await compose('down', '-v', '-t', '5', '--remove-orphans')
    await rm(folder, { recursive: true, force: true })
  })

  await makeSecrets(folder)
  const startedAt = performance.now()
  await compose('up', '-d', '--no-build')
  // Compose itself would take seconds to say it.
  const container: Stack['container'] = async service => {
    const label = 'label=com.docker.compose'
    return (await docker('ps', '-aq', '--filter', `${label}.project=${project}`, '--filter', `${label}.service=${service}`)).trim()
  }
  const logs: Stack['logs'] = async service => {
    const { stdout, stderr } = await run('docker', ['logs', await container(service)], { maxBuffer: 64 * 1024 * 1024 })
    return stdout + stderr
  }
  const ca = await readAuthority(container)
  const agent = new Agent({ connect: { ca }, keepAliveTimeout: 1000 })
  t.teardown(() => agent.destroy())
  const send = (url: string | URL, options: object = {}) => fetchBy(url, { ...options, dispatcher: agent })
  // The package's own types of the same things.
  const fetchThere = send as unknown as typeof fetch
  const url = `https://localhost:${https}`
  const isReady = () => fetchThere(`${url}/health/ready`).then(({ status }) => status === 200, () => false)
  if (!await waitFor(isReady, PATIENCE_MS)) throw new Error(`The stack is not ready: ${await logs('app')} ${await logs('caddy')}`)
  const seconds = (performance.now() - startedAt) / 1000
  const token = /fmcp_st_\w+/.exec(await logs('app'))?.[0] ?? ''
  return {
    url,
    ca,
    token,
    seconds,
    secrets,
    fetch: fetchThere,
    compose,
    composeWith,
    container,
    logs,
    inspect: async service => (JSON.parse(await docker('inspect', await container(service))) as unknown[])[0],
    fmcp: async (...args) => JSON.parse(await docker('exec', await container('app'), 'fmcp', ...args, '--json')) as unknown
  }
}

/** As an operator does it who has the image and nothing else. */
async function makeSecrets (folder: string): Promise<void> {
  const user = `${process.getuid?.()}:${process.getgid?.()}`
  await docker('run', '--rm', '--user', user, '--network', 'none', '-v', `${folder}:/work`, '-w', '/work', IMAGE, 'fmcp', 'init-secrets')
}

async function readAuthority (container: Stack['container']): Promise<string> {
  let ca = ''
  const read = async () => {
    ca = await docker('exec', await container('caddy'), 'cat', '/data/caddy/pki/authorities/local/root.crt').catch(() => '')
    return ca.includes('END CERTIFICATE')
  }
  if (!await waitFor(read, PATIENCE_MS)) throw new Error('Caddy has made no authority')
  return ca
}

async function freePorts (count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
