import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { adminScope, sessionScope } from '../plugins/auth/index.ts'
import adminAccount from './admin-account.ts'
import adminTokens from './admin-tokens.ts'
import admins from './admins.ts'
import audit from './audit.ts'
import backup from './backup.ts'
import cache from './cache.ts'
import connections from './connections.ts'
import credentials from './credentials.ts'
import exchange from './exchange.ts'
import health from './health.ts'
import keys from './keys.ts'
import metrics from './metrics.ts'
import oneTimeTokens from './one-time-tokens.ts'
import { serializerCompiler } from './serialize.ts'
import session from './session.ts'
import sessions from './sessions.ts'
import setup from './setup.ts'
import system from './system.ts'
import tools from './tools.ts'
import trials from './trials.ts'
import usage from './usage.ts'
import { validatorCompiler } from './validate.ts'
import wellKnown from './well-known.ts'

/** Who may call a route is decided here, by the scope that it is registered in. */
export default async function routes (app: FastifyInstance, options: { config: Config }): Promise<void> {
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler())

  await app.register(health, options)
  await app.register(setup)
  await app.register(exchange)
  await app.register(wellKnown, options)

  await app.register(async bearer => {
    sessionScope(bearer)
    await bearer.register(session)
    await bearer.register(tools)
  })

  await app.register(async admin => {
    adminScope(admin)
    await admin.register(connections)
    await admin.register(credentials)
    await admin.register(trials)
    await admin.register(sessions)
    await admin.register(oneTimeTokens, options)
    await admin.register(audit)
    await admin.register(cache)
    await admin.register(usage)
    await admin.register(system)
    await admin.register(keys)
    await admin.register(backup)
    await admin.register(metrics)
    await admin.register(adminAccount)
    await admin.register(admins)
    await admin.register(adminTokens)
  })
}
