import {
  bulkhead, circuitBreaker, CircuitState, ConsecutiveBreaker, DelegateBackoff, handleWhen, isBrokenCircuitError,
  isBulkheadRejectedError, SamplingBreaker, type BulkheadPolicy, type CircuitBreakerPolicy, type IBreaker
} from 'cockatiel'
import type { FastifyBaseLogger } from 'fastify'
import { codeOf, problem } from '../errors.ts'
import { createLru } from '../lru.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { Failed, Outcome } from './judge.ts'
import type { Provider } from './types.ts'
import { untilAborted } from './until-aborted.ts'

export type CircuitStateName = 'closed' | 'half_open' | 'open'

/** One attempt at one provider with one key. */
export interface Attempt {
  provider: Provider
  /** What the breaker is kept by: the key's stand-in. */
  key: string
  /** A server that the connection names in the provider's place: it has places of its own. */
  endpoint?: string | undefined
  /** Waited for before the attempt; what it throws is thrown and says nothing of the provider. */
  admit: () => Promise<void> | void
  send: () => Promise<Outcome>
  signal: AbortSignal
}

export interface Resilience {
  /**
   * Sends unless the provider failed repeatedly with this key, or too many requests to it are under way.
   * @throws PROVIDER_UNAVAILABLE in these two cases; the signal's reason; what `admit` throws
   */
  attempt: (attempt: Attempt) => Promise<Outcome>
  /** The breakers of each provider that were asked in the last minute. */
  states: () => Map<ProviderName, CircuitStateName[]>
  /** Of each provider that was asked: the requests under way, and those that wait for their turn. */
  loads: () => Map<ProviderName, { running: number, waiting: number }>
}

export interface ResilienceOptions {
  log?: Pick<FastifyBaseLogger, 'warn' | 'info'> | undefined
  /** Milliseconds that a breaker stays open at first; doubled by each trial that fails. */
  openMs?: number
  /** Requests to one provider at the same time, and how many more wait for their turn. */
  running?: number
  waiting?: number
}

const OPEN_MS = 5_000
const LONGEST_OPEN_MS = 30_000
const MOST_BREAKERS = 5_000
const LATELY_MS = 60_000

interface Breaker {
  policy: CircuitBreakerPolicy
  provider: ProviderName
  /** Unix ms of the next trial, while it is open. */
  retryAt: number
  usedAt: number
}

/** The places of one provider, or of one endpoint in its stead. */
interface Places {
  provider: ProviderName
  policy: BulkheadPolicy
}

/** A trial that ended without a verdict, such as by the caller's abort: the breaker stays open. */
class Unproven extends Error {}

/** A failure of the provider, as the breaker sees it. */
class Down extends Error {
  readonly failed: Failed

  constructor (failed: Failed) {
    super(failed.problem.message)
    this.failed = failed
  }
}

