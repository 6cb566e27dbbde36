import type { FastifyInstance } from 'fastify'
import { Histogram, type Registry } from 'prom-client'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** An answer that lasts as long as its client wants says nothing of how quick the server is. */
    isStream?: boolean
  }
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Measures requests by the pattern of their route: what no route matches has the route `none`. */
export function observeHttp (app: FastifyInstance, registers: Registry[]): void {
  const seconds = new Histogram({
    name: 'fms_http_request_duration_seconds',
    help: 'How long requests took until their answer was written, in seconds',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers
  })
  app.addHook('onResponse', async (request, reply) => {
    const { url: route = 'none', config } = request.routeOptions
    if (config.isStream && reply.statusCode === 200) return
    seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
}
