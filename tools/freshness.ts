/** How long answers hold: seconds while their numbers move, until the next event where they stand still. */
import { isIntraday } from '../market/bars.ts'
import { marketClock, type MarketClock } from '../market/clock.ts'
import { parseSymbol } from '../market/symbols.ts'
import { addDays, dayIn, instantAt, mondayOf, monthOf, NEW_YORK, weekdayOf } from '../market/time.ts'
import type { Timeframe } from '../schemas/market.ts'

/** Seconds, or the instant until which an answer holds. 0 is not cached. */
export type Freshness = number | Date

export const MINUTE = 60
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** Late prints and delayed feeds arrive for a while after the last session of a day. */
const SETTLING_MS = 30 * 60_000
/** From the first pre-market trade to the open, on every trading day. */
const PRE_MARKET_MS = 5.5 * 3_600_000

let last: { minute: number, until: Date | undefined } | undefined

/** When US stocks trade next, pre-market included; undefined while they do, and for half an hour after. */
export function closedUntil (now: Date): Date | undefined {
  const minute = Math.floor(now.getTime() / 60_000)
  if (last?.minute !== minute) {
    const isClosed = [new Date(now.getTime() - SETTLING_MS), now].every(at => marketClock(at).session === 'closed')
    last = { minute, until: isClosed ? new Date(Date.parse(marketClock(now).next_open) - PRE_MARKET_MS) : undefined }
  }
  return last.until
}

/** When currencies trade next: they rest from Friday to Sunday, 17:00 in New York. */
function forexClosedUntil (now: Date): Date | undefined {
  const today = dayIn(NEW_YORK, now)
  const sinceFriday = (weekdayOf(today) + 2) % 7
  if (sinceFriday > 2) return undefined
  const friday = addDays(today, -sinceFriday)
  const [from, until] = [friday, addDays(friday, 2)].map(day => instantAt(`${day} 17:00`, NEW_YORK)) as [Date, Date]
  return now.getTime() >= from.getTime() + SETTLING_MS && now < until ? until : undefined
}

/** When the first of these symbols trades again; undefined while one of them does. */
export function restUntil (symbols: readonly string[], now: Date): Date | undefined {
  let earliest: Date | undefined
  for (const symbol of symbols) {
    const until = isPair(symbol) ? pairRestsUntil(symbol, now) : closedUntil(now)
    if (!until) return undefined
    if (!earliest || until < earliest) earliest = until
  }
  return earliest
}

/** Whether a symbol is a pair, which does not keep the exchange's hours. */
const isPair = (symbol: string) => symbol.includes('/')

function pairRestsUntil (symbol: string, now: Date): Date | undefined {
  return parseSymbol(symbol).asset_class === 'forex' ? forexClosedUntil(now) : undefined
}

/** Quotes: 5 seconds while any of the symbols trades. */
export function quoteFreshness (symbols: readonly string[], now: Date): Freshness {
  return restUntil(symbols, now) ?? 5
}

const BAR_SECONDS: Record<Timeframe, number> = {
  '1min': 15, '5min': 30, '15min': 60, '30min': 60, '1hour': 60, '1day': 60, '1week': 300, '1month': 300
}

/** Bars: seconds while the last one may change, else until it may, or until the next close. */
export function barsFreshness (
  { timeframe, end }: { timeframe: Timeframe, end?: string | undefined },
  symbols: readonly string[],
  clock: MarketClock,
  now: Date
): Freshness {
  if (end !== undefined && isPast(end, timeframe, symbols, now)) return new Date(clock.next_close)
  const rest = restUntil(symbols, now)
  if (!rest) return BAR_SECONDS[timeframe]
  return isIntraday(timeframe) || symbols.some(isPair) ? rest : new Date(clock.next_close)
}

/** Whether no bar up to `end` can change any more. What is no date is left to the window to refuse. */
function isPast (end: string, timeframe: Timeframe, symbols: readonly string[], now: Date): boolean {
  const at = Date.parse(end)
  if (Number.isNaN(at)) return false
  const day = end.length === 10 ? end : dayIn(NEW_YORK, new Date(at))
  const today = dayIn(NEW_YORK, now)
  const first = timeframe === '1week' ? mondayOf(today) : timeframe === '1month' ? monthOf(today) : today
  // New York's day ends hours into the next of a pair's.
  return day < (symbols.some(isPair) ? addDays(first, -1) : first)
}

/** The seconds from now on. */
export function secondsOf (freshness: Freshness, now: Date): number {
  return typeof freshness === 'number' ? freshness : Math.max(1, (freshness.getTime() - now.getTime()) / 1000)
}
