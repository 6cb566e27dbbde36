import type { FastifyBaseLogger, FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { untraced, type Trace } from '../../trace.ts'

export interface Tracing {
  /** Runs work within a span. */
  span: Trace
  /** What every log line says of the trace that it belongs to. */
  logFields: () => object
  /** Opens a span for each request; absent where nothing is traced. */
  requests?: FastifyPluginCallback
  /** Where it is said that spans cannot be sent. */
  logTo: (log: FastifyBaseLogger) => void
  close: () => Promise<void>
}

declare module 'fastify' {
  interface FastifyInstance { tracing: Pick<Tracing, 'span'> }
}

const NONE: Tracing = { span: untraced, logFields: () => ({}), logTo: () => {}, close: async () => {} }

/** OpenTelemetry where a collector is named. Nothing of it is loaded where none is. */
export async function openTracing ({ otlpEndpoint }: Pick<Config, 'otlpEndpoint'>): Promise<Tracing> {
  if (otlpEndpoint === undefined) return NONE
  const { createTracing } = await import('./otel.ts')
  return createTracing(otlpEndpoint)
}

/** Spans of requests, and of what is done for them. The first plugin: what comes before it is in no span. */
export default fp<{ tracing?: Tracing }>(async (app, { tracing = NONE }) => {
  const { span, requests, logTo, close } = tracing
  app.decorate('tracing', { span })
  logTo(app.log)
  app.addHook('onClose', close)
  if (!requests) return
  await app.register(requests)
  app.addHook('onRequest', async (request, reply) => {
    // Nothing else ends the span of an answer that nobody waited for.
    reply.raw.once('close', () => request.opentelemetry().span?.end())
  })
}, { name: 'tracing' })
