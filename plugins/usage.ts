import fp from 'fastify-plugin'
import { countCallsToday, type CallCount } from '../db/audit-logs.ts'
import { listCredentials } from '../db/credentials.ts'
import { PROVIDERS } from '../providers/index.ts'
import type { ConnectionSettings } from '../schemas/control.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { ProviderUsage, Usage } from '../schemas/usage.ts'
import { ANSWER_TOKENS } from '../tools/budget.ts'
import type { SessionPrincipal } from './sessions.ts'
import type {} from './providers.ts'
import type {} from './entitlements.ts'

export interface UsageReader {
  /** What a session has used, and what its connection's providers have left. */
  of: (principal: SessionPrincipal, settings: ConnectionSettings) => Promise<Usage>
  /** The providers of a connection: counts, limits and what their keys are not for. */
  providersOf: (connectionId: string, settings: ConnectionSettings) => Promise<ProviderUsage[]>
}

declare module 'fastify' {
  interface FastifyInstance { usage: UsageReader }
}

/** A plan that leaves out single symbols may refuse hundreds. */
const MOST_REFUSALS = 10

/** Reads the audit log for the session's calls, and the providers' counts. */
export default fp(async app => {
  async function callsOf (sessionId: string): Promise<CallCount[]> {
    // What was called a moment ago is still on its way to the log.
    await app.audit.flush()
    return countCallsToday(app.db, sessionId)
  }

  const usage: UsageReader = {
    async of ({ session_id: id, connection_id: connectionId, scope }, settings) {
      const [calls, providers] = await Promise.all([callsOf(id), usage.providersOf(connectionId, settings)])
      const sum = (of: 'calls' | 'failed' | 'cached') => calls.reduce((total, row) => total + row[of], 0)
      return {
        session: {
          session_id: id,
          calls_today: sum('calls'),
          failed_today: sum('failed'),
          from_cache_today: sum('cached'),
          by_tool: Object.fromEntries(calls.map(({ tool, calls }) => [tool, calls])),
          answer_tokens: scope.answer_tokens === undefined ? ANSWER_TOKENS : scope.answer_tokens
        },
        providers
      }
    },

    async providersOf (connectionId, settings) {
      const [credentials, refusals] = await Promise.all([
        listCredentials(app.db, connectionId), app.entitlements.list(connectionId)
      ])
      const hasKey = (name: ProviderName) => credentials.some(({ provider }) => provider === name)
      return orderedNames(settings).map(name => ({
        provider: name,
        has_key: hasKey(name) || PROVIDERS[name].credential_fields.length === 0,
        ...app.meter.read(connectionId, name),
        not_entitled: refusals.filter(({ provider }) => provider === name).slice(0, MOST_REFUSALS)
          .map(({ provider, ...refusal }) => refusal)
      }))
    }
  }
  app.decorate('usage', usage)
}, { name: 'usage', dependencies: ['db', 'audit', 'providers', 'entitlements'] })

/** Every provider that the connection may ask for anything. */
function orderedNames ({ provider_order: order, capability_order: orders }: ConnectionSettings): ProviderName[] {
  return [...new Set([...order, ...Object.values(orders).flat()])]
}
