import { LRUCache } from 'lru-cache'
import type { ProviderName } from '../schemas/market.ts'
import type { ProviderLimit } from '../schemas/usage.ts'

/** How much a connection asked of its providers, as this process saw it. */
export interface Meter {
  count: (connectionId: string, provider: ProviderName) => void
  /** Keeps what the headers say of the provider's own limit. */
  observe: (connectionId: string, provider: ProviderName, headers: Record<string, unknown>) => void
  read: (connectionId: string, provider: ProviderName) => Reading
}

export interface Reading {
  requests_last_minute: number
  /** Since 00:00 UTC. */
  requests_today: number
  limit: ProviderLimit | null
}

interface Counts {
  day: string
  today: number
  /** Unix ms of the last minute's requests. */
  recent: number[]
  limit: ProviderLimit | null
}

const MINUTE_MS = 60_000

export function createMeter (now: () => number = Date.now): Meter {
  const counts = new LRUCache<string, Counts>({ max: 5000 })

  function of (connectionId: string, provider: ProviderName): Counts {
    const key = `${connectionId} ${provider}`
    const day = new Date(now()).toISOString().slice(0, 10)
    const known = counts.get(key) ?? { day, today: 0, recent: [], limit: null }
    if (known.day !== day) Object.assign(known, { day, today: 0 })
    known.recent = known.recent.filter(at => at > now() - MINUTE_MS)
    counts.set(key, known)
    return known
  }

  return {
    count (connectionId, provider) {
      const known = of(connectionId, provider)
      known.today++
      known.recent.push(now())
    },

    observe (connectionId, provider, headers) {
      const limit = toLimit(headers, now())
      if (limit) of(connectionId, provider).limit = limit
    },

    read (connectionId, provider) {
      const { today, recent, limit } = of(connectionId, provider)
      return { requests_last_minute: recent.length, requests_today: today, limit }
    }
  }
}

/** Alpaca and Finnhub send `X-RateLimit-*`, the reset in unix seconds; the others send nothing. */
function toLimit (headers: Record<string, unknown>, now: number): ProviderLimit | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map(name => {
    const value = headers[`x-ratelimit-${name}`]
    return value === undefined || value === '' || !Number.isFinite(Number(value)) ? null : Number(value)
  })
  if (limit == null && remaining == null) return undefined
  return {
    limit: limit ?? null,
    remaining: remaining ?? null,
    resets_at: reset == null || reset > 1e11 ? null : new Date(reset * 1000).toISOString(),
    observed_at: new Date(now).toISOString()
  }
}
