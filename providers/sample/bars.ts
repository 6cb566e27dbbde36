import { aggregateDays, isIntraday, zoneOf } from '../../market/bars.ts'
import { closingOf, isTradingDay } from '../../market/calendar.ts'
import { addDays, DAY_MS, dayIn, instantAt, NEW_YORK, toInstant, weekdayOf } from '../../market/time.ts'
import type { Bar, BarSeries, Timeframe } from '../../schemas/market.ts'
import type { BarsInput } from '../types.ts'
import { priceAt, volumeBetween, type SampleListing } from './market.ts'

const MINUTES: Partial<Record<Timeframe, number>> = { '1min': 1, '5min': 5, '15min': 15, '30min': 30, '1hour': 60 }

/** The regular session of a day as instants in ms, or undefined where the day has none. */
export function sessionOf ({ asset_class: kind }: SampleListing, day: string): [number, number] | undefined {
  if (kind === 'crypto' || kind === 'forex') {
    const start = Date.parse(`${day}T00:00:00Z`)
    return kind === 'forex' && [0, 6].includes(weekdayOf(day)) ? undefined : [start, start + DAY_MS]
  }
  if (!isTradingDay(day)) return undefined
  const close = closingOf(day) ? '13:00' : '16:00'
  return [instantAt(`${day} 09:30`, NEW_YORK).getTime(), instantAt(`${day} ${close}`, NEW_YORK).getTime()]
}

/** One bar over a stretch of a session: the path is read at nine points. */
export function barOver (listing: SampleListing, time: string, from: number, to: number, openMs: number): Bar {
  const prices = Array.from({ length: 9 }, (_, i) => priceAt(listing, from + (to - from) * i / 8))
  const volume = listing.volume ? volumeBetween(listing, from, to, openMs) : null
  return {
    time,
    open: prices[0]!,
    high: Math.max(...prices),
    low: Math.min(...prices),
    close: prices[8]!,
    volume,
    vwap: volume ? Number((prices.reduce((a, b) => a + b) / 9).toFixed(4)) : null,
    trades: volume ? Math.ceil(volume / 90) : null
  }
}

function dayBars (listing: SampleListing, day: string, now: number): Bar[] {
  const session = sessionOf(listing, day)
  if (!session || session[0] >= now) return []
  return [barOver(listing, day, session[0], Math.min(session[1], now), session[1] - session[0])]
}

function intradayBars (listing: SampleListing, day: string, minutes: number, now: number): Bar[] {
  const session = sessionOf(listing, day)
  if (!session) return []
  const bars: Bar[] = []
  for (let from = session[0]; from < Math.min(session[1], now); from += minutes * 60_000) {
    bars.push(barOver(listing, toInstant(from), from, Math.min(from + minutes * 60_000, now), session[1] - session[0]))
  }
  return bars
}

/** The latest bars of the window, oldest first; walks back from the end, so that a long window costs only its limit. */
export function seriesOf (listing: SampleListing, input: BarsInput, now: Date): BarSeries {
  const { timeframe, start, end, limit, adjustment } = input
  const zone = zoneOf(listing.asset_class)
  const minutes = MINUTES[timeframe]
  const perBar = timeframe === '1month' ? 24 : timeframe === '1week' ? 6 : 1
  let bars: Bar[] = []
  const firstDay = dayIn(zone, start)
  const lastDay = dayIn(zone, new Date(end.getTime() - 1))
  for (let day = lastDay; day >= firstDay && bars.length < limit * perBar; day = addDays(day, -1)) {
    const more = minutes ? intradayBars(listing, day, minutes, now.getTime()) : dayBars(listing, day, now.getTime())
    bars = more.concat(bars)
  }
  if (timeframe === '1week' || timeframe === '1month') bars = aggregateDays(bars, timeframe)
  const startsInside = ({ time }: Bar) => Date.parse(time) >= start.getTime() && Date.parse(time) < end.getTime()
  const inside = isIntraday(timeframe) ? bars.filter(startsInside) : bars
  return {
    symbol: listing.symbol,
    timeframe,
    currency: listing.currency,
    adjustment: listing.asset_class === 'stock' ? adjustment : 'raw',
    feed: null,
    session: listing.asset_class === 'stock' || listing.asset_class === 'index' ? 'regular' : 'continuous',
    time_zone: zone,
    bars: inside.slice(-limit)
  }
}
