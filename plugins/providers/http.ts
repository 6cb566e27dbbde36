import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config.ts'
import { createHttp, type ProviderHttp } from '../../providers/http.ts'
import { PROVIDERS } from '../../providers/index.ts'
import { createResilience, type CircuitStateName } from '../../providers/resilience.ts'

const GAUGE: Record<CircuitStateName, number> = { closed: 0, half_open: 0.5, open: 1 }

/**
 * The way to the providers, closed with the server. A provider is down where every key that was used in the last
 * minute fails at it: one that fails with some keys alone is up.
 */
export function openProviderHttp (
  app: FastifyInstance,
  { providerUrls, providerDeadlineMs, endpointPrivateRanges }: Pick<Config, 'providerUrls' | 'providerDeadlineMs' | 'endpointPrivateRanges'>
): ProviderHttp {
  const resilience = createResilience({ log: app.log })
  for (const { name } of Object.values(PROVIDERS).filter(({ name }) => name !== 'sample')) {
    app.health.add(`provider:${name}`, () => {
      const states = resilience.states().get(name) ?? []
      return states.length && !states.includes('closed') ? 'down' : 'ok'
    })
  }
  app.metrics.watch({
    name: 'fms_breaker_state',
    help: 'Of a provider\'s breakers that were used in the last minute the worst: 0 closed, 0.5 half-open, 1 open',
    labels: ['provider']
  }, () => [...resilience.states()].map(([provider, states]) =>
    [{ provider }, Math.max(...states.map(state => GAUGE[state]))]))
  for (const state of ['running', 'waiting'] as const) {
    app.metrics.watch({
      name: `fms_provider_requests_${state}`,
      help: state === 'running' ? 'Requests to providers that are under way' : 'Requests to providers that wait for their turn',
      labels: ['provider']
    }, () => [...resilience.loads()].map(([provider, load]) => [{ provider }, load[state]]))
  }
  const http = createHttp({
    urls: providerUrls,
    deadlineMs: providerDeadlineMs,
    resilience,
    egress: { privateRanges: endpointPrivateRanges },
    onOutcome: app.metrics.providerRequest,
    span: app.tracing.span,
    onRefused: (provider, { host, address }, log = app.log) => log.warn({ provider, host, address },
      'an endpoint of a connection stands for an address that is not public; if it should be asked, add its range to ENDPOINT_PRIVATE_RANGES')
  })
  app.addHook('onClose', () => http.close())
  return http
}
