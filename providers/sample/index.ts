import { marketClock } from '../../market/clock.ts'
import { addDays, dayIn, NEW_YORK, toInstant } from '../../market/time.ts'
import { zoneOf } from '../../market/bars.ts'
import type { Quote } from '../../schemas/market.ts'
import { notFound } from '../parse.ts'
import type { PerSymbol, Provider } from '../types.ts'
import type { Instrument } from '../../market/symbols.ts'
import { barOver, seriesOf, sessionOf } from './bars.ts'
import { LISTINGS, listingOf, round, type SampleListing } from './market.ts'

const ALL = ['stock', 'crypto', 'forex', 'index'] as const

/** A deterministic synthetic market for trying things out. It needs no key and is never a fallback. */
export const sample: Provider = {
  name: 'sample',
  title: 'Sample market',
  credential_fields: [],
  authHeaders: () => ({}),
  baseUrls: () => ({}),
  test: async () => {},
  capabilities: {
    quote: {
      asset_classes: ALL,
      fetch: async ({ instruments }, { now }) => {
        const data = perSymbol(instruments, listing => quoteOf(listing, now))
        return { data, as_of: newest(Object.values(data.items).map(quote => quote.as_of)), delayed_by_seconds: 0 }
      }
    },
    bars: {
      asset_classes: ALL,
      fetch: async (input, { now }) => ({
        data: perSymbol(input.instruments, listing => seriesOf(listing, input, now)),
        as_of: toInstant(now),
        delayed_by_seconds: 0
      })
    },
    search: {
      fetch: async ({ query, limit, asset_class: kind }) => {
        const text = query.toLowerCase()
        const found = LISTINGS.filter(listing => (!kind || listing.asset_class === kind) &&
          (listing.symbol.toLowerCase().startsWith(text) || listing.name.toLowerCase().includes(text)))
        return { data: found.slice(0, limit).map(toMatch), as_of: null }
      }
    },
    profile: {
      asset_classes: ['stock'],
      fetch: async ({ instrument }) => {
        const listing = listingOf(instrument.symbol)
        if (!listing) throw notFound('The sample market', instrument.symbol)
        return { data: profileOf(listing), as_of: null }
      }
    },
    news: {
      fetch: async ({ instruments, limit }, { now }) => {
        const listings = instruments.length
          ? instruments.flatMap(({ symbol }) => listingOf(symbol) ?? [])
          : LISTINGS.slice(0, 5)
        return { data: listings.slice(0, limit).map(listing => articleOf(listing, now)), as_of: `${dayIn(NEW_YORK, now)}T00:00:00Z` }
      }
    },
    market_status: {
      fetch: async (_, { now }) => {
        const { session, next_open: nextOpen, next_close: nextClose, holiday } = marketClock(now)
        return {
          data: { market: 'US stocks', is_open: session === 'regular', session, next_open: nextOpen, next_close: nextClose, holiday, time_zone: NEW_YORK },
          as_of: toInstant(now),
          delayed_by_seconds: 0
        }
      }
    }
  }
}

function perSymbol<T> (instruments: Instrument[], answer: (listing: SampleListing) => T): PerSymbol<T> {
  const result: PerSymbol<T> = { items: {}, failures: {} }
  for (const { symbol } of instruments) {
    const listing = listingOf(symbol)
    if (listing) result.items[symbol] = answer(listing)
    else result.failures[symbol] = notFound('The sample market', symbol)
  }
  return result
}

const newest = (instants: (string | null)[]) => instants.reduce((a, b) => (b ?? '') > (a ?? '') ? b : a, null)

/** The last session that has begun, as its bar so far, beside the close of the one before it. */
function quoteOf (listing: SampleListing, now: Date): Quote {
  const sessions: [number, number][] = []
  for (let day = dayIn(zoneOf(listing.asset_class), now); sessions.length < 2; day = addDays(day, -1)) {
    const session = sessionOf(listing, day)
    if (session && session[0] < now.getTime()) sessions.push(session)
  }
  const [[start, end], previous] = sessions as [[number, number], [number, number]]
  const until = Math.min(end, now.getTime())
  const bar = barOver(listing, '', start, until, end - start)
  const before = barOver(listing, '', ...previous, previous[1] - previous[0]).close
  const spread = round(bar.close * 0.0002, listing)
  return {
    symbol: listing.symbol,
    price: bar.close,
    currency: listing.currency,
    change: round(bar.close - before, listing),
    change_percent: Number(((bar.close / before - 1) * 100).toFixed(4)),
    open: bar.open,
    high: bar.high,
    low: bar.low,
    previous_close: before,
    volume: bar.volume,
    bid: listing.asset_class === 'index' ? null : round(bar.close - spread, listing),
    ask: listing.asset_class === 'index' ? null : round(bar.close + spread, listing),
    bid_size: null,
    ask_size: null,
    as_of: toInstant(until),
    feed: null,
    delayed_by_seconds: 0
  }
}

const toMatch = ({ symbol, name, asset_class: kind, exchange, type, currency }: SampleListing) =>
  ({ symbol, name, asset_class: kind, exchange, type, currency, active: true })

function profileOf ({ symbol, name, exchange, currency, level, volume }: SampleListing) {
  return {
    symbol,
    name,
    description: `A made-up company of the sample market. Nothing here is real but the name ${symbol}.`,
    exchange,
    sector: 'Sample',
    industry: 'Sample',
    country: 'US',
    currency,
    market_cap: level * volume * 200,
    shares_outstanding: volume * 200,
    employees: 1000,
    ceo: null,
    website: null,
    ipo_date: '2000-01-03',
    cik: null,
    peers: LISTINGS.filter(other => other.asset_class === 'stock' && other.symbol !== symbol).slice(0, 4).map(other => other.symbol)
  }
}

function articleOf ({ symbol, name }: SampleListing, now: Date) {
  const day = dayIn(NEW_YORK, now)
  return {
    id: `sample-${symbol}-${day}`,
    title: `${name}: a made-up headline of ${day}`,
    summary: 'The sample market makes up its news as well as its prices.',
    url: null,
    source: 'Sample market',
    author: null,
    published_at: `${day}T00:00:00Z`,
    symbols: [symbol],
    sentiment: null
  }
}
