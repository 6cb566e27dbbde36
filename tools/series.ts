import type { Static } from 'typebox'
import { Type } from 'typebox'
import { periodsPerYear } from '../analysis/performance.ts'
import { isIntraday } from '../market/bars.ts'
import { isTradingDay, tradingDayFrom } from '../market/calendar.ts'
import { marketClock } from '../market/clock.ts'
import { parseSymbol } from '../market/symbols.ts'
import { addDays, dayIn, instantAt, monthOf, NEW_YORK, toInstant } from '../market/time.ts'
import { resolveWindow, type Window } from '../market/window.ts'
import {
  ADJUSTMENTS, BarSeriesSchema, ProviderNameSchema, TIMEFRAMES,
  type Bar, type BarSeries, type ProviderName, type Timeframe
} from '../schemas/market.ts'
import type { Fetched, ToolCall } from './define.ts'
import { toInstruments } from './inputs.ts'
import { isComplete, receiptOfItems } from './receipt.ts'

/** Arguments that say which bars are meant. */
export const WindowInputs = {
  timeframe: Type.Enum([...TIMEFRAMES], { default: '1day' }),
  start: Type.Optional(Type.String({ description: 'YYYY-MM-DD (New York) or ISO instant' })),
  end: Type.Optional(Type.String({ description: 'As start; a day is included' })),
  lookback: Type.Optional(Type.String({ description: 'Before end: 6h, 90d, 12w, 6mo, 5y' })),
  adjustment: Type.Enum([...ADJUSTMENTS], { default: 'split', description: 'all: splits and dividends' })
}
export type WindowArguments = Static<ReturnType<typeof Type.Object<typeof WindowInputs>>>

const { bars: _bars, feed, ...basis } = BarSeriesSchema.properties
/** What must be known of a series before its numbers mean anything. */
export const BasisSchema = {
  ...basis,
  /** Absent where the provider does not say. */
  feed: Type.Optional(feed),
  /** Absent where one provider made all series: `meta.provider` names it. */
  provider: Type.Optional(ProviderNameSchema),
  /** Whether the last bar's time is over: false where it may still change. */
  last_bar_complete: Type.Boolean()
}

export interface Series extends BarSeries {
  provider: ProviderName
  last_bar_complete: boolean
}

export interface FetchedSeries {
  /** In the order asked, oldest bar first. */
  series: Series[]
  /** What was asked for, without the bars before it. */
  window: Window
  meta: Fetched<unknown>['meta']
  cacheable: boolean
  fresh_seconds?: number
}

/** How soon to ask again for a day that a provider has not published yet. */
const LATE_SECONDS = 900

/**
 * The latest bars of a window, at most `limit` a symbol, and up to `before` ones that precede them.
 * @throws where no symbol was answered
 */
export async function fetchSeries (
  { timeframe, start, end, lookback, adjustment }: WindowArguments,
  { symbols, limit, before = 0 }: { symbols: readonly string[], limit: number, before?: number },
  call: ToolCall
): Promise<FetchedSeries> {
  const window = resolveWindow({ start, end, lookback, timeframe, limit }, call.now)
  const from = before ? resolveWindow({ timeframe, limit: before }, window.start).start : window.start
  const reach = { start: from, end: window.end }
  const most = limit + before
  const input = { instruments: toInstruments(symbols), timeframe, adjustment, ...reach, limit: most }
  const answer = await call.route.bars(input, call)
  const series: Series[] = Object.values(answer.items).map(({ data, provider }) => ({
    ...startingIn(reach, data, most), provider, last_bar_complete: ageOf(data, call.now)?.last_bar_complete ?? true
  }))
  const ends = series.flatMap(one => ageOf(one, call.now)?.end.getTime() ?? [])
  const shared = <K extends 'adjustment' | 'time_zone' | 'currency'>(key: K) =>
    new Set(series.map(one => one[key])).size === 1 ? { [key]: series[0]![key] } : {}
  return {
    series,
    window,
    meta: {
      ...receiptOfItems(answer),
      as_of: ends.length ? toInstant(Math.floor(Math.max(...ends) / 1000) * 1000) : null,
      ...shared('adjustment'),
      ...shared('time_zone'),
      ...shared('currency')
    },
    cacheable: isComplete(answer),
    ...(series.some(one => isBehind(one, window, call.now)) && { fresh_seconds: LATE_SECONDS })
  }
}

