import type { ProviderLimit } from '../schemas/usage.ts'

export type Headers = Record<string, unknown>

/** What a provider says of its own limit; Alpaca and Finnhub send `X-RateLimit-*`, the reset in unix seconds. */
export function toProviderLimit (headers: Headers, now: number): ProviderLimit | undefined {
  const [limit = null, remaining = null, reset = null] = ['limit', 'remaining', 'reset'].map(name => {
    const value = headers[`x-ratelimit-${name}`]
    return value === undefined || value === '' || !Number.isFinite(Number(value)) ? null : Number(value)
  })
  if (limit === null && remaining === null) return undefined
  return {
    limit,
    remaining,
    resets_at: reset === null || reset < 0 || reset > 1e11 ? null : new Date(reset * 1000).toISOString(),
    observed_at: new Date(now).toISOString()
  }
}
