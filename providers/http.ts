import type { FastifyBaseLogger } from 'fastify'
import { Agent, type Dispatcher } from 'undici'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, isProblem } from '../errors.ts'
import type { ProviderName } from '../schemas/market.ts'
import { createBodyStore, readText, type BodyStore } from './body.ts'
import { AddressRefused, createGuardedConnector, type EgressOptions } from './egress.ts'
import { judge, judgeBreak, judgeTimeout, type Failed, type Outcome } from './judge.ts'
import { createResilience, type Resilience } from './resilience.ts'
import { toBase } from './stored-endpoints.ts'
import { untraced, type SpanAttributes, type Trace } from '../trace.ts'
import type { Credential, Provider, ProviderRequest, ProviderSettings, ProviderUrls } from './types.ts'

export interface HttpOptions {
  urls: ProviderUrls
  /** Milliseconds for the whole request, its retry included. */
  deadlineMs?: number
  /** Bytes of a body after decompression. */
  maxBytes?: number
  resilience?: Resilience
  /** How endpoints that stand on connections are connected to; by default to public addresses only. */
  egress?: Partial<EgressOptions>
  /** Told of an endpoint that was not connected to. */
  onRefused?: (provider: ProviderName, refusal: AddressRefused, log: Upstream['log']) => void
  /**
   * Told how each attempt ended: `ok`, `aborted`, or an error's code in lower case, without its prefix; it ends in
   * `_unsent` where nothing was sent, else comes with the seconds from the sending to the answer.
   */
  onOutcome?: (provider: ProviderName, outcome: string, seconds?: number) => void
  /** Each attempt is one span. */
  span?: Trace
}

export interface Upstream {
  provider: Provider
  credential: Credential | null
  /** Stands for the key without telling it. */
  key?: string
  settings: ProviderSettings
  signal: AbortSignal
  /** Of the call that it is sent for. */
  log?: Pick<FastifyBaseLogger, 'debug' | 'warn'> | undefined
  /** Told of each request that is sent, of each answer's headers, and of a refusal for the plan. */
  observer?: Observer
}

export interface Observer {
  /** Before each attempt, which waits for it and fails with it. */
  sent: () => void | Promise<void>
  /** The key is over its limit. @returns seconds until it may be asked again */
  limited?: (retryAfterSeconds: number | undefined) => number
  answered: (headers: Headers) => void
  /** @param message what the provider said, in one line without keys */
  refused: (message: string, about: 'symbol' | undefined) => void
}

type Headers = Record<string, string | string[] | undefined>

export interface ProviderHttp {
  /**
   * Sends one GET and answers its JSON.
   * @throws a PROVIDER_… problem, SYMBOL_NOT_FOUND or INVALID_INPUT; the caller's abort reason when it aborts
   */
  send: (request: ProviderRequest, upstream: Upstream) => Promise<unknown>
  close: () => Promise<void>
}

const DEADLINE_MS = 6_000
const MAX_BYTES = 10 * 1024 * 1024
/** Of all bodies that are being read. */
const STORE_BYTES = 16 * 1024 * 1024
/** Longest `Retry-After` that is waited for; a longer one goes to the caller. */
const MAX_WAIT_MS = 2_000

