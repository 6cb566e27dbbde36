import Fastify, { type FastifyInstance } from 'fastify'
import { statSync } from 'node:fs'
import type { Config } from '../config.ts'
import { loggerOptions } from '../logger.ts'
import admin from '../plugins/admin/index.ts'
import audit from '../plugins/audit/index.ts'
import bus from '../plugins/bus.ts'
import cache from '../plugins/cache/index.ts'
import connections from '../plugins/connections/index.ts'
import db from '../plugins/db.ts'
import entitlements from '../plugins/entitlements.ts'
import health from '../plugins/health.ts'
import metrics from '../plugins/metrics/index.ts'
import oneTimeTokens from '../plugins/one-time-tokens.ts'
import providers from '../plugins/providers/index.ts'
import quota from '../plugins/quota.ts'
import redis from '../plugins/redis.ts'
import rewraps from '../plugins/rewraps.ts'
import sessions from '../plugins/sessions/index.ts'
import tracing from '../plugins/tracing/index.ts'
import vault from '../plugins/vault.ts'
import type { Io } from './output.ts'

/** What every command is given. */
export interface Cli {
  io: Io
  /** Reads the environment. @throws ConfigError */
  config: () => Config
  /** Opens the server's own plugins for `work`, and closes them after it. */
  use: <T>(work: Work<T>, needs?: Needs) => Promise<T>
}

export type Work<T> = (app: FastifyInstance, config: Config) => Promise<T>

export interface Needs {
  /** True: the command wants nothing but the database, and works with a key ring that does not fit. */
  databaseOnly?: boolean
  /** True: the command asks a provider. */
  providers?: boolean
  /** True: the command asks the cache's store. */
  cache?: boolean
}

/** Who the audit log says it was. */
export const by = { actor: 'cli' }

/** Runs `work` over the server's plugins, without routes and without listening. Logs go to the error output. */
export async function withContext<T> (
  config: Config, { stderr }: Io, work: Work<T>, needs: Needs = {}
): Promise<T> {
  becomeOwner(config.dataDir)
  const logLevel = config.logLevel === 'info' ? 'warn' : config.logLevel
  const logger = loggerOptions({ ...config, logLevel }, line => stderr.write(line))
  const app = Fastify({ pluginTimeout: 120_000, logger })
  app.register(tracing, {})
  app.register(health)
  // The database of a running server where there is one, else started for this command.
  app.register(db, { config, open: { beside: true } })
  const all = [bus, vault, audit, rewraps, sessions, oneTimeTokens, admin, entitlements, connections]
  const plugins = needs.databaseOnly ? [] : all
  // A data key that does not open must not keep an operator from deleting its connection.
  for (const plugin of plugins) app.register(plugin, { config, repair: true })
  if (needs.providers || needs.cache) app.register(redis, { config })
  if (needs.providers) {
    app.register(metrics)
    app.register(quota)
    app.register(providers, { config })
  }
  if (needs.cache) app.register(cache, { config })
  try {
    await app.ready()
    return await work(app, config)
  } finally {
    await app.close()
  }
}

/** Root steps down to the user whose DATA_DIR it is, so that no file is left in it that the server cannot read. */
export function becomeOwner (dataDir: string): void {
  if (process.getuid?.() !== 0) return
  // What cannot be looked at has no owner; who then uses it says why it cannot be used.
  const owner = (() => { try { return statSync(dataDir) } catch { return undefined } })()
  const { uid, gid } = owner ?? { uid: 0, gid: 0 }
  if (uid === 0) return
  process.setgroups?.([gid])
  process.setgid?.(gid)
  process.setuid?.(uid)
}
