import { createLru } from '../lru.ts'
import type { QuotaPlan } from '../schemas/control.ts'
import type { QuotaLeft } from '../schemas/receipt.ts'
import { GEOMETRY } from './plans.ts'
import { add, bucketOf, endOf, prune, usedOf, waitOf, type Tally } from './sliding.ts'
import type { QuotaReading, QuotaRequest, QuotaStore, QuotaVerdict, QuotaWindow } from './types.ts'

/** The count of this process: all that there is while the store is away. It answers without waiting. */
export interface MemoryStore extends QuotaStore {
  decide: (request: QuotaRequest) => QuotaVerdict
  /** Counts a request that another store has granted. */
  count: (request: QuotaRequest) => void
  /** At least so many are used of the window. */
  raise: (ledger: string, window: QuotaWindow, used: number) => void
  hold: (ledger: string, ms: number) => void
  look: (ledger: string, windows: readonly QuotaWindow[]) => QuotaReading
}

interface Book {
  blockedUntil: number
  learned: QuotaPlan
  asked: Map<string, number>
  tallies: Map<QuotaLeft['per'], Tally>
}

export function createMemoryStore (now: () => number = Date.now): MemoryStore {
  const books = createLru<Book>(5000)

  function bookOf (ledger: string): Book {
    const book = books.get(ledger) ?? { blockedUntil: 0, learned: {}, asked: new Map(), tallies: new Map() }
    books.set(ledger, book)
    return book
  }

  function tallyOf ({ tallies }: Book, window: QuotaWindow): Tally {
    const tally = tallies.get(window.per) ?? new Map()
    tallies.set(window.per, tally)
    prune(tally, window, now())
    return tally
  }

  /** What has no limit has no shares. */
  const shareOf = ({ limit }: QuotaWindow, { sessionId }: QuotaRequest) => limit === null ? '' : sessionId ?? ''

  const store: MemoryStore = {
    decide (request) {
      const { ledger, windows, sessionId, background, unrecorded = 0 } = request
      const book = bookOf(ledger)
      const at = now()
      note(book.asked, background ? null : sessionId, at)
      const tallies = windows.map(window => ({ window, tally: tallyOf(book, window) }))
      if (unrecorded) for (const { window, tally } of tallies) add(tally, bucketOf(window, at), '', unrecorded)
      const waits = tallies.map(({ window, tally }) => waitOf(tally, window, request, book.asked, at))
      const waitMs = Math.max(book.blockedUntil - at, ...waits)
      const granted = waitMs <= 0
      if (granted) store.count(request)
      const used = tallies.map(({ window, tally }) => ({ ...window, used: usedOf(tally) }))
      const left = tightest(used, book.blockedUntil > at)
      return granted ? { granted, left } : { granted, waitMs: Math.ceil(waitMs), left }
    },

    count (request) {
      const book = bookOf(request.ledger)
      for (const window of request.windows) {
        add(tallyOf(book, window), bucketOf(window, now()), shareOf(window, request), 1)
      }
    },

    raise (ledger, window, used) {
      const tally = tallyOf(bookOf(ledger), window)
      const missing = used - usedOf(tally)
      if (missing > 0) add(tally, bucketOf(window, now()), '', missing)
    },

    hold (ledger, ms) {
      const book = bookOf(ledger)
      book.blockedUntil = Math.max(book.blockedUntil, now() + ms)
    },

    look (ledger, windows) {
      const book = bookOf(ledger)
      return {
        blockedMs: Math.max(0, book.blockedUntil - now()),
        windows: windows.map(window => {
          const tally = tallyOf(book, window)
          return {
            per: window.per,
            used: usedOf(tally),
            freesMs: tally.size ? endOf(window, Math.min(...tally.keys())) - now() : null
          }
        })
      }
    },

    take: async request => store.decide(request),
    async correct (ledger, window, left) {
      if (window.limit !== null) store.raise(ledger, window, window.limit - left)
    },
    block: async (ledger, ms) => store.hold(ledger, ms),
    read: async (ledger, windows) => store.look(ledger, windows),
    async learn (ledger, plan) { Object.assign(bookOf(ledger).learned, plan) },
    learned: async ledger => ({ ...bookOf(ledger).learned })
  }
  return store
}

function note (asked: Map<string, number>, session: string | null, at: number): void {
  for (const [known, last] of asked) if (last <= at - GEOMETRY.day.activeMs) asked.delete(known)
  if (session !== null) asked.set(session, at)
}

/** The window with the least left, the longest of several. */
export function tightest (windows: (QuotaWindow & { used: number })[], blocked: boolean): QuotaLeft | null {
  const lefts = windows.flatMap(({ per, limit, used }) =>
    limit === null ? [] : [{ left: blocked ? 0 : Math.max(0, limit - used), limit, per }])
  return lefts.reduce<QuotaLeft | null>((least, one) => least && least.left < one.left ? least : one, null)
}
