import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { problem, type Problem } from '../errors.ts'
import { createLru } from '../lru.ts'
import { PROVIDERS } from '../providers/index.ts'
import type { Credential } from '../providers/types.ts'
import type { QuotaPlan } from '../schemas/control.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { QuotaLeft } from '../schemas/receipt.ts'
import type { ProviderLimit, QuotaUsage } from '../schemas/usage.ts'
import { toProviderLimit, type Headers } from './headers.ts'
import type { MemoryStore } from './memory.ts'
import { TELLS_PER_MINUTE, toLimits, toPauseSeconds, type Limit } from './plans.ts'
import { createQueue, PATIENCE_MS } from './queue.ts'
import type { QuotaStore, QuotaVerdict } from './types.ts'

/** One key of one connection, as the ledger knows it. */
export interface QuotaKey {
  connectionId: string
  provider: ProviderName
  /** Stands for the provider and the key, wherever it is stored; made by `ledgerOf`. */
  ledger: string
  /** What the connection's settings say of the plan. */
  plan: QuotaPlan | undefined
}

export interface QuotaCaller {
  /** Null: nobody's share, as the test of a key. */
  sessionId: string | null
  background: boolean
  signal: AbortSignal
}

/** How much each provider key may still send, over all replicas. */
export interface Quota {
  /** @param endpoints where the key is sent to in the provider's place, which may count otherwise; empty: nowhere */
  ledgerOf: (provider: ProviderName, credential: Credential | null, endpoints?: string) => string
  /**
   * Counts one request that is about to be sent; waits up to 2 seconds for its turn.
   * @throws PROVIDER_QUOTA with the seconds to wait, or the signal's reason
   */
  take: (key: QuotaKey, caller: QuotaCaller) => Promise<void>
  /** Learns from an answer's headers. */
  observe: (key: QuotaKey, headers: Headers) => void
  /** The provider refused for its limit. @returns seconds for which the key is left alone */
  limited: (key: QuotaKey, retryAfterSeconds: number | undefined) => number
  /** What was left when this connection last sent to the provider; undefined where it did not, or has no limit. */
  left: (connectionId: string, provider: ProviderName) => QuotaLeft | undefined
  /** The same of all connections that sent lately: of each provider that which has the least of its limit. */
  leastLeft: () => Map<ProviderName, QuotaLeft>
  /** Requests that wait for their turn. */
  waiting: () => number
  usageOf: (key: QuotaKey) => Promise<QuotaUsage>
  /** Waits until what was observed is stored. */
  flush: () => Promise<void>
}

export interface LedgerOptions {
  store: QuotaStore
  /** What this process knows by itself. */
  memory: MemoryStore
  /** Keys the stand-ins of the provider keys. */
  secret: Buffer
  /** Longest that a request waits for its turn. */
  patienceMs?: number
}

const LEARNED_MS = 60_000
const LEFT_MS = 60_000
const LONGEST_BLOCK_SECONDS = 86_400
/** As the schema of the settings has it. */
const HIGHEST_LIMIT = 10_000_000

