import type { FastifyInstance } from 'fastify'
import type { Meta } from '../../schemas/receipt.ts'
import type { CacheUse } from '../metrics.ts'
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
  ms: number
}

/** Notes a call for the metrics, for the usage, for the list of sessions and for the audit log. */
export function recordCall (
  app: FastifyInstance, { principal, requestId, ip, client, transport }: Caller, { name, outcome, meta, ms }: CallRecord
): void {
  if (name !== null) app.metrics.toolCall(name, outcome, cacheUseOf(meta))
  const { connection_id: connectionId, session_id: sessionId } = principal
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

function cacheUseOf (meta: Meta | undefined): CacheUse {
  return meta?.cache.stale ? 'stale' : meta?.cache.hit ? 'hit' : 'miss'
}
