import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { createHttp } from '../providers/http.ts'
import { createMeter, type Meter } from '../providers/meter.ts'
import { createRequests } from '../providers/requests.ts'
import { createRouter, type ProviderRouter } from '../providers/router.ts'

declare module 'fastify' {
  interface FastifyInstance {
    providers: ProviderRouter
    meter: Meter
  }
}

/** The router over every provider, with the connection's keys opened at call time. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const http = createHttp({ urls: config.providerUrls })
  app.addHook('onClose', () => http.close())
  const meter = createMeter()
  app.decorate('meter', meter)
  app.decorate('providers', createRouter({
    requests: createRequests({ http, meter, refusalsOf: app.entitlements.list, learn: app.entitlements.learn }),
    openCredential: (connectionId, provider) => app.vault.openCredential(connectionId, provider),
    onDefect: (error, provider) => app.log.error({ err: error, provider }, 'a provider adapter failed')
  }))
}, { name: 'providers', dependencies: ['vault', 'entitlements'] })
