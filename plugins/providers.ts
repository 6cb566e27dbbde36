import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { createHttp } from '../providers/http.ts'
import { createRouter, type ProviderRouter } from '../providers/router.ts'

declare module 'fastify' {
  interface FastifyInstance { providers: ProviderRouter }
}

/** The router over every provider, with the connection's keys opened at call time. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const http = createHttp({ urls: config.providerUrls })
  app.addHook('onClose', () => http.close())
  app.decorate('providers', createRouter({
    http,
    openCredential: (connectionId, provider) => app.vault.openCredential(connectionId, provider),
    onDefect: (error, provider) => app.log.error({ err: error, provider }, 'a provider adapter failed')
  }))
}, { name: 'providers', dependencies: ['vault'] })
