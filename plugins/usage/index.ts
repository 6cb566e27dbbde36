import fp from 'fastify-plugin'
import { countCallsToday, type CallCount } from '../../db/audit-logs.ts'
import { listCredentials } from '../../db/credentials.ts'
import { addUsage, countSessionCallsToday, rollUpUsage } from '../../db/usage.ts'
import { PROVIDERS } from '../../providers/index.ts'
import { endpointsOf } from '../../providers/stored-endpoints.ts'
import type { ConnectionSettings } from '../../schemas/control.ts'
import type { ProviderName } from '../../schemas/market.ts'
import type { ProviderUsage, QuotaUsage, Usage } from '../../schemas/usage.ts'
import type { UsageHistory, UsageQuery } from '../../schemas/usage-history.ts'
import { ANSWER_TOKENS } from '../../tools/budget.ts'
import type { CallPrincipal } from '../tools/caller.ts'
import { createUsageCollector, type UsageCollector } from './collector.ts'
import { readUsageHistory } from './history.ts'
import type {} from '../quota.ts'
import type {} from '../vault.ts'
import type {} from '../entitlements.ts'

export interface UsageBook extends Omit<UsageCollector, 'close'> {
  /** Calls over time. */
  history: (query: UsageQuery) => Promise<UsageHistory>
  /** How often each of a connection's sessions called since 00:00 UTC; one that did not is absent. */
  callsToday: (connectionId: string) => Promise<Map<string, number>>
  /** What a session, or an admin, has used, and what the connection's providers have left. */
  of: (principal: CallPrincipal, settings: ConnectionSettings) => Promise<Usage>
  /** The providers of a connection: what is used and left, and what their keys are not for. */
  providersOf: (connectionId: string, settings: ConnectionSettings) => Promise<ProviderUsage[]>
}

declare module 'fastify' {
  interface FastifyInstance { usage: UsageBook }
}

/** A plan that leaves out single symbols may refuse hundreds. */
const MOST_REFUSALS = 10

const ROLL_UP_MS = 10 * 60_000

/** Counts calls, and reads the audit log for those of a session, and the ledger for what the providers have left. */
export default fp(async app => {
  const { close, ...collector } = createUsageCollector(rows => addUsage(app.db, rows), app.log)

  let rolling = Promise.resolve()
  const timer = setInterval(() => {
    rolling = rolling.then(() => rollUpUsage(app.db)).catch((error: unknown) =>
      app.log.warn({ err: error }, 'the usage of days ago could not be rolled up; it is tried again'))
  }, ROLL_UP_MS).unref()
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await rolling
    await close()
  })

  async function callsOf (principal: CallPrincipal): Promise<CallCount[]> {
    // What was called a moment ago is still on its way to the log.
    await app.audit.flush()
    return countCallsToday(app.db, principal)
  }

  async function quotaOf (
    connectionId: string, provider: ProviderName, hasKey: boolean, settings: ConnectionSettings
  ): Promise<QuotaUsage> {
    if (!hasKey && !PROVIDERS[provider].keyless) return { windows: [], blocked_until: null, limit: null }
    const credential = hasKey ? await app.vault.openCredential(connectionId, provider) : null
    const ledger = app.quota.ledgerOf(provider, credential, endpointsOf(provider, settings))
    return app.quota.usageOf({ connectionId, provider, ledger, plan: settings.quota[provider] })
  }

  const usage: UsageBook = {
    ...collector,

    async history (query) {
      await collector.flush()
      return readUsageHistory(app.db, query)
    },

    async callsToday (connectionId) {
      await collector.flush()
      const rows = await countSessionCallsToday(app.db, connectionId)
      return new Map(rows.map(({ session_id: id, calls }) => [id, calls]))
    },

    async of (principal, settings) {
      const { session_id: id, connection_id: connectionId, scope } = principal
      const perDay = scope.calls_per_day
      const [calls, providers, day] = await Promise.all([
        callsOf(principal),
        usage.providersOf(connectionId, settings),
        id === null || perDay === undefined ? null : app.quota.callsOf(id, perDay)
      ])
      const sum = (of: 'calls' | 'failed' | 'cached') => calls.reduce((total, row) => total + row[of], 0)
      return {
        session: {
          session_id: id,
          calls_today: sum('calls'),
          failed_today: sum('failed'),
          from_cache_today: sum('cached'),
          calls_per_day: day,
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
      return Promise.all(orderedNames(settings).map(async name => ({
        provider: name,
        has_key: hasKey(name) || PROVIDERS[name].credential_fields.length === 0,
        ...await quotaOf(connectionId, name, hasKey(name), settings),
        not_entitled: refusals.filter(({ provider }) => provider === name).slice(0, MOST_REFUSALS)
          .map(({ provider, ...refusal }) => refusal)
      })))
    }
  }
  app.decorate('usage', usage)
}, { name: 'usage', dependencies: ['db', 'vault', 'audit', 'quota', 'entitlements'] })

/** Every provider that the connection may ask for anything. */
function orderedNames ({ provider_order: order, capability_order: orders }: ConnectionSettings): ProviderName[] {
  return [...new Set([...order, ...Object.values(orders).flat()])]
}
