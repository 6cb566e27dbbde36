import { FastifyOtelInstrumentation } from '@fastify/otel'
import {
  context, propagation, SpanKind, SpanStatusCode, trace as traces, type Context, type Link, type Span
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../../errors.ts'
import type { SpanAttributes, SpanOptions, Trace } from '../../trace.ts'
import { VERSION } from '../../version.ts'
import { createCleanExporter } from './exporter.ts'
import type { Tracing } from './index.ts'

const NAME = 'financial-mcp-server'
/** A collector that is away must not hold up a stop. */
const CLOSE_MS = 2000
/** Probes and scrapes: many, and nobody looks at them. */
const IGNORED = /^\/(health|metrics)\b/

/**
 * Sends spans to a collector by OTLP over HTTP. The other variables of OpenTelemetry (OTEL_SERVICE_NAME,
 * OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_EXPORTER_OTLP_HEADERS …) are read by its library.
 * @param endpoint the collector's base URL
 */
export function createTracing (endpoint: string): Tracing {
  const { exporter, logTo } = createCleanExporter(new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }))
  const processor = new BatchSpanProcessor(exporter)
  const provider = new NodeTracerProvider({ resource: toResource(), spanProcessors: [processor] })
  // Baggage is what others want said to whom we ask: nobody is told it.
  provider.register({ propagator: new W3CTraceContextPropagator() })
  const instrumentation = new FastifyOtelInstrumentation({
    ignorePaths: ({ url }) => IGNORED.test(url),
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
    requestHook (span, { id, method, routeOptions: { url: route } }) {
      span.updateName(route ? `${method} ${route}` : method)
      // In place of the URL, which may hold a token.
      span.setAttributes({ 'url.path': route ?? 'unknown', 'fms.request_id': id })
    }
  })
  instrumentation.setTracerProvider(provider)
  const tracer = provider.getTracer(NAME, VERSION)

  const span: Trace = (name, { kind, attributes = {}, traceparent }, work) => {
    const { parent, links } = placeOf(traceparent)
    const started = tracer.startSpan(name, { kind: toKind(kind, traceparent), attributes, links }, parent)
    return context.with(traces.setSpan(parent, started), () => within(started, work))
  }
  return {
    span,
    logTo,
    logFields () {
      const known = traces.getActiveSpan()?.spanContext()
      return known ? { trace_id: known.traceId, span_id: known.spanId } : {}
    },
    requests: instrumentation.plugin(),
    async close () {
      await Promise.race([provider.shutdown().catch(() => {}), sleep(CLOSE_MS, undefined, { ref: false })])
      for (const api of [traces, context, propagation]) api.disable()
    }
  }
}

async function within<T> (span: Span, work: (note: (attributes: SpanAttributes) => void) => Promise<T>): Promise<T> {
  try {
    return await work(attributes => {
      span.setAttributes(attributes)
      if ('error.type' in attributes) span.setStatus({ code: SpanStatusCode.ERROR })
    })
  } catch (error) {
    // The code alone: a message may hold what was asked.
    span.setStatus({ code: SpanStatusCode.ERROR })
    span.setAttribute('error.type', codeOf(error))
    throw error
  } finally {
    span.end()
  }
}

/** Under the caller's span, where it is named; the transport's is linked then. */
function placeOf (traceparent: string | undefined): { parent: Context, links: Link[] } {
  const active = context.active()
  if (traceparent === undefined) return { parent: active, links: [] }
  const parent = propagation.extract(traces.deleteSpan(active), { traceparent })
  const transport = traces.getSpanContext(active)
  return { parent, links: transport ? [{ context: transport }] : [] }
}

function toKind (kind: SpanOptions['kind'], traceparent: string | undefined): SpanKind {
  if (kind === 'client') return SpanKind.CLIENT
  return traceparent === undefined ? SpanKind.INTERNAL : SpanKind.SERVER
}

function toResource () {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': NAME, 'service.version': VERSION, 'service.instance.id': randomUUID() }))
    .merge(detectResources({ detectors: [envDetector] }))
}
