import { Agent, type Dispatcher } from 'undici'
import { pipeline } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import { problem, type Problem } from '../errors.ts'
import type {
  Credential, Provider, ProviderFailure, ProviderRequest, ProviderSettings, ProviderUrls
} from './types.ts'

export interface HttpOptions {
  urls: ProviderUrls
  /** Milliseconds for the whole request, its retry included. */
  deadlineMs?: number
  /** Bytes of a body after decompression. */
  maxBytes?: number
}

export interface Upstream {
  provider: Provider
  credential: Credential | null
  settings: ProviderSettings
  signal: AbortSignal
  /** Told of each request that is sent, of each answer's headers, and of a refusal for the plan. */
  observer?: Observer
}

export interface Observer {
  sent: () => void
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

const DEADLINE_MS = 10_000
const MAX_BYTES = 16 * 1024 * 1024
/** Longest `Retry-After` that is waited for; a longer one goes to the caller. */
const MAX_WAIT_MS = 2_000

export function createHttp ({ urls, deadlineMs = DEADLINE_MS, maxBytes = MAX_BYTES }: HttpOptions): ProviderHttp {
  const agent = new Agent({
    connections: 32, connect: { timeout: 5_000 }, headersTimeout: deadlineMs, bodyTimeout: deadlineMs
  })

  return {
    async send (request, upstream) {
      const deadline = AbortSignal.timeout(deadlineMs)
      const startedAt = Date.now()
      for (let attempt = 1; ; attempt++) {
        const outcome = await attemptOnce(agent, request, upstream, deadline, urls, maxBytes)
        if ('json' in outcome) return outcome.json
        const waitMs = attempt === 1 ? retryDelay(outcome) : undefined
        if (waitMs === undefined || Date.now() - startedAt + waitMs >= deadlineMs) throw outcome.problem
        await sleep(waitMs, undefined, { signal: AbortSignal.any([upstream.signal, deadline]) })
          .catch(() => { throw upstream.signal.aborted ? upstream.signal.reason : outcome.problem })
      }
    },
    close: () => agent.destroy()
  }
}

interface Failed { problem: Problem, retryable: boolean, retryAfterSeconds?: number | undefined }

/** Milliseconds before the one retry; undefined where a retry cannot help. */
function retryDelay ({ retryable, retryAfterSeconds }: Failed): number | undefined {
  if (retryAfterSeconds !== undefined) {
    return retryAfterSeconds * 1000 <= MAX_WAIT_MS ? retryAfterSeconds * 1000 : undefined
  }
  return retryable ? 100 + Math.random() * 200 : undefined
}

async function attemptOnce (dispatcher: Dispatcher, request: ProviderRequest, upstream: Upstream, deadline: AbortSignal,
  urls: ProviderUrls, maxBytes: number): Promise<{ json: unknown } | Failed> {
  const { provider, credential, settings, signal } = upstream
  const url = toUrl(provider.baseUrls(urls, settings)[request.host ?? 'main'], request)
  upstream.observer?.sent()
  try {
    const response = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: { accept: 'application/json', 'accept-encoding': 'gzip', ...(credential && provider.authHeaders(credential)) },
      signal: AbortSignal.any([signal, deadline])
    })
    upstream.observer?.answered(response.headers)
    const text = await readText(response, maxBytes)
    return judge(response, text, upstream)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return {
      ...networkFailure(error, provider, deadline),
      retryable: !deadline.aborted && !(error instanceof TooLarge)
    }
  }
}

