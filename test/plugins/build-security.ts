import cookie from '@fastify/cookie'
import Fastify, { type FastifyInstance } from 'fastify'
import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { loadConfig } from '../../config.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'
import admin from '../../plugins/admin/index.ts'
import audit from '../../plugins/audit/index.ts'
import auth from '../../plugins/auth/index.ts'
import bus from '../../plugins/bus.ts'
import db from '../../plugins/db.ts'
import errors from '../../plugins/errors.ts'
import health from '../../plugins/health.ts'
import limits from '../../plugins/limits.ts'
import sessions from '../../plugins/sessions/index.ts'
import vault from '../../plugins/vault.ts'
import { createDatabase, query } from '../database.ts'

export const MASTER_KEY = `k1:${Buffer.alloc(32, 7).toString('base64')}`
export const BY = { actor: 'system', ip: '192.0.2.1', request_id: 'test-request' }

export interface Security {
  app: FastifyInstance
  url: string
  /** A connection to make sessions of. */
  connectionId: string
  /** All that was logged so far. */
  log: () => string
}

export interface SecurityOptions {
  /** Another replica's database; default one of its own. */
  url?: string
  env?: Record<string, string>
  routes?: (app: FastifyInstance) => void
}

/** The real security plugins on a database. */
export async function buildSecurity (t: Test, { url, env = {}, routes }: SecurityOptions = {}): Promise<Security> {
  const databaseUrl = url ?? await createDatabase(t)
  const config = loadConfig({ DATABASE_URL: databaseUrl, MASTER_KEY, ...env })
  let log = ''
  const stream = new Writable({
    write (chunk, _encoding, done) {
      log += String(chunk)
      done()
    }
  })
  const app = Fastify({ logger: { level: 'trace', stream }, trustProxy: '127.0.0.1' })
  t.teardown(() => app.close())
  app.register(cookie)
  const plugins = [errors, health, limits, db, bus, vault, audit, sessions, admin, auth]
  for (const plugin of plugins) app.register(plugin, { config })
  if (routes) app.register(async scope => routes(scope))
  await app.ready()
  return { app, url: databaseUrl, connectionId: await insertConnection(app), log: () => log }
}

export async function insertConnection (app: FastifyInstance): Promise<string> {
  const id = randomUUID()
  const settings = JSON.stringify(DEFAULT_SETTINGS)
  await app.db.insertInto('connections').values({ id, name: `test ${id}`, settings }).execute()
  return id
}

/** Takes the database away, for every client, until `up`. */
export function createOutage (url: string) {
  const name = new URL(url).pathname.slice(1)
  const other = new URL(url)
  other.pathname = '/postgres'
  return {
    async down () {
      await query(other.href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
      await query(other.href, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
    },
    up: () => query(other.href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`)
  }
}

/** Waits until the condition holds; fails the test after 10 s. */
export async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 10 s')
    await sleep(10)
  }
}