export function createResilience (options: ResilienceOptions = {}): Resilience {
  const { running = 32, waiting = 128 } = options
  const breakers = createLru<Breaker>(MOST_BREAKERS)
  const bulkheads = createLru<Places>(MOST_BREAKERS)

  function breakerOf ({ name }: Provider, key: string): Breaker {
    const id = `${name} ${key}`
    const known = breakers.get(id) ?? createBreaker(name, options)
    breakers.set(id, known)
    known.usedAt = Date.now()
    return known
  }

  function bulkheadOf ({ name }: Provider, endpoint = ''): BulkheadPolicy {
    const id = `${name} ${endpoint}`
    const known = bulkheads.get(id) ?? { provider: name, policy: bulkhead(running, waiting) }
    bulkheads.set(id, known)
    return known.policy
  }

  /** Admitted before its turn: who waits for quota must not hold a place that others could use. */
  async function enter ({ provider, endpoint, admit, send, signal }: Attempt): Promise<Outcome> {
    const places = bulkheadOf(provider, endpoint)
    if (places.executionSlots + places.queueSlots === 0) throw busy(provider)
    await untilAborted(admit(), signal)
    const outcome = await inTurn(places, send, signal)
    if ('isDown' in outcome && outcome.isDown) throw new Down(outcome)
    return outcome
  }

  return {
    async attempt (attempt) {
      const { provider, key } = attempt
      const breaker = breakerOf(provider, key)
      // The library would let it wait for the trial's end, which may take the whole deadline.
      if (breaker.policy.state === CircuitState.HalfOpen) throw refused(provider, breaker)
      try {
        return await breaker.policy.execute(() => {
          const isTrial = breaker.policy.state !== CircuitState.Closed
          return enter(attempt).catch(error => {
            throw isTrial && !(error instanceof Down) ? new Unproven('no verdict', { cause: error }) : error
          })
        })
      } catch (error) {
        if (error instanceof Down) return error.failed
        if (error instanceof Unproven) throw error.cause
        if (isBrokenCircuitError(error)) throw refused(provider, breaker)
        if (isBulkheadRejectedError(error)) throw busy(provider)
        throw error
      }
    },

    states () {
      const states = new Map<ProviderName, CircuitStateName[]>()
      for (const { provider, policy, usedAt } of breakers.values()) {
        if (usedAt < Date.now() - LATELY_MS) continue
        states.set(provider, [...states.get(provider) ?? [], toStateName(policy.state)])
      }
      return states
    },

    loads () {
      const loads = new Map<ProviderName, { running: number, waiting: number }>()
      for (const { provider, policy } of bulkheads.values()) {
        const sum = loads.get(provider) ?? { running: 0, waiting: 0 }
        sum.running += running - policy.executionSlots
        sum.waiting += waiting - policy.queueSlots
        loads.set(provider, sum)
      }
      return loads
    }
  }
}

function toStateName (state: CircuitState): CircuitStateName {
  return state === CircuitState.Closed ? 'closed' : state === CircuitState.HalfOpen ? 'half_open' : 'open'
}

function createBreaker (provider: ProviderName, { log, openMs = OPEN_MS }: ResilienceOptions): Breaker {
  const policy = circuitBreaker(handleWhen(error => error instanceof Down || error instanceof Unproven), {
    breaker: either(
      new ConsecutiveBreaker(5),
      new SamplingBreaker({ threshold: 0.499, duration: 10_000, minimumRps: 1 })
    ),
    halfOpenAfter: new DelegateBackoff(({ attempt }) => {
      const waitMs = Math.min(openMs * 2 ** (attempt - 1), LONGEST_OPEN_MS)
      breaker.retryAt = Date.now() + waitMs
      return waitMs
    })
  })
  const breaker: Breaker = { policy, provider, retryAt: 0, usedAt: 0 }
  let isLogged = false
  policy.onBreak(reason => {
    if (isLogged) return
    isLogged = true
    const failure = 'error' in reason && reason.error instanceof Down ? reason.error.failed.problem : undefined
    log?.warn({ provider, code: failure && codeOf(failure), reason: failure?.message },
      'a provider failed repeatedly; it is not asked for a while')
  })
  policy.onReset(() => {
    isLogged = false
    log?.info({ provider }, 'a provider answers again')
  })
  return breaker
}

/** Opens where any of them would. */
function either (...breakers: IBreaker[]): IBreaker {
  return {
    state: undefined,
    success: state => { for (const breaker of breakers) breaker.success(state) },
    failure: state => breakers.map(breaker => breaker.failure(state)).includes(true)
  }
}

/** Who is aborted leaves at once; the bulkhead itself would keep it until its turn. */
function inTurn (places: BulkheadPolicy, send: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      const { reason } = signal
      reject(reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    places.execute(() => {
      signal.removeEventListener('abort', leave)
      signal.throwIfAborted()
      return send()
    }).then(resolve, reject)
  })
}

function refused ({ name, title }: Provider, { retryAt }: Breaker) {
  const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000))
  return problem('PROVIDER_UNAVAILABLE', `${title} failed repeatedly and is not asked for now. Try again in ${seconds} s, or ask another provider.`,
    { provider: name, retry_after_seconds: seconds })
}

function busy ({ name, title }: Provider) {
  return problem('PROVIDER_UNAVAILABLE', `Too many requests to ${title} are under way here. Try again in a moment, or ask another provider.`,
    { provider: name, retry_after_seconds: 1 })
}