function toUrl (base: string | undefined, { path, query = {} }: ProviderRequest): URL {
  const url = new URL(base + path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  return url
}

class TooLarge extends Error {}

/** The body as text; the cap counts what comes out of the decompression. */
async function readText ({ headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  const stream = headers['content-encoding'] === 'gzip' ? pipeline(body, createGunzip(), () => {}) : body
  for await (const chunk of stream) {
    size += chunk.length
    if (size > maxBytes) {
      body.destroy()
      throw new TooLarge(`body over ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function networkFailure (error: unknown, { name, title }: Provider, deadline: AbortSignal): { problem: Problem } {
  if (deadline.aborted || (error instanceof Error && /Timeout/.test(error.name))) {
    return { problem: problem('PROVIDER_TIMEOUT', `${title} did not answer in time. Try again, or ask another provider.`, { provider: name, cause: error }) }
  }
  if (error instanceof TooLarge) {
    return { problem: problem('PROVIDER_MALFORMED', `${title} sent more data than is accepted. Ask for a shorter window.`, { provider: name, cause: error }) }
  }
  return { problem: problem('PROVIDER_UNAVAILABLE', `${title} could not be reached or broke off its answer. Try again in a moment.`, { provider: name, cause: error }) }
}

/** Reads the body before it trusts the status: FMP sends errors with status 200, and proxies send HTML with any. */
function judge (
  response: Dispatcher.ResponseData,
  text: string,
  { provider, credential, observer }: Upstream
): { json: unknown } | Failed {
  const status = response.statusCode
  const body = parseJson(text)
  const failure = provider.classify?.({ status, body, text }) ?? defaultFailure(status, body, text)
  if (!failure) return { json: body }
  const retryAfterSeconds = status === 429 || status === 503 || failure.code === 'PROVIDER_QUOTA' ? retryAfter(response.headers) : undefined
  const { code } = failure
  const message = toOneLine(failure.message, credential)
  if (code === 'PROVIDER_NOT_ENTITLED') observer?.refused(message, failure.about)
  const detail = `${provider.title} ${SENTENCES[code]}${message ? ` It said: "${message}".` : ''}`
  return {
    problem: problem(code, detail, {
      provider: provider.name,
      ...(code === 'PROVIDER_QUOTA' && { retry_after_seconds: retryAfterSeconds ?? 60 })
    }),
    retryable: status >= 500,
    retryAfterSeconds
  }
}

type FailureCode = ProviderFailure['code'] | 'PROVIDER_MALFORMED'

interface Refusal { code: FailureCode, message: string, about?: 'symbol' }

const SENTENCES: Record<FailureCode, string> = {
  PROVIDER_REJECTED_KEY: 'refused the key. Check it at the provider and store it again.',
  PROVIDER_NOT_ENTITLED: 'does not include this data in the plan of this key. Ask another provider, or change the plan.',
  PROVIDER_QUOTA: 'has no calls left for this key now. Wait, or ask another provider.',
  PROVIDER_UNAVAILABLE: 'is not available. Try again in a moment.',
  PROVIDER_MALFORMED: 'sent something that is not the expected JSON.',
  SYMBOL_NOT_FOUND: 'does not know this symbol.',
  INVALID_INPUT: 'refused the request.'
}

/** Undefined where the text is not JSON. */
function parseJson (text: string): unknown {
  try { return JSON.parse(text) } catch { return undefined }
}

function defaultFailure (status: number, body: unknown, text: string): Refusal | undefined {
  const message = messageOf(body)
  if (status >= 200 && status < 300) {
    return body === undefined ? { code: 'PROVIDER_MALFORMED', message: text ? 'not JSON' : 'an empty body' } : undefined
  }
  const code: FailureCode = status === 401
    ? 'PROVIDER_REJECTED_KEY'
    : status === 402 || status === 403
      ? 'PROVIDER_NOT_ENTITLED'
      : status === 429
        ? 'PROVIDER_QUOTA'
        : status === 400 || status === 422
          ? 'INVALID_INPUT'
          : status >= 500 || status === 408 ? 'PROVIDER_UNAVAILABLE' : 'PROVIDER_MALFORMED'
  return { code, message: message || `status ${status}` }
}

/** The sentence in a provider's error body, whatever it calls the field. */
export function messageOf (body: unknown): string {
  if (typeof body !== 'object' || body === null) return ''
  const fields = body as Record<string, unknown>
  const value = fields['Error Message'] ?? fields['message'] ?? fields['error']
  return typeof value === 'string' ? value : ''
}

function retryAfter (headers: Headers): number | undefined {
  const header = String(headers['retry-after'] ?? '')
  if (/^\d+$/.test(header)) return Number(header)
  const at = header ? Date.parse(header) : Number(headers['x-ratelimit-reset'] ?? NaN) * 1000
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}

/** A provider's words made safe to repeat: one line, short, and without the key. */
function toOneLine (message: string, credential: Credential | null): string {
  let line = message.replace(/[\p{C}\s]+/gu, ' ').trim()
  for (const secret of Object.values(credential ?? {})) line = line.replaceAll(secret, '[key]')
  line = line.replace(/((?:api_?key|token)=)[^&\s"]+/gi, '$1[key]')
  return line.length > 200 ? line.slice(0, 199) + '…' : line
}

/** `next_url` of a provider names its own host: keep only what stands below the base path. */
export function belowBase (nextUrl: string, basePath = ''): Pick<ProviderRequest, 'path' | 'query'> {
  const url = new URL(nextUrl)
  const path = url.pathname.startsWith(basePath) ? url.pathname.slice(basePath.length) : url.pathname
  return { path, query: Object.fromEntries(url.searchParams) }
}
