import type { FastifyInstance } from 'fastify'
import type { Problem } from '../../errors.ts'
import type { ProviderName } from '../../schemas/market.ts'
import type { Meta } from '../../schemas/receipt.ts'
import type { Cached } from '../cache/index.ts'
import type { CacheUse, CallSample } from '../metrics/index.ts'
import type { CallGroup } from '../usage/collector.ts'
import type { Caller, CallPrincipal } from './caller.ts'

/** How one call ended. */
export interface CallRecord {
  /** Null: there is no such tool. */
  name: string | null
  /** `ok`, `cancelled`, or a code of the errors table. */
  outcome: string
  /** The answer's receipt, where there is an answer. */
  meta: Meta | undefined
  /** Which tier of the cache had it. */
  tier: Cached['tier'] | undefined
  /** What was thrown, where there is no answer. */
  failure: unknown
  ms: number
}

/** Notes a call for the metrics, for the usage, for the list of sessions and for the audit log. */
export function recordCall (
  app: FastifyInstance, { principal, requestId, ip, client, transport }: Caller, record: CallRecord
): void {
  const { name, outcome, meta, tier, failure, ms } = record
  const { connection_id: connectionId, session_id: sessionId } = principal
  if (name !== null) {
    const provider = providerOf(meta ? meta.provider : (failure as Problem | undefined)?.provider)
    app.metrics.toolCall({ tool: name, provider, outcome, cache: cacheUseOf(meta, tier), seconds: ms / 1000 })
  }
  app.usage.count(toGroup(principal, name ?? 'unknown'), { outcome, hit: meta?.cache.hit ?? false, ms })
  if (sessionId !== null) app.sessions.touch(sessionId, { address: ip, call: true, ...(client && { client }) })
  app.audit.enqueue({
    action: 'tool.call',
    actor: principal.kind === 'session' ? `session:${sessionId}` : principal.actor,
    target: name,
    outcome,
    connection_id: connectionId,
    session_id: sessionId,
    client_name: client?.name ?? null,
    client_version: client?.version ?? null,
    ip,
    request_id: requestId,
    latency_ms: Math.round(ms),
    details: { transport, ...(meta && { provider: meta.provider, cache_hit: meta.cache.hit }) }
  })
}

/** Whose calls are counted together. */
export function toGroup (principal: CallPrincipal, tool: string): CallGroup {
  return { connection_id: principal.connection_id, session_id: principal.session_id, tool }
}

function cacheUseOf (meta: Meta | undefined, tier: Cached['tier'] | undefined): CacheUse {
  return meta?.cache.stale ? 'stale' : tier ?? 'miss'
}

function providerOf (names: string | null | undefined): CallSample['provider'] {
  if (!names) return 'none'
  return names.includes(',') ? 'several' : names as ProviderName
}
