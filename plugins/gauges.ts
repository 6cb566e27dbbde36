import fp from 'fastify-plugin'
import { awake } from '../awake.ts'
import type { Config } from '../config.ts'
import { countOpenSessions } from '../db/sessions.ts'
import { ratioOf } from '../quota/ledger.ts'
import type { SemaphoreLoad } from '../tokens/semaphore.ts'
import type { Row } from './metrics/index.ts'
import type {} from './admin/index.ts'
import type {} from './cache/index.ts'
import type {} from './mcp/index.ts'
import type {} from './quota.ts'

/** A scrape does not wait for a busy database. */
const DATABASE_MS = 1000

/** What the other plugins hold at the moment, for `GET /metrics`: they know nothing of it. */
export default fp<{ config: Pick<Config, 'databasePoolSize'> }>(async (app, { config }) => {
  const { watch } = app.metrics
  const one = (name: string, help: string, read: () => number) => watch({ name, help }, () => [[{}, read()]])

  one('fms_mcp_streams_open', 'Streams of MCP over HTTP+SSE that are open here', app.mcp.countStreams)

  const argon2 = (): [string, SemaphoreLoad][] =>
    [['session_token', app.sessions.argon2Load()], ...Object.entries(app.admin.argon2Load())]
  const argon2Rows = (of: keyof SemaphoreLoad) => (): Row<'secret'>[] => argon2().map(([secret, load]) => [{ secret }, load[of]])
  watch({ name: 'fms_argon2_runs_total', help: 'Runs of argon2', labels: ['secret'] }, argon2Rows('runs'))
  watch({ name: 'fms_argon2_running', help: 'Runs of argon2 that are under way', labels: ['secret'] }, argon2Rows('running'))
  watch({ name: 'fms_argon2_waiting', help: 'Runs of argon2 that wait for their turn', labels: ['secret'] }, argon2Rows('waiting'))

  const queues = () => Object.entries({ database: app.audit.counts(), ...app.audit.copies() })
  watch({ name: 'fms_audit_queue_events', help: 'Audit events that wait to be written', labels: ['to'] },
    () => queues().map(([to, { waiting }]) => [{ to }, waiting]))
  watch({ name: 'fms_audit_dropped_events_total', help: 'Audit events that were dropped', labels: ['to'] },
    () => queues().map(([to, { dropped }]) => [{ to }, dropped]))

  const quota = () => [...app.quota.leastLeft()]
  watch({
    name: 'fms_quota_left_requests',
    help: 'Requests that a provider has left in the window with the least; of several keys, the one with the least',
    labels: ['provider', 'per']
  }, () => quota().map(([provider, { left, per }]) => [{ provider, per }, left]))
  watch({ name: 'fms_quota_left_ratio', help: 'The same as a fraction of the limit', labels: ['provider'] },
    () => quota().map(([provider, left]) => [{ provider }, ratioOf(left)]))
  one('fms_quota_waiting_requests', 'Requests to providers that wait for quota', app.quota.waiting)

  watch({ name: 'fms_database_connections', help: 'Connections of the pool to Postgres', labels: ['state'] },
    () => [[{ state: 'idle' }, app.dbPool.idleCount], [{ state: 'used' }, app.dbPool.totalCount - app.dbPool.idleCount]])
  one('fms_database_connections_limit', 'Most connections of the pool to Postgres', () => config.databasePoolSize)
  one('fms_database_waiting_requests', 'Whoever waits for a connection to Postgres', () => app.dbPool.waitingCount)
  one('fms_bus_connected', 'Whether the other replicas can be heard: 1 or 0', () => Number(app.bus.healthy()))

  // After those of the pool, which it asks for a connection.
  watch({ name: 'fms_sessions_open', help: 'Sessions that are neither revoked nor expired, of all replicas' },
    async () => [[{}, await awake(DATABASE_MS, countOpenSessions(app.db))]])

  const memory = () => app.cache.tiers().memory
  one('fms_cache_memory_bytes', 'Memory that kept answers take', () => memory().bytes)
  one('fms_cache_memory_limit_bytes', 'Most memory that kept answers may take', () => memory().limit_bytes)
  one('fms_cache_memory_entries', 'Answers kept in memory', () => memory().entries)

  if (app.tlsExpiresAt) {
    const expiresAt = app.tlsExpiresAt
    one('fms_tls_certificate_expiry_timestamp_seconds', 'When the certificate expires, in seconds since 1970',
      () => expiresAt().getTime() / 1000)
  }
}, {
  name: 'gauges',
  dependencies: ['metrics', 'db', 'bus', 'audit', 'sessions', 'admin', 'quota', 'cache', 'mcp']
})
