import fp from 'fastify-plugin'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ProviderName } from '../../schemas/market.ts'
import { VERSION } from '../../version.ts'
import { observeHttp } from './http.ts'
import { processMetrics } from './process.ts'

/** Which tier had the answer; `stale`: it was past its time, wherever it was. */
export type CacheUse = 'memory' | 'store' | 'stale' | 'miss'

export interface CallSample {
  tool: string
  /** Whose data it is: `none` where nobody answered, `several` where more than one did. */
  provider: ProviderName | 'none' | 'several'
  /** `ok`, `cancelled`, or a code of the errors table. */
  outcome: string
  cache: CacheUse
  seconds: number
}

/** What is read anew at each scrape: a counter where its name ends in `_total`, else a gauge. */
export interface Watched<L extends string> {
  name: string
  help: string
  labels?: readonly L[]
}
export type Row<L extends string> = [labels: Record<L, string>, value: number]

export interface Metrics {
  toolCall: (sample: CallSample) => void
  /** One attempt at a provider and how it ended. @param seconds undefined: nothing was sent */
  providerRequest: (provider: ProviderName, outcome: string, seconds?: number) => void
  /** @param read the rows now, quickly; a read that fails leaves its metric out of the scrape */
  watch: <L extends string>(watched: Watched<L>, read: () => Iterable<Row<L>> | Promise<Iterable<Row<L>>>) => void
  /** All of it in the text format of Prometheus. */
  read: () => Promise<string>
  contentType: string
}

declare module 'fastify' {
  interface FastifyInstance { metrics: Metrics }
}

const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const REQUEST_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What the process counts and holds, read at `GET /metrics`. Labels come from lists of ours, never from a caller. */
export default fp(async app => {
  const registry = new Registry()
  const registers = [registry]

  const toolCalls = new Counter({
    name: 'fms_tool_calls_total', help: 'Calls of tools', labelNames: ['tool', 'provider', 'outcome', 'cache'], registers
  })
  const callSeconds = new Histogram({
    name: 'fms_tool_call_duration_seconds',
    help: 'How long calls of tools took, in seconds',
    labelNames: ['tool', 'cache'],
    buckets: CALL_SECONDS,
    registers
  })
  const requests = new Counter({
    name: 'fms_provider_requests_total', help: 'Attempts at providers', labelNames: ['provider', 'outcome'], registers
  })
  const requestSeconds = new Histogram({
    name: 'fms_provider_request_duration_seconds',
    help: 'How long attempts at providers took that were sent, in seconds',
    labelNames: ['provider'],
    buckets: REQUEST_SECONDS,
    registers
  })
  observeHttp(app, registers)

  const metrics: Metrics = {
    toolCall ({ tool, provider, outcome, cache, seconds }) {
      toolCalls.inc({ tool, provider, outcome, cache })
      callSeconds.observe({ tool, cache }, seconds)
    },
    providerRequest (provider, outcome, seconds) {
      requests.inc({ provider, outcome })
      if (seconds !== undefined) requestSeconds.observe({ provider }, seconds)
    },
    watch ({ name, help, labels: labelNames = [] }, read) {
      const isCounter = name.endsWith('_total')
      const metric: Counter | Gauge = new (isCounter ? Counter : Gauge)({
        name,
        help,
        labelNames: [...labelNames],
        registers,
        async collect () {
          const rows = await Promise.resolve().then(read).catch(error => {
            app.log.debug({ err: error, metric: name }, 'a metric could not be read')
            return []
          })
          metric.reset()
          // Without labels it would be 0, which is not the same as unknown.
          if (!labelNames.length) metric.remove()
          for (const [labels, value] of rows) metric.inc(labels, value)
        }
      })
    },
    read: () => Registry.merge([registry, processMetrics()]).metrics(),
    contentType: registry.contentType
  }
  app.decorate('metrics', metrics)

  metrics.watch({ name: 'fms_build_info', help: 'The version that runs; the value is always 1', labels: ['version', 'node_version'] },
    () => [[{ version: VERSION, node_version: process.version }, 1]])
  metrics.watch({ name: 'fms_dependency_up', help: 'Whether what the server depends on is there: 1 or 0', labels: ['dependency'] },
    () => Object.entries(app.health.read()).map(([dependency, state]) => [{ dependency }, state === 'ok' ? 1 : 0]))
}, { name: 'metrics', dependencies: ['health'] })
