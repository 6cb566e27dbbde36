import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { buildApp } from '../app.ts'
import { loadConfig, type Config } from '../config.ts'
import type { Credential } from '../providers/types.ts'
import type { ConnectionSettings } from '../schemas/control.ts'
import type { ProviderName } from '../schemas/market.ts'
import { createDatabase } from './database.ts'
import { startUpstream, type Upstream } from './upstream/index.ts'

export const MASTER_KEY = `k1:${randomBytes(32).toString('base64')}`
const admin = { actor: 'test' }
const ALL: ProviderName[] = ['alpaca', 'polygon', 'fmp', 'finnhub']

export interface World {
  app: FastifyInstance
  config: Config
  upstream: Upstream
  /** Every log line so far. */
  logs: string[]
  /** A connection with these keys, and a session of it. */
  connect: (options?: ConnectOptions) => Promise<{ connectionId: string, sessionId: string, token: string, get: Get }>
}

export interface ConnectOptions {
  /** Providers that get a key; all four by default. */
  keys?: ProviderName[]
  settings?: Partial<ConnectionSettings>
  name?: string
  /** What the keys begin with, where they are to be no other connection's. */
  prefix?: string
}

/** `get('get_quote?symbols=AAPL')` over REST with the session's token. */
export type Get = (path: string, headers?: Record<string, string>) => Promise<{
  status: number
  body: any
  headers: Record<string, unknown>
  text: string
}>

export const testKey = (provider: ProviderName, prefix = 'test'): Credential => provider === 'alpaca'
  ? { key_id: `${prefix}-alpaca-id`, secret_key: `${prefix}-alpaca-secret` }
  : { api_key: `${prefix}-${provider}-key` }

const unlimited = { per_second: null, per_minute: null, per_day: null }
/** Keys of plans that let everything through. */
export const NO_QUOTA: ConnectionSettings['quota'] = {
  alpaca: unlimited, polygon: unlimited, fmp: unlimited, finnhub: unlimited
}

/** The whole server on a database and an upstream of its own, closed with the test. */
export async function build (t: Test, env: Record<string, string> = {}): Promise<World> {
  const upstream = await startUpstream(t)
  const databaseUrl = env['DATABASE_URL'] ?? await createDatabase(t)
  const config = loadConfig({ DATABASE_URL: databaseUrl, MASTER_KEY, LOG_LEVEL: 'debug', ...upstream.env, ...env })
  const logs: string[] = []
  const app = await buildApp({ config, log: line => logs.push(line) })
  t.teardown(() => app.close())
  await app.ready()

  return {
    app,
    config,
    upstream,
    logs,
    async connect ({ keys = ALL, settings = {}, name = `test-${randomBytes(4).toString('hex')}`, prefix }: ConnectOptions = {}) {
      const { id } = await app.connections.create({ name, settings }, admin)
      for (const provider of keys) await app.connections.setCredential(id, provider, testKey(provider, prefix), admin)
      const { access_token: token, session_id: sessionId } = await app.sessions.create(id, {}, admin)
      const get: Get = async (path, headers = {}) => {
        const response = await app.inject({ url: `/api/tools/${path}`, headers: { host: 'localhost', authorization: `Bearer ${token}`, ...headers } })
        const isJson = String(response.headers['content-type']).includes('json')
        return {
          status: response.statusCode,
          body: isJson ? response.json() : undefined,
          headers: response.headers,
          text: response.body
        }
      }
      return { connectionId: id, sessionId, token, get }
    }
  }
}
