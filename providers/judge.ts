import type { Dispatcher } from 'undici'
import { problem, type Problem } from '../errors.ts'
import { NoRoom, TooLarge } from './body.ts'
import { AddressRefused } from './egress.ts'
import type { Upstream } from './http.ts'
import type { Credential, Provider, ProviderFailure } from './types.ts'

/** What came of one attempt. */
export type Outcome = { json: unknown } | Failed

export interface Failed {
  problem: Problem
  /** The same request may succeed if it is sent once more. */
  retryable: boolean
  /** The provider is not well: no network, no answer in time, a 5xx. Nothing that it refuses counts. */
  isDown: boolean
  retryAfterSeconds?: number | undefined
}

type Headers = Dispatcher.ResponseData['headers']

/** Reads the body before it trusts the status: FMP sends errors with status 200, and proxies send HTML with any. */
export function judge (
  { statusCode: status, headers }: Dispatcher.ResponseData,
  answer: string,
  { provider, credential, observer }: Upstream
): Outcome {
  const text = withoutKey(answer, credential)
  const body = parseJson(text)
  const failure = provider.classify?.({ status, body, text }) ?? defaultFailure(status, body, text)
  if (!failure) return { json: body }
  const { code } = failure
  const retryAfterSeconds = status === 429 || status === 503 || code === 'PROVIDER_QUOTA' ? retryAfter(headers) : undefined
  const message = toOneLine(failure.message, credential)
  if (code === 'PROVIDER_NOT_ENTITLED') observer?.refused(message, failure.about)
  const limitedSeconds = code === 'PROVIDER_QUOTA' ? observer?.limited?.(retryAfterSeconds) : undefined
  const detail = `${provider.title} ${SENTENCES[code]}${message ? ` It said: "${message}".` : ''}`
  return {
    problem: problem(code, detail, {
      provider: provider.name,
      ...(code === 'PROVIDER_QUOTA' && { retry_after_seconds: limitedSeconds ?? retryAfterSeconds ?? 60 })
    }),
    retryable: status >= 500,
    isDown: status >= 500 && code === 'PROVIDER_UNAVAILABLE',
    retryAfterSeconds
  }
}

/** Where no whole answer came. */
export function judgeBreak (error: unknown, { name: provider, title }: Provider, isLate: boolean): Failed {
  if (error instanceof NoRoom) return { ...judgeTimeout({ name: provider, title }, error), isDown: false }
  if (isLate || (error instanceof Error && /Timeout/.test(error.name))) return judgeTimeout({ name: provider, title }, error)
  const cause = { provider, cause: error }
  if (error instanceof TooLarge) {
    const detail = `${title} sent more data than is accepted. Ask for a shorter window.`
    return { problem: problem('PROVIDER_MALFORMED', detail, cause), retryable: false, isDown: false }
  }
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
    const detail = `${title} sent an answer that cannot be decompressed. Try again, or ask another provider.`
    return { problem: problem('PROVIDER_MALFORMED', detail, cause), retryable: false, isDown: false }
  }
  if (error instanceof AddressRefused) {
    const detail = `The endpoint that this connection has for ${title} stands for an address that is not allowed. Set another one, ` +
      'or ask the operator, whose log names the address, to add it to ENDPOINT_PRIVATE_RANGES.'
    return { problem: problem('PROVIDER_UNAVAILABLE', detail, cause), retryable: false, isDown: false }
  }
  if (error instanceof Error && 'code' in error && CERTIFICATE.test(String(error.code))) {
    const detail = `${title} could not be reached: its certificate is not trusted, or not for this name. The operator finds why in ` +
      'the log, and can trust a company\'s own authority with NODE_EXTRA_CA_CERTS.'
    return { problem: problem('PROVIDER_UNAVAILABLE', detail, cause), retryable: false, isDown: true }
  }
  const detail = `${title} could not be reached or broke off its answer. Try again in a moment.`
  return { problem: problem('PROVIDER_UNAVAILABLE', detail, cause), retryable: true, isDown: true }
}

/** How Node names what it finds wrong with a certificate. */
const CERTIFICATE = /CERT|ISSUER|LEAF_SIGNATURE/

export function judgeTimeout ({ name: provider, title }: Pick<Provider, 'name' | 'title'>, cause: unknown): Failed {
  const detail = `${title} did not answer in time. Try again, or ask another provider.`
  return { problem: problem('PROVIDER_TIMEOUT', detail, { provider, cause }), retryable: false, isDown: true }
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
  const isRedirect = status >= 300 && status < 400
  return { code, message: message || (isRedirect ? `a redirect (${status}), which is not followed` : `status ${status}`) }
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

/** Shorter ones could stand in any answer by chance. */
const SHORTEST_KEY = 8

/** An answer that repeats the key it was asked with, wherever and however it does, tells it to nobody. */
function withoutKey (text: string, credential: Credential | null): string {
  const keys = Object.values(credential ?? {}).filter(key => key.length >= SHORTEST_KEY)
  const forms = new Set(keys.flatMap(key => [escape(escape(key)), escape(key), key, encodeURIComponent(key)]))
  return [...forms].reduce((rest, form) => rest.replaceAll(form, '[key]'), text)
}

/** As it stands in JSON; once more: as it stands in a JSON text that is a string of JSON. */
const escape = (text: string) => JSON.stringify(text).slice(1, -1)

/** A provider's words made safe to repeat: one line, short, and without the key. */
function toOneLine (message: string, credential: Credential | null): string {
  let line = withoutKey(message, credential).replace(/[\p{C}\s]+/gu, ' ').trim()
  for (const secret of Object.values(credential ?? {})) line = line.replaceAll(secret, '[key]')
  line = line.replace(/((?:api_?key|token)=)[^&\s"]+/gi, '$1[key]')
  return line.length > 200 ? line.slice(0, 199) + '…' : line
}
