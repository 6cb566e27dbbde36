import fp from 'fastify-plugin'
import { Counter, Gauge, Registry, type GaugeConfiguration } from 'prom-client'
import type { ProviderName } from '../schemas/market.ts'

export type CacheUse = 'hit' | 'stale' | 'miss'

export interface Metrics {
  /** For what another plugin counts by itself. */
  registry: Registry
  /** @param outcome `ok`, or a code of the errors table */
  toolCall: (tool: string, outcome: string, cache: CacheUse) => void
  /** One attempt at a provider and how it ended. */
  providerRequest: (provider: ProviderName, outcome: string) => void
  /** @param read 0 closed, 0.5 half-open, 1 open, of each provider whose breakers were used lately */
  watchBreakers: (read: () => Map<ProviderName, number>) => void
}

declare module 'fastify' {
  interface FastifyInstance { metrics: Metrics }
}

/** What the process counts, read at `GET /metrics`. */
export default fp(async app => {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (configuration: Omit<GaugeConfiguration<string>, 'registers'>) =>
    new Gauge({ ...configuration, registers })
  let breakers = () => new Map<ProviderName, number>()

  const toolCalls = new Counter({
    name: 'fms_tool_calls_total', help: 'Calls of tools', labelNames: ['tool', 'outcome', 'cache'], registers
  })
  const requests = new Counter({
    name: 'fms_provider_requests_total', help: 'Attempts at providers', labelNames: ['provider', 'outcome'], registers
  })
  gauge({
    name: 'fms_dependency_up',
    help: 'Whether what the server depends on is there',
    labelNames: ['dependency'],
    collect () {
      for (const [dependency, state] of Object.entries(app.health.read())) this.set({ dependency }, state === 'ok' ? 1 : 0)
    }
  })
  gauge({
    name: 'fms_breaker_state',
    help: 'Of a provider\'s breakers the worst: 0 closed, 0.5 half-open, 1 open',
    labelNames: ['provider'],
    collect () {
      this.reset()
      for (const [provider, state] of breakers()) this.set({ provider }, state)
    }
  })
  gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory',
    collect () { this.set(process.memoryUsage.rss()) }
  })

  app.decorate('metrics', {
    registry,
    toolCall: (tool, outcome, cache) => toolCalls.inc({ tool, outcome, cache }),
    providerRequest: (provider, outcome) => requests.inc({ provider, outcome }),
    watchBreakers: read => { breakers = read }
  })
}, { name: 'metrics', dependencies: ['health'] })
