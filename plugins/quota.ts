import fp from 'fastify-plugin'
import { createFallbackStore } from '../quota/fallback.ts'
import { createLedger, type Quota } from '../quota/ledger.ts'
import { createMemoryStore } from '../quota/memory.ts'
import { createPostgresStore, sweepQuota } from '../quota/postgres.ts'
import { createRedisStore } from '../quota/redis.ts'
import { createSessionCalls, type SessionCalls } from '../quota/session-calls.ts'
import type {} from './db.ts'
import type {} from './redis.ts'
import type {} from './vault.ts'

declare module 'fastify' {
  interface FastifyInstance { quota: Quota & SessionCalls }
}

const SWEEP_MS = 3_600_000

/** One ledger of the provider keys and of the sessions' calls, for all replicas: in Redis, or else in Postgres. */
export default fp(async app => {
  const memory = createMemoryStore()
  const shared = app.redis ? createRedisStore(app.redis) : createPostgresStore(app.db)
  const store = createFallbackStore({ store: shared, memory, log: app.log })
  const quota = createLedger({ store, memory, secret: app.vault.systemKey('fingerprint') })
  app.decorate('quota', { ...quota, ...createSessionCalls(store) })

  const sweep = () => sweepQuota(app.db).catch(error => app.log.debug({ err: error }, 'the quota ledger was not swept'))
  const timer = setInterval(sweep, SWEEP_MS).unref()
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await quota.flush()
  })
}, { name: 'quota', dependencies: ['db', 'redis', 'vault'] })
