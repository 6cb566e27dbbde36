import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { createRejectedKeys } from '../../providers/rejected-keys.ts'
import { createRequests } from '../../providers/requests.ts'
import { createRouter, type ProviderRouter } from '../../providers/router.ts'
import type { ProviderName } from '../../schemas/market.ts'
import { openProviderHttp } from './http.ts'

declare module 'fastify' {
  interface FastifyInstance {
    providers: ProviderRouter
  }
}

/** The router over every provider, with the connection's keys opened at call time. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const http = openProviderHttp(app, config)
  const rejectedKeys = createRejectedKeys()
  app.bus.subscribe('bus:reset', () => rejectedKeys.forget())
  for (const topic of ['credential:changed', 'entitlements:changed']) {
    app.bus.subscribe(topic, ({ connection_id: id, provider }: { connection_id?: string, provider?: ProviderName }) =>
      rejectedKeys.forget(id, provider))
  }
  app.decorate('providers', createRouter({
    requests: createRequests({
      http, quota: app.quota, rejectedKeys, refusalsOf: app.entitlements.list, learn: app.entitlements.learn
    }),
    openCredential: (connectionId, provider) => app.vault.openCredential(connectionId, provider),
    onDefect: (error, provider, log = app.log) => log.error({ err: error, provider }, 'a provider adapter failed')
  }))
}, { name: 'providers', dependencies: ['tracing', 'vault', 'bus', 'entitlements', 'quota', 'metrics'] })
