import { aggregateDays, isIntraday, zoneOf } from '../../market/bars.ts'
import { closingOf, isTradingDay } from '../../market/calendar.ts'
import { addDays, DAY_MS, dayIn, instantAt, NEW_YORK, toInstant, weekdayOf } from '../../market/time.ts'
import type { Adjustment, Bar, BarSeries, Timeframe } from '../../schemas/market.ts'
import { eachSymbol } from '../parse.ts'
import type { BarsInput, CapabilityAdapter } from '../types.ts'
import { payoutsBetween, splitRatioAfter } from './actions.ts'
import { assertListing, priceAt, round, volumeBetween, type SampleListing } from './listings.ts'
import { fixed } from './random.ts'

export const bars: CapabilityAdapter<'bars'> = {
  asset_classes: ['stock', 'crypto', 'forex', 'index'],
  fetch: async (input, { now }) => ({
    data: await eachSymbol(input.instruments, async ({ symbol }) => seriesOf(assertListing(symbol), input, now)),
    as_of: toInstant(now),
    delayed_by_seconds: 0
  })
}

const MINUTES: Partial<Record<Timeframe, number>> = { '1min': 1, '5min': 5, '15min': 15, '30min': 30, '1hour': 60 }

/** The regular session of a day as instants in ms, or undefined where the day has none. */
export function sessionOf ({ asset_class: kind }: SampleListing, day: string): [number, number] | undefined {
  if (kind === 'crypto' || kind === 'forex') {
    const start = Date.parse(`${day}T00:00:00Z`)
    return kind === 'forex' && [0, 6].includes(weekdayOf(day)) ? undefined : [start, start + DAY_MS]
  }
  return isTradingDay(day) ? hoursOf(day) : undefined
}

const hours = new Map<string, [number, number]>()

/** Kept, since one answer reads years of days and a time zone is slow to ask; never more than some years of them. */
function hoursOf (day: string): [number, number] {
  let session = hours.get(day)
  if (!session) {
    const close = closingOf(day) ? '13:00' : '16:00'
    session = [instantAt(`${day} 09:30`, NEW_YORK).getTime(), instantAt(`${day} ${close}`, NEW_YORK).getTime()]
    if (hours.size >= 8000) hours.clear()
    hours.set(day, session)
  }
  return session
}

/** The last price of a day, or of the last session before it. */
export function closeOn (listing: SampleListing, day: string): number {
  for (let at = day; ; at = addDays(at, -1)) {
    const session = sessionOf(listing, at)
    if (session) return priceAt(listing, session[1])
  }
}

export const tradesOfVolume = (volume: number | null) => volume ? Math.ceil(volume / 90) : null

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
    vwap: volume ? fixed(prices.reduce((a, b) => a + b) / 9, 4) : null,
    trades: tradesOfVolume(volume)
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
  const days: Bar[][] = []
  let count = 0
  const firstDay = dayIn(zone, start)
  const lastDay = dayIn(zone, new Date(end.getTime() - 1))
  const adjust = adjusterOf(listing, adjustment, firstDay, dayIn(zone, now))
  for (let day = lastDay; day >= firstDay && count < limit * perBar; day = addDays(day, -1)) {
    const more = minutes ? intradayBars(listing, day, minutes, now.getTime()) : dayBars(listing, day, now.getTime())
    days.push(more.map(bar => adjust(bar, day)))
    count += more.length
  }
  const whole = days.reverse().flat()
  const bars = timeframe === '1week' || timeframe === '1month' ? aggregateDays(whole, timeframe) : whole
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

/** Puts bars, which are made on the basis of today's shares, on the basis that was asked for. */
function adjusterOf (listing: SampleListing, adjustment: Adjustment, firstDay: string, today: string) {
  if (listing.asset_class !== 'stock' || adjustment === 'split') return (bar: Bar) => bar
  if (adjustment === 'raw') {
    return (bar: Bar, day: string) => scale(bar, splitRatioAfter(listing.symbol, day, today), listing)
  }
  const payouts = payoutsBetween(listing, firstDay, today).map(({ ex_date: exDate, amount }) =>
    ({ exDate, factor: 1 - amount / closeOn(listing, addDays(exDate, -1)) }))
  return (bar: Bar, day: string) => {
    const factor = payouts.reduce((product, payout) => payout.exDate > day ? product * payout.factor : product, 1)
    return { ...scale(bar, factor, listing), volume: bar.volume }
  }
}

function scale (bar: Bar, factor: number, listing: SampleListing): Bar {
  if (factor === 1) return bar
  const price = (value: number) => round(value * factor, listing)
  return {
    ...bar,
    open: price(bar.open),
    high: price(bar.high),
    low: price(bar.low),
    close: price(bar.close),
    volume: bar.volume === null ? null : Math.round(bar.volume / factor),
    vwap: bar.vwap === null ? null : fixed(bar.vwap * factor, 4)
  }
}
