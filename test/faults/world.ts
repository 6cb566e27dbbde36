/** Replicas of the built server as processes of their own, over one database, and one Redis where it is given. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Credential } from '../../providers/types.ts'
import type { ConnectionSettings } from '../../schemas/control.ts'
import type { ProviderName } from '../../schemas/market.ts'
import { createFolder, kill } from '../fixtures/embedded.ts'
import { MASTER_KEY } from '../helper.ts'
import { ask, createAdminToken, startServer, type Env, type Server } from '../server/process.ts'
import { isShort } from '../figures.ts'
import type { Call } from './load.ts'

export interface Replica {
  url: string
  pid: number
  logs: () => string[]
  /** Resident memory, in MB. */
  memoryMb: () => number
  /** Ends it, politely or not, and starts it anew on another port. */
  restart: (signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>
}

export interface World {
  replicas: Replica[]
  /** An admin's token. */
  admin: string
  /** A connection with keys that no other has, unlimited where the settings name no quota, and sessions of it. */
  connect: (options: ConnectOptions) => Promise<Connected>
  /** Sessions of the connection that answers with the made-up market. */
  sample: (sessions: number) => Promise<string[]>
}

export interface ConnectOptions {
  keys: ProviderName[]
  settings?: Partial<ConnectionSettings>
  sessions?: number
  /** What each key begins with. */
  prefix?: string
}

export interface Connected {
  connectionId: string
  tokens: string[]
}

/** Where the machine has other work, a late event loop is no fault of the server's. */
const UNHURRIED: Env = { MAX_EVENT_LOOP_DELAY_MS: '0' }
const UNLIMITED = { per_second: null, per_minute: null, per_day: null }
const NO_LIMITS: ConnectionSettings['quota'] = {
  alpaca: UNLIMITED, polygon: UNLIMITED, fmp: UNLIMITED, finnhub: UNLIMITED
}

export interface WorldOptions {
  env: Env
  replicas?: number
}

/** Starts the replicas one after the other: the first makes the schema. */
export async function startWorld (t: Test, { env, replicas: count = 2 }: WorldOptions): Promise<World> {
  const shared = { MASTER_KEY, LOG_LEVEL: 'info', ...isShort && UNHURRIED, ...env }
  const replicas: Replica[] = []
  let admin = ''
  for (let i = 0; i < count; i++) {
    const folder = await createFolder(t)
    // The command line reads it too.
    const lines = Object.entries(shared).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(join(folder, '.env'), lines.join(''))
    replicas.push(toReplica(t, folder, await startServer(t, folder)))
    admin ||= await createAdminToken(t, folder)
  }

  async function manage (path: string, method: string, body: unknown) {
    const reply = await ask(replicas[0]!, admin, `/api/connections${path}`, method, body)
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`)
    return reply.body
  }
  async function createSessions (id: string, sessions: number): Promise<string[]> {
    const tokens: string[] = []
    for (let i = 0; i < sessions; i++) tokens.push((await manage(`/${id}/session`, 'POST', {})).access_token)
    return tokens
  }
  return {
    replicas,
    admin,
    async connect ({ keys, settings = {}, sessions = 1, prefix = 'key' }) {
      const name = `faults-${randomBytes(4).toString('hex')}`
      const { id } = await manage('', 'POST', {
        name, settings: { provider_order: keys, quota: NO_LIMITS, cache_scope: 'connection', ...settings }
      })
      for (const provider of keys) {
        const key = `${prefix}-${randomBytes(8).toString('hex')}`
        await manage(`/${id}/credentials/${provider}`, 'PUT', toCredential(provider, key))
      }
      return { connectionId: id, tokens: await createSessions(id, sessions) }
    },
    async sample (sessions) {
      const { id } = (await manage('', 'GET', undefined)).find(({ name }: { name: string }) => name === 'sample')
      return createSessions(id, sessions)
    }
  }
}

const toCredential = (provider: ProviderName, key: string): Credential => provider === 'alpaca'
  ? { key_id: key, secret_key: 'a-secret' }
  : { api_key: key }

function toReplica (t: Test, folder: string, first: Server): Replica {
  let server = first
  let isOver = false
  t.teardown(() => { isOver = true })
  /** A server that ends of itself takes its reason with it, unless it is said here. */
  const watch = (watched: Server) => {
    watched.exited.then(code => {
      // A signal is the test's own.
      if (code === null || isOver || watched !== server) return
      t.fail(`the server ended by itself with ${code}: ${watched.stderr()} ${watched.logs().slice(-3).join(' ')}`)
    })
  }
  watch(server)
  return {
    get url () { return server.url },
    get pid () { return server.pid },
    logs: () => server.logs(),
    memoryMb: () => memoryOf(server.pid),
    async restart (signal = 'SIGTERM') {
      const ended = server
      server = { ...ended }
      kill(ended.pid, signal)
      await ended.exited
      server = await startServer(t, folder)
      watch(server)
    }
  }
}

function memoryOf (pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** One question over REST. */
export const rest = ({ url }: { url: string }, token: string, path: string, kind: string): Call =>
  ({ url: `${url}/api/tools/${path}`, headers: { authorization: `Bearer ${token}` }, kind })

/** A name that no other number has, and that the providers of the tests know. */
export function symbolOf (i: number): string {
  let text = ''
  // Without Z: names in ZZ are unknown to them. Without Q: a fifth letter of it means something.
  for (let rest = i; text.length < 4; rest = Math.floor(rest / 22)) text = 'ABCDEFGHIJKLMNOPRSTUVW'[rest % 22]! + text
  return text
}
