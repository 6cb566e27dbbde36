import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { FastifyBaseLogger } from 'fastify'
import { redact } from '../../logger.ts'

/**
 * An exporter of spans that hold no text of an error, and no token: what the library notes of a request by itself is
 * cleaned as a log line is. The log has a line when spans cannot be sent, and one when they can be again.
 */
export function createCleanExporter (exporter: SpanExporter) {
  let log: Pick<FastifyBaseLogger, 'info' | 'warn'> | undefined
  let isFailing = false

  function tell (failure: Error | undefined): void {
    const failed = failure !== undefined
    if (failed === isFailing) return
    isFailing = failed
    if (failed) log?.warn({ reason: failure.message }, 'traces cannot be sent to OTEL_EXPORTER_OTLP_ENDPOINT; they are dropped')
    else log?.info('traces are sent again')
  }

  const cleaned: SpanExporter = {
    export: (spans, done) => exporter.export(spans.map(clean), result => {
      tell(result.error)
      done(result)
    }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown()
  }
  return { exporter: cleaned, logTo (logger: FastifyBaseLogger) { log = logger } }
}

function clean (span: ReadableSpan): ReadableSpan {
  const attributes = Object.fromEntries(Object.entries(span.attributes)
    .map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]))
  // Some of its members are getters of the prototype.
  return Object.create(span, {
    attributes: { value: attributes, enumerable: true },
    status: { value: { code: span.status.code }, enumerable: true },
    events: { value: [], enumerable: true }
  }) as ReadableSpan
}
