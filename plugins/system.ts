import fp from 'fastify-plugin'
import { sql } from 'kysely'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Config } from '../config.ts'
import { listMigrations } from '../db/backup.ts'
import { isOutage } from '../db/outage.ts'
import { PROVIDERS } from '../providers/index.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { System } from '../schemas/system.ts'
import { VERSION } from '../version.ts'
import type {} from './cache/index.ts'
import type { HealthState } from './health.ts'

declare module 'fastify' {
  interface FastifyInstance {
    system: {
      /** What the server runs on and how that is. What does not answer is null in it. */
      read: () => Promise<System>
    }
  }
}

/** What an operator sees of the server itself. */
export default fp<{ config: Pick<Config, 'databaseUrl'> }>(async (app, { config }) => {
  const id = randomUUID()
  const startedAt = new Date()
  const kind = config.databaseUrl ? 'external' : 'embedded'

  async function readDatabase (): Promise<Omit<System['database'], 'kind'>> {
    const { rows: [facts] } = await sql<{ version: string, size: string }>`
      SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size`.execute(app.db)
    return { version: facts!.version, size_bytes: Number(facts!.size), migrations: await listMigrations(app.db) }
  }

  async function readRedis (): Promise<System['redis']> {
    if (!app.redis) return null
    const [node] = app.redis.nodes()
    const text = node && await app.redis.run(() => node.info('server')).catch(() => undefined)
    return { version: /^redis_version:(\S+)/m.exec(text ?? '')?.[1] ?? null }
  }

  app.decorate('system', {
    async read () {
      const unknown = { version: null, size_bytes: null, migrations: null }
      const [database, redis, keys] = await Promise.all([
        readDatabase().catch(ifAway(unknown)), readRedis(), app.vault.status().catch(ifAway(null))
      ])
      return {
        version: VERSION,
        node: process.versions.node,
        replica: {
          id,
          host: hostname(),
          started_at: startedAt.toISOString(),
          uptime_seconds: Math.floor((Date.now() - startedAt.getTime()) / 1000),
          memory_bytes: process.memoryUsage.rss()
        },
        dependencies: Object.entries(app.health.read())
          .map(([name, state]) => ({ name, state, message: explain(name, state, kind) })),
        database: { kind, ...database },
        redis,
        tls: app.tlsExpiresAt ? { expires_at: app.tlsExpiresAt().toISOString() } : null,
        cache: app.cache.tiers(),
        keys,
        audit: app.audit.counts()
      }
    }
  })
}, { name: 'system', dependencies: ['db', 'health', 'redis', 'vault', 'audit', 'cache'] })

/** What is told while the database is away. */
const ifAway = <T>(value: T) => (error: unknown): T => {
  if (!isOutage(error)) throw error
  return value
}

/** A sentence about a dependency: how it is, and what that means. */
function explain (name: string, state: HealthState, kind: System['database']['kind']): string {
  const [what, provider] = name.split(':')
  const isUp = state === 'ok'
  if (what === 'database') {
    if (isUp) return kind === 'embedded' ? 'The embedded Postgres answers.' : 'Postgres answers.'
    return 'Postgres does not answer. Sessions that were verified lately go on for a while, and nothing can be changed. ' +
      (kind === 'embedded' ? 'It is started again by itself; the log tells why it ended.' : 'Check DATABASE_URL, and that Postgres runs.')
  }
  if (what === 'redis') {
    return isUp
      ? 'Redis answers.'
      : 'Redis does not answer. The server goes on without it: answers are cached in memory, quota is counted by each server. ' +
        'Check REDIS_URL, and that Redis runs.'
  }
  const { title } = PROVIDERS[provider as ProviderName] ?? { title: name }
  return isUp
    ? `${title} answers, or was not asked lately.`
    : `${title} fails with every key that was used in the last minute. Other providers are asked; it is tried again by itself.`
}