export function createHttp (options: HttpOptions): ProviderHttp {
  const { urls, deadlineMs = DEADLINE_MS, maxBytes = MAX_BYTES, resilience = createResilience() } = options
  const { onOutcome, onRefused, span = untraced } = options
  const createLane = (connect: Agent.Options['connect'] & {}): Lane => ({
    agent: new Agent({ connections: 32, connect, headersTimeout: 0, bodyTimeout: 0 }),
    store: createBodyStore(Math.max(STORE_BYTES, maxBytes), maxBytes)
  })
  // The deadline bounds every phase; the connector's own limit ends what it leaves behind.
  const trusted = createLane({ timeout: deadlineMs })
  const guarded = createLane(createGuardedConnector({ privateRanges: [], timeoutMs: deadlineMs, ...options.egress }))

  async function sendOnce (url: URL, { agent, store }: Lane, upstream: Upstream, limits: Limits): Promise<Outcome> {
    const { deadline, signal } = limits
    const { provider, credential, observer } = upstream
    let response: Dispatcher.ResponseData
    let text: string
    try {
      response = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers: { accept: 'application/json', 'accept-encoding': 'gzip', ...(credential && provider.authHeaders(credential)) },
        signal
      })
      observer?.answered(response.headers)
      text = await readText(response, { maxBytes, store, signal })
    } catch (error) {
      if (upstream.signal.aborted) throw upstream.signal.reason
      if (error instanceof AddressRefused) onRefused?.(provider.name, error, upstream.log)
      return judgeBreak(error, provider, deadline.aborted)
    }
    return judge(response, text, upstream)
  }

  /** The trace ends here: what it is called is not told to a provider. */
  function attempt (request: ProviderRequest, upstream: Upstream, limits: Limits, resends = 0): Promise<Outcome> {
    const { provider: { name } } = upstream
    const attributes = { 'fms.provider': name, 'http.request.method': 'GET', ...(resends && { 'http.request.resend_count': resends }) }
    return span(`GET ${name}`, { kind: 'client', attributes }, note => attemptNow(request, upstream, limits, note))
  }

  async function attemptNow (
    request: ProviderRequest, upstream: Upstream, limits: Limits, note: (attributes: SpanAttributes) => void
  ): Promise<Outcome> {
    const { provider, key, settings, observer, log } = upstream
    const { base, endpoint } = toBase(provider, request, urls, settings)
    const lane = endpoint === undefined ? trusted : guarded
    let sentAt: number | undefined
    const tell = (outcome: string) => {
      const seconds = sentAt === undefined ? undefined : (performance.now() - sentAt) / 1000
      onOutcome?.(provider.name, outcome, seconds)
      note({ 'fms.outcome': outcome, ...(outcome !== 'ok' && { 'error.type': outcome }) })
      log?.debug({ provider: provider.name, outcome, ms: seconds && Math.round(seconds * 1000) }, 'a provider was asked')
    }
    try {
      const outcome = await resilience.attempt({
        provider,
        key: key ?? '',
        endpoint,
        admit: () => observer?.sent(),
        send () {
          sentAt = performance.now()
          return sendOnce(toUrl(base, request), lane, upstream, limits)
        },
        signal: limits.signal
      })
      tell('json' in outcome ? 'ok' : toLabel(outcome.problem))
      return outcome
    } catch (error) {
      const isLate = limits.deadline.aborted && !upstream.signal.aborted
      const late = isLate ? judgeTimeout(provider, error) : undefined
      const told = late?.problem ?? error
      tell(isProblem(told) ? `${toLabel(told)}_unsent` : 'aborted')
      if (late) return late
      throw error
    }
  }

  return {
    async send (request, upstream) {
      const deadline = AbortSignal.timeout(deadlineMs)
      const signal = AbortSignal.any([upstream.signal, deadline])
      const limits = { deadline, signal }
      const startedAt = Date.now()
      const first = await attempt(request, upstream, limits)
      if ('json' in first) return first.json
      const waitMs = retryDelay(first)
      if (waitMs === undefined || Date.now() - startedAt + waitMs >= deadlineMs) throw first.problem
      // Not the library's retry: its pause does not end with the caller.
      const second = await sleep(waitMs, undefined, { signal, ref: false })
        .then(() => attempt(request, upstream, limits, 1))
        .catch(() => { throw upstream.signal.aborted ? upstream.signal.reason : first.problem })
      if ('json' in second) return second.json
      throw second.problem
    },
    async close () { await Promise.all([trusted.agent.destroy(), guarded.agent.destroy()]) }
  }
}

/** What users chose has sockets and memory of its own: a server that drips must not hold up the providers. */
interface Lane {
  agent: Agent
  store: BodyStore
}

interface Limits {
  deadline: AbortSignal
  /** The deadline, or the caller's end. */
  signal: AbortSignal
}

const toLabel = (error: unknown) => codeOf(error).replace(/^PROVIDER_/, '').toLowerCase()

/** Milliseconds before the one retry; undefined where a retry cannot help. */
function retryDelay ({ retryable, retryAfterSeconds }: Failed): number | undefined {
  if (retryAfterSeconds !== undefined) {
    return retryAfterSeconds * 1000 <= MAX_WAIT_MS ? retryAfterSeconds * 1000 : undefined
  }
  return retryable ? 100 + Math.random() * 200 : undefined
}

function toUrl (base: string | undefined, { path, query = {} }: ProviderRequest): URL {
  const url = new URL(base + path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  return url
}

/** `next_url` of a provider names its own host: keep only what stands below the base path. */
export function belowBase (nextUrl: string, basePath = ''): Pick<ProviderRequest, 'path' | 'query'> {
  const url = new URL(nextUrl)
  const path = url.pathname.startsWith(basePath) ? url.pathname.slice(basePath.length) : url.pathname
  return { path, query: Object.fromEntries(url.searchParams) }
}
