import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { problem, type Problem } from '../errors.ts'
import type {} from './limits.ts'

export interface OverloadOptions {
  config: Pick<Config, 'maxEventLoopDelayMs' | 'maxMemoryBytes'>
  /** How often it is measured; the delay of the event loop is the mean since the last time. */
  sampleMs?: number
}

const RETRY_SECONDS = 5
/** One long pause, as of a first call that compiles, is no overload: it is over when it is seen. */
const LATE_SAMPLES = 3

/** Turns requests away while the process is late or large, before it hurts those that are under way. */
export default fp<OverloadOptions>(async (app, { config, sampleMs = 1000 }) => {
  const { maxEventLoopDelayMs, maxMemoryBytes } = config
  if (!maxEventLoopDelayMs && !maxMemoryBytes) return
  let overloaded = false
  let lateSamples = 0
  const check = setInterval(() => {
    const { eventLoopDelay, rssBytes } = app.memoryUsage()
    lateSamples = maxEventLoopDelayMs && eventLoopDelay > maxEventLoopDelayMs ? lateSamples + 1 : 0
    const isOver = lateSamples >= LATE_SAMPLES || (maxMemoryBytes > 0 && rssBytes > maxMemoryBytes)
    if (overloaded === isOver) return
    overloaded = isOver
    if (overloaded) app.log.warn(app.memoryUsage(), 'the server is overloaded; requests are turned away')
    else app.log.info(app.memoryUsage(), 'the server is not overloaded any more')
  }, sampleMs).unref()
  app.addHook('onClose', async () => clearInterval(check))

  await app.register(underPressure, {
    maxEventLoopDelay: maxEventLoopDelayMs,
    maxRssBytes: maxMemoryBytes,
    sampleInterval: sampleMs,
    async pressureHandler (request) {
      if (overloaded && !request.routeOptions.config.unlimited) throw overload()
    }
  })
}, { name: 'overload' })

/** Without a stack: it must cost nothing. */
function overload (): Problem {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return problem('OVERLOADED', 'The server has more to do than it can. Call again shortly.', { retry_after_seconds: RETRY_SECONDS })
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
