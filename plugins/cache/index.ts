import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { problem } from '../../errors.ts'
import type { HealthState } from '../health.ts'
import type {} from '../redis.ts'
import type { Revocation } from '../sessions/index.ts'
import { createCache, type Cache } from './cache.ts'
import type { CacheCount, CacheDriver, CacheScope } from './driver.ts'
import { createMemory } from './memory.ts'
import { createPostgresDriver } from './postgres.ts'
import { createRedisDriver } from './redis.ts'
import { createStore } from './store.ts'

export type { Cached, Loaded } from './cache.ts'
export type { Policy } from './policy.ts'

export interface CacheTiers {
  memory: { entries: number, bytes: number, limit_bytes: number }
  store: { name: CacheDriver['name'], state: HealthState }
}

export interface AppCache extends Pick<Cache, 'fetch' | 'peek'> {
  /**
   * Drops entries here, in the store and on the other replicas; answers how many were stored.
   * @throws OVERLOADED where the store cannot be asked now: it is made up for before anything is read again
   */
  drop: (scope: CacheScope) => Promise<number>
  tiers: () => CacheTiers
  /** What is stored. @throws the driver's error */
  counts: () => Promise<CacheCount[]>
}

declare module 'fastify' {
  interface FastifyInstance { cache: AppCache }
}

type CacheConfig = Pick<Config, 'cacheMemoryBytes' | 'cacheEntriesPerSession' | 'callDeadlineMs'>

const SWEEP_MS = 10 * 60_000

/** Two tiers of market data: the process's memory, and Redis or Postgres, which outlive it. */
export default fp<{ config: CacheConfig }>(async (app, { config }) => {
  const bound = { maxEntries: config.cacheEntriesPerSession }
  const driver = app.redis ? createRedisDriver(app.redis, bound) : createPostgresDriver(app.db, bound)
  const memory = createMemory(config.cacheMemoryBytes)
  const store = createStore(driver, app.log)
  const cache = createCache({ memory, store, log: app.log, deadlineMs: config.callDeadlineMs })

  /** Every replica does it for itself: what it is storing at this moment is gone too when it is done. */
  async function forget (scope: CacheScope): Promise<number> {
    await cache.forget(scope)
    return store.drop(scope)
  }
  /** The store says in the log that it fails, and makes up for it. */
  const forgetBehind = (scope: CacheScope) => { forget(scope).catch(() => {}) }

  /** Scopes that this replica is telling the others, which hears itself as well. */
  const telling = new Set<object>()
  app.bus.subscribe('cache:drop', scope => { if (!telling.has(scope)) forgetBehind(scope) })
  /** Other settings or another key may mean other numbers: what was fetched under the old ones goes. */
  const forgetConnection = ({ connection_id: id }: { connection_id?: string }) =>
    forgetBehind(id === undefined ? {} : { connection_id: id })
  app.bus.subscribe('connection:changed', forgetConnection)
  app.bus.subscribe('credential:changed', forgetConnection)
  app.bus.subscribe('bus:reset', () => { cache.forget({}).catch(() => {}) })
  app.sessions.onRevoked(({ session_id: session, connection_id: connection }: Revocation) =>
    forgetBehind(session === undefined ? { connection_id: connection! } : { owner_id: session }))

  const sweep = setInterval(() => {
    driver.sweep().catch(error => app.log.debug({ err: error }, 'the cache could not be swept'))
  }, SWEEP_MS).unref()
  app.addHook('onClose', async () => {
    clearInterval(sweep)
    await cache.close()
  })

  app.decorate('cache', {
    fetch: cache.fetch,
    peek: cache.peek,

    async drop (scope) {
      const told = { ...scope }
      telling.add(told)
      try {
        // The others drop it too, when they are told: whoever comes second counts nothing.
        return await forget(told)
      } catch (error) {
        throw problem('OVERLOADED', 'The store of the cache does not answer at the moment. Call again shortly.',
          { retry_after_seconds: 5, cause: error })
      } finally {
        await app.bus.publish('cache:drop', told).finally(() => telling.delete(told))
      }
    },

    tiers: () => ({ memory: memory.stats(), store: { name: driver.name, state: store.state() } }),
    counts: () => driver.counts()
  })
}, { name: 'cache', dependencies: ['db', 'redis', 'bus', 'sessions'] })
