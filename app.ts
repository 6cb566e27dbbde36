import cookie from '@fastify/cookie'
import sensible from '@fastify/sensible'
import Fastify, { LogController, type FastifyInstance } from 'fastify'
import { randomUUID } from 'node:crypto'
import type { Config } from './config.ts'
import { loggerOptions } from './logger.ts'
import admin from './plugins/admin/index.ts'
import audit from './plugins/audit/index.ts'
import auth from './plugins/auth/index.ts'
import { takeQueryTokens } from './plugins/auth/query.ts'
import bus from './plugins/bus.ts'
import cache from './plugins/cache/index.ts'
import connections from './plugins/connections/index.ts'
import db from './plugins/db.ts'
import entitlements from './plugins/entitlements.ts'
import errors, { sendBadUrl } from './plugins/errors.ts'
import gauges from './plugins/gauges.ts'
import health from './plugins/health.ts'
import json from './plugins/json.ts'
import limits from './plugins/limits.ts'
import mcp from './plugins/mcp/index.ts'
import metrics from './plugins/metrics/index.ts'
import network from './plugins/network/index.ts'
import oneTimeTokens from './plugins/one-time-tokens.ts'
import openapi from './plugins/openapi.ts'
import overload from './plugins/overload.ts'
import providers from './plugins/providers/index.ts'
import quota from './plugins/quota.ts'
import redis from './plugins/redis.ts'
import rewraps from './plugins/rewraps.ts'
import sessions from './plugins/sessions/index.ts'
import system from './plugins/system.ts'
import tools from './plugins/tools/index.ts'
import traces, { openTracing } from './plugins/tracing/index.ts'
import ui from './plugins/ui.ts'
import usage from './plugins/usage/index.ts'
import vault from './plugins/vault.ts'
import routes from './routes/index.ts'
import { endConnections, REQUEST_MS, SLOW_CLIENTS, takeTurns } from './sockets.ts'
import { decorateTls, openTls } from './tls.ts'
import { VERSION } from './version.ts'

export interface AppOptions {
  config: Config
  /** Where log lines go; standard output by default. */
  log?: (line: string) => void
}

/** A small machine may need a minute to make its first database. */
const PLUGIN_MS = 120_000
/** Most bytes of a request's body; the scope of MCP has its own. */
const BODY_BYTES = 64 * 1024

/** The server as a value: everything is registered, nothing listens. The order is the architecture. */
export async function buildApp ({ config, log }: AppOptions): Promise<FastifyInstance> {
  const tls = config.tls && openTls(config.tls)
  const tracing = await openTracing(config)
  const app = Fastify({
    logger: loggerOptions(config, log, tracing.logFields),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    bodyLimit: BODY_BYTES,
    pluginTimeout: PLUGIN_MS,
    requestTimeout: REQUEST_MS,
    [tls ? 'https' : 'http']: { ...tls?.options, ...SLOW_CLIENTS },
    frameworkErrors: sendBadUrl,
    trustProxy: config.trustProxy.length ? config.trustProxy : false,
    genReqId: () => randomUUID(),
    rewriteUrl: takeQueryTokens,
    routerOptions: { maxParamLength: 200 }
  })
  const options = { config }
  endConnections(app)
  takeTurns(app)
  if (tls) decorateTls(app, tls)

  await app.register(traces, { tracing })
  await app.register(errors)
  await app.register(json)
  await app.register(network, options)
  await app.register(overload, options)
  await app.register(limits, options)
  await app.register(sensible)
  await app.register(cookie)
  await app.register(openapi, { ...options, version: VERSION })
  await app.register(ui, options)

  await app.register(health)
  await app.register(metrics)
  await app.register(db, options)
  await app.register(redis, options)
  await app.register(bus, options)
  await app.register(vault, options)
  await app.register(audit, options)
  await app.register(rewraps)
  await app.register(sessions, options)
  await app.register(oneTimeTokens)
  await app.register(admin, options)
  await app.register(auth, options)
  await app.register(entitlements)
  await app.register(connections, options)

  await app.register(quota)
  await app.register(providers, options)
  await app.register(usage)
  await app.register(cache, options)
  await app.register(tools, options)
  await app.register(system, options)
  await app.register(mcp, options)
  await app.register(gauges, options)
  await app.register(routes, options)
  return app
}