export function createLedger ({ store, memory, secret, patienceMs = PATIENCE_MS }: LedgerOptions): Quota {
  const queue = createQueue({ take: request => store.take(request), patienceMs })
  const learned = createLru<QuotaPlan>(5000, { ttl: LEARNED_MS })
  const told = createLru<ProviderLimit>(5000)
  const lefts = createLru<QuotaLeft>(5000, { ttl: LEFT_MS })
  const writes = new Set<Promise<void>>()

  const limitsOf = ({ provider, ledger, plan }: QuotaKey) => toLimits(provider, learned.get(ledger) ?? {}, plan)

  async function readLimits (key: QuotaKey): Promise<Limit[]> {
    if (!learned.has(key.ledger)) learned.set(key.ledger, await store.learned(key.ledger))
    return limitsOf(key)
  }

  function write (task: Promise<void>): void {
    const done: Promise<void> = task.finally(() => writes.delete(done))
    writes.add(done)
  }

  return {
    ledgerOf (provider, credential, endpoints = '') {
      const fields = Object.entries(credential ?? {}).sort(([a], [b]) => a < b ? -1 : 1)
      return createHmac('sha256', secret).update(JSON.stringify(['quota', provider, fields, ...endpoints ? [endpoints] : []])).digest('hex').slice(0, 32)
    },

    async take (key, { sessionId, background, signal }) {
      const { connectionId, provider, ledger } = key
      const windows = await readLimits(key)
      const { blockedMs } = memory.look(ledger, [])
      if (blockedMs > patienceMs) throw usedUp(provider, { granted: false, waitMs: blockedMs, left: null }, windows)
      // The other replicas' block may still be on its way.
      if (blockedMs > 0) await sleep(blockedMs, undefined, { signal }).catch(() => { throw signal.reason })
      const verdict = await queue.take({ ledger, windows, sessionId, background }, signal)
      if (verdict.left) lefts.set(`${connectionId} ${provider}`, verdict.left)
      if (!verdict.granted) throw usedUp(provider, verdict, windows)
    },

    observe (key, headers) {
      const { provider, ledger } = key
      const limit = toProviderLimit(headers, Date.now())
      if (!limit) return
      told.set(ledger, limit)
      if (!TELLS_PER_MINUTE.has(provider)) return
      const { limit: most, remaining } = limit
      if (isLimit(most) && most !== toLimits(provider, learned.get(ledger) ?? {}).find(({ per }) => per === 'minute')?.limit) {
        const plan = { ...learned.get(ledger), per_minute: most }
        learned.set(ledger, plan)
        write(store.learn(ledger, { per_minute: most }))
      }
      const window = limitsOf(key).find(({ per }) => per === 'minute')
      if (!window?.limit || remaining === null || remaining < 0) return
      const [known] = memory.look(ledger, [window]).windows
      if (window.limit - remaining > known!.used) write(store.correct(ledger, window, Math.floor(remaining)))
    },

    limited (key, retryAfterSeconds) {
      const seconds = Math.min(Math.max(1, retryAfterSeconds ?? toPauseSeconds(limitsOf(key))), LONGEST_BLOCK_SECONDS)
      write(store.block(key.ledger, seconds * 1000))
      return seconds
    },

    left: (connectionId, provider) => lefts.get(`${connectionId} ${provider}`),

    leastLeft () {
      const least = new Map<ProviderName, QuotaLeft>()
      for (const [key, left] of lefts.entries()) {
        const provider = key.slice(key.indexOf(' ') + 1) as ProviderName
        const known = least.get(provider)
        if (!known || ratioOf(left) < ratioOf(known)) least.set(provider, left)
      }
      return least
    },
    waiting: queue.size,

    async usageOf (key) {
      const limits = await readLimits(key)
      const { blockedMs, windows } = await store.read(key.ledger, limits)
      const toInstant = (ms: number) => new Date(Date.now() + ms).toISOString()
      return {
        windows: limits.map(({ per, limit, source }, i) => {
          const { used, freesMs } = windows[i]!
          return {
            per,
            used,
            limit,
            left: limit === null ? null : Math.max(0, limit - used),
            frees_at: freesMs === null ? null : toInstant(freesMs),
            source
          }
        }),
        blocked_until: blockedMs > 0 ? toInstant(blockedMs) : null,
        limit: told.get(key.ledger) ?? null
      }
    },

    async flush () { await Promise.allSettled(writes) }
  }
}

/** What is left as a fraction of the limit. */
export const ratioOf = ({ left, limit }: QuotaLeft): number => limit > 0 ? left / limit : 0

const isLimit = (value: number | null): value is number =>
  Number.isInteger(value) && value! > 0 && value! <= HIGHEST_LIMIT

function usedUp (
  provider: ProviderName, { waitMs, left }: QuotaVerdict & { granted: false }, limits: readonly Limit[]
): Problem {
  const { title } = PROVIDERS[provider]
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  const stated = limits.filter(({ limit }) => limit !== null).map(({ per, limit }) => `${limit} a ${per}`).join(', ')
  const why = left && left.left > 0
    ? `${title} has ${left.left} of ${left.limit} calls a ${left.per} left for this key, which are kept for others.`
    : `${title} has no calls left for this key now${stated && ` (limit ${stated})`}.`
  return problem('PROVIDER_QUOTA', `${why} Nothing was sent. Try again in ${seconds} s, or ask another provider.`,
    { provider, retry_after_seconds: seconds })
}