/** Whether daily bars lack the last session that is over: some plans have it hours later. */
function isBehind ({ bars, timeframe, time_zone: zone }: Series, { end }: Window, now: Date): boolean {
  if (timeframe !== '1day' || zone !== NEW_YORK) return false
  const today = dayIn(NEW_YORK, now)
  const closeOf = (day: string) => new Date(marketClock(instantAt(day, NEW_YORK)).next_close)
  const day = isTradingDay(today) && closeOf(today) <= now ? today : tradingDayFrom(addDays(today, -1), -1)
  return end >= closeOf(day) && (bars.at(-1)?.time ?? '') < day
}

/** The `time` of the first bar that may stand in a window, and of the last: whole seconds, as texts compare. */
export function boundsOf (
  { start, end }: Window, { timeframe, time_zone: zone }: BarSeries
): [first: string, last: string] {
  return isIntraday(timeframe)
    ? [toInstant(Math.ceil(start.getTime() / 1000) * 1000), toInstant(Math.floor((end.getTime() - 1) / 1000) * 1000)]
    : [dayIn(zone, start), dayIn(zone, new Date(end.getTime() - 1))]
}

/** The bars that start in the window: providers differ in whether they add the one that it begins inside of. */
function startingIn (window: Window, series: BarSeries, limit: number): BarSeries {
  const [first, last] = boundsOf(window, series)
  const inside = series.bars.filter(({ time }) => time >= first && time <= last)
  return { ...series, bars: inside.slice(-limit) }
}

/** The series' basis as it is sent, without what is said elsewhere or not known. */
export function toBasis<S extends Omit<Series, 'bars'>> ({ feed, provider, ...basis }: S, isOnly: boolean) {
  return { ...basis, ...(feed !== null && { feed }), ...(!isOnly && { provider }) }
}

/** How many of its bars make a year. */
export function periodsOf ({ symbol, timeframe, session }: BarSeries): number {
  return periodsPerYear(timeframe, parseSymbol(symbol).asset_class, session)
}

/** The rows that stand `offset` from the newest one, oldest first. */
export function fromNewest<T> (rows: readonly T[], offset: number, limit: number): T[] {
  const end = Math.max(0, rows.length - offset)
  return rows.slice(Math.max(0, end - limit), end)
}

const LENGTH_MS: Partial<Record<Timeframe, number>> = {
  '1min': 60_000, '5min': 300_000, '15min': 900_000, '30min': 1_800_000, '1hour': 3_600_000
}

/** When a bar can no longer change: the end of its minutes; of a stock's last day in it, the close. */
function endOf ({ time }: Bar, timeframe: Timeframe, zone: string): Date {
  const length = LENGTH_MS[timeframe]
  if (length) return new Date(Date.parse(time) + length)
  const lastDay = timeframe === '1week'
    ? addDays(time, 6)
    : timeframe === '1month' ? addDays(monthOf(addDays(time, 31)), -1) : time
  if (zone === 'UTC') return instantAt(addDays(lastDay, 1), zone)
  return new Date(marketClock(instantAt(tradingDayFrom(lastDay, -1), zone)).next_close)
}

interface Age { end: Date, last_bar_complete: boolean }

/** What the last bar says of the series' age. */
function ageOf ({ bars, timeframe, time_zone: zone }: BarSeries, now: Date): Age | undefined {
  const last = bars.at(-1)
  if (!last) return undefined
  const end = endOf(last, timeframe, zone)
  return { end: end < now ? end : now, last_bar_complete: end <= now }
}
