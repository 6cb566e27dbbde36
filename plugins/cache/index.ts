import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { CacheDriver, CacheEntry, CacheKey, CacheScope } from './driver.ts'
import { toKey } from './key.ts'
import { createPostgresDriver } from './postgres.ts'
import { createSingleFlight } from './single-flight.ts'

/** What a load answers; `cacheable` false keeps it out of the cache. */
export interface Loaded { value: unknown, cacheable: boolean }

export interface Cached {
  value: unknown
  hit: boolean
  /** Seconds since the value was fetched; 0 where it just was. */
  age_seconds: number
  /** When the value was fetched, unix ms. */
  stored_at: number
}

export interface Cache {
  /**
   * Answers from the cache, or runs `load` once for all who ask the same at once. A cache that fails is a miss, never
   * an error.
   * @param ttlSeconds 0: neither read nor kept, though identical calls still share one load
   */
  fetch: (
    key: CacheKey,
    ttlSeconds: number,
    load: (signal: AbortSignal) => Promise<Loaded>,
    signal: AbortSignal
  ) => Promise<Cached>
  /** What is kept under the key, without loading it. */
  peek: (key: CacheKey) => Promise<Cached | undefined>
  /** Drops entries here and tells the other replicas; answers how many were stored. */
  drop: (scope: CacheScope) => Promise<number>
}

declare module 'fastify' {
  interface FastifyInstance { cache: Cache }
}

/** Bytes of JSON that the process keeps before the driver is asked. */
const MEMORY_BYTES = 32 * 1024 * 1024
const SWEEP_MS = 10 * 60_000

interface Kept { key: CacheKey, entry: CacheEntry }

/** Two tiers of market data: the process's memory, and the driver, which survives restarts. */
export default fp<{ cacheDriver?: CacheDriver }>(async (app, { cacheDriver }) => {
  const driver = cacheDriver ?? createPostgresDriver(app.db)
  const memory = new LRUCache<string, Kept, number>({ maxSize: MEMORY_BYTES, maxEntrySize: MEMORY_BYTES / 8 })
  const fly = createSingleFlight<Cached>()
  const writes = new Set<Promise<void>>()
  let drops = 0

  async function read (key: string, parts: CacheKey): Promise<CacheEntry | undefined> {
    const now = Date.now()
    const kept = memory.get(key)
    if (kept) {
      if (kept.entry.expires_at > now) return kept.entry
      memory.delete(key)
    }
    try {
      const entry = await driver.get(key)
      if (entry && entry.expires_at > now) {
        keep(key, parts, entry, JSON.stringify(entry.value).length)
        return entry
      }
    } catch (error) { app.log.warn({ err: error }, 'the cache could not be read') }
    return undefined
  }

  function keep (key: string, parts: CacheKey, entry: CacheEntry, size: number): void {
    memory.set(key, { key: parts, entry }, { size: size + key.length, ttl: Math.max(1, entry.expires_at - Date.now()) })
  }

  /** Written behind the answer: a slow or broken store costs the caller nothing. */
  function store (key: string, parts: CacheKey, entry: CacheEntry): void {
    keep(key, parts, entry, JSON.stringify(entry.value).length)
    const write = driver.set(key, parts, entry)
      .catch(error => app.log.warn({ err: error }, 'the cache could not be written'))
      .finally(() => writes.delete(write))
    writes.add(write)
  }

  function dropMemory (scope: CacheScope): void {
    drops++
    for (const [name, { key }] of memory.entries()) {
      if (matches(key, scope)) memory.delete(name)
    }
  }

  const cache: Cache = {
    async fetch (parts, ttlSeconds, load, signal) {
      const key = toKey(parts)
      const known = ttlSeconds > 0 ? await read(key, parts) : undefined
      if (known) return toHit(known)
      return fly(key, async flightSignal => {
        // Another flight may have landed since the look above.
        const landed = ttlSeconds > 0 ? memory.get(key)?.entry : undefined
        if (landed && landed.expires_at > Date.now()) return toHit(landed)
        const dropsBefore = drops
        const { value, cacheable } = await load(flightSignal)
        const now = Date.now()
        // A drop during the load may have meant this very value.
        if (cacheable && ttlSeconds > 0 && drops === dropsBefore) {
          store(key, parts, { value, stored_at: now, expires_at: now + ttlSeconds * 1000 })
        }
        return { value, hit: false, age_seconds: 0, stored_at: now }
      }, signal)
    },

    async peek (parts) {
      const known = await read(toKey(parts), parts)
      return known && toHit(known)
    },

    async drop (scope) {
      dropMemory(scope)
      await Promise.allSettled(writes)
      const dropped = await driver.drop(scope)
      await app.bus.publish('cache:drop', scope)
      return dropped
    }
  }

  /** Other settings or another key may mean other numbers: what was fetched under the old ones goes. */
  function dropConnection ({ connection_id: id }: { connection_id?: string }): void {
    const scope = id === undefined ? {} : { connection_id: id }
    dropMemory(scope)
    driver.drop(scope).catch(error => app.log.warn({ err: error }, 'the cache could not be cleared'))
  }
  app.bus.subscribe('connection:changed', dropConnection)
  app.bus.subscribe('credential:changed', dropConnection)
  app.bus.subscribe('cache:drop', scope => dropMemory(scope as CacheScope))
  app.bus.subscribe('bus:reset', () => dropMemory({}))

  const sweep = setInterval(() => {
    driver.sweep().catch(error => app.log.warn({ err: error }, 'the cache could not be swept'))
  }, SWEEP_MS)
  sweep.unref()
  app.addHook('onClose', async () => {
    clearInterval(sweep)
    await Promise.allSettled(writes)
  })

  app.decorate('cache', cache)
}, { name: 'cache', dependencies: ['db', 'bus'] })

function toHit ({ value, stored_at: storedAt }: CacheEntry): Cached {
  return {
    value, hit: true, age_seconds: Math.max(0, Math.round((Date.now() - storedAt) / 1000)), stored_at: storedAt
  }
}

function matches (key: CacheKey, { owner_id: owner, connection_id: connection, tool }: CacheScope): boolean {
  return (owner === undefined || key.owner_id === owner) &&
    (connection === undefined || key.connection_id === connection) &&
    (tool === undefined || key.tool === tool)
}
