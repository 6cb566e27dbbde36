import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { problem, type Problem } from '../errors.ts'
import { createLru } from '../lru.ts'
import { toNetwork } from './admin/login.ts'

/** How many requests a client may make in a minute, at this replica. */
export interface Limits {
  /** Counts one request of a session. @throws RATE_LIMITED with the seconds until the next minute */
  countSession: (sessionId: string) => void
}

declare module 'fastify' {
  interface FastifyInstance { limits: Limits }
  interface FastifyContextConfig {
    /** Neither the limits nor an overload turn it away: probes, which must always be answered. */
    unlimited?: boolean
  }
}

const WINDOW_MS = 60_000
const MOST_CLIENTS = 10_000

/** Addresses are counted before anything else is done for them, sessions once they are known. */
export default fp<{ config: Pick<Config, 'sessionCallsPerMinute' | 'addressCallsPerMinute'> }>(async (app, { config }) => {
  const { sessionCallsPerMinute: perSession, addressCallsPerMinute: perAddress } = config
  const countSession = createCounter(perSession,
    `This session has made ${perSession} requests in a minute, the most that it may. Wait, or ask for more at once.`)
  const countAddress = createCounter(perAddress,
    `This address has made ${perAddress} requests in a minute, the most that it may. Wait, or ask for more at once.`)

  app.decorate('limits', { countSession })
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.unlimited) return done()
    try {
      countAddress(toNetwork(request.ip))
      done()
    } catch (error) {
      done(error as Problem)
    }
  })
}, { name: 'limits' })

/**
 * Counts in windows that begin with a client's first request. A counter of its own: a store behind promises and timers
 * costs more than all that a cached call does.
 */
function createCounter (limit: number, detail: string): (client: string) => void {
  const windows = createLru<{ count: number, endsAt: number }>(MOST_CLIENTS)
  return client => {
    const now = Date.now()
    const window = windows.get(client)
    if (!window || window.endsAt <= now) windows.set(client, { count: 1, endsAt: now + WINDOW_MS })
    else if (++window.count > limit) throw tooMany(detail, Math.ceil((window.endsAt - now) / 1000))
  }
}

/** Without a stack: thousands of them a second must cost nothing. */
export function tooMany (detail: string, seconds: number): Problem {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return problem('RATE_LIMITED', detail, { retry_after_seconds: seconds })
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
