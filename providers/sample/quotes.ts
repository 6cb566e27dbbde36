/** The latest price of a listing: its last session that has begun, as one bar so far. */
import { zoneOf } from '../../market/bars.ts'
import { addDays, dayIn, toInstant } from '../../market/time.ts'
import type { Quote } from '../../schemas/market.ts'
import { toChange } from '../parse.ts'
import { barOver, sessionOf } from './bars.ts'
import { round, type SampleListing } from './listings.ts'

export interface LastSessions {
  day: string
  /** Instants in ms; `until` is now, or the end where the session is over. */
  start: number
  until: number
  end: number
  /** The session before. */
  previous: [number, number]
}

export function lastSessionsOf (listing: SampleListing, now: Date): LastSessions {
  const sessions: { day: string, session: [number, number] }[] = []
  for (let day = dayIn(zoneOf(listing.asset_class), now); sessions.length < 2; day = addDays(day, -1)) {
    const session = sessionOf(listing, day)
    if (session && session[0] < now.getTime()) sessions.push({ day, session })
  }
  const [{ day, session: [start, end] }, { session: previous }] = sessions as [typeof sessions[0], typeof sessions[0]]
  return { day, start, end, until: Math.min(end, now.getTime()), previous }
}

export function quoteOf (listing: SampleListing, now: Date): Quote {
  const { start, until, end, previous } = lastSessionsOf(listing, now)
  const bar = barOver(listing, '', start, until, end - start)
  const before = barOver(listing, '', ...previous, previous[1] - previous[0]).close
  const spread = round(bar.close * 0.0002, listing)
  const hasBook = listing.asset_class !== 'index'
  return {
    symbol: listing.symbol,
    price: bar.close,
    currency: listing.currency,
    ...toChange(bar.close, before),
    open: bar.open,
    high: bar.high,
    low: bar.low,
    previous_close: before,
    volume: bar.volume,
    bid: hasBook ? round(bar.close - spread, listing) : null,
    ask: hasBook ? round(bar.close + spread, listing) : null,
    bid_size: null,
    ask_size: null,
    as_of: toInstant(until),
    feed: null,
    delayed_by_seconds: 0
  }
}
