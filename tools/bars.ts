import { Type } from 'typebox'
import { isIntraday } from '../market/bars.ts'
import { tradingDayFrom } from '../market/calendar.ts'
import { marketClock } from '../market/clock.ts'
import { addDays, dayIn, instantAt, monthOf, toInstant } from '../market/time.ts'
import { resolveWindow, type Window } from '../market/window.ts'
import { ADJUSTMENTS, BarSchema, BarSeriesSchema, ProviderNameSchema, TIMEFRAMES, type Bar, type BarSeries, type ProviderName, type Timeframe } from '../schemas/market.ts'
import { defineTool, type Presented, type Table } from './define.ts'
import { ColumnarSchema, dropEmptyColumns, toColumnar, toTable } from './format.ts'
import { isExchangeTraded, PinnedProviderSchema, SymbolsSchema, toInstruments } from './inputs.ts'
import { isComplete, receiptOfItems } from './receipt.ts'

const { bars: _bars, ...basis } = BarSeriesSchema.properties
const HeaderSchema = {
  ...basis,
  provider: ProviderNameSchema,
  /** Whether the last bar's time is over: false where it may still change. */
  last_bar_complete: Type.Boolean()
}

interface Series extends BarSeries {
  provider: ProviderName
  last_bar_complete: boolean
  /** More bars stood in the window than the limit. */
  cut: boolean
}

const COLUMNS: (keyof Bar)[] = ['time', 'open', 'high', 'low', 'close', 'volume', 'vwap', 'trades']
/** VWAP and trade counts cost a third of the tokens and are seldom asked: `detail: full` has them. */
const LEAN_COLUMNS = COLUMNS.slice(0, 6)

export const getBars = defineTool({
  name: 'get_bars',
  title: 'Price bars',
  description: 'OHLCV history, oldest first, with its price basis. Window: start and end, or lookback; without either, the last `limit` bars. ' +
    'For the latest price use get_quote.',
  input: Type.Object({
    symbols: SymbolsSchema,
    timeframe: Type.Enum([...TIMEFRAMES], { default: '1day' }),
    start: Type.Optional(Type.String({ description: 'YYYY-MM-DD (New York) or ISO instant' })),
    end: Type.Optional(Type.String({ description: 'As start; a day is included' })),
    lookback: Type.Optional(Type.String({ description: 'Before end: 6h, 90d, 12w, 6mo, 5y' })),
    adjustment: Type.Enum([...ADJUSTMENTS], { default: 'split', description: 'all: splits and dividends' }),
    limit: Type.Integer({ default: 250, minimum: 1, maximum: 10_000, description: 'Most bars a symbol, the latest' }),
    detail: Type.Enum(['lean', 'full'], { default: 'lean', description: 'full adds vwap and trades' }),
    format: Type.Enum(['columnar', 'records', 'csv'], { default: 'columnar' }),
    provider: PinnedProviderSchema
  }, { additionalProperties: false }),
  output: Type.Object({
    series: Type.Array(Type.Union([
      Type.Object({ ...HeaderSchema, ...ColumnarSchema.properties }),
      Type.Object({ ...HeaderSchema, bars: Type.Array(Type.Partial(BarSchema)) }),
      Type.Object({ ...HeaderSchema, format: Type.Literal('csv'), row_count: Type.Integer() })
    ]))
  }),
  ttl ({ timeframe, symbols }, { session }) {
    const moving = session !== 'closed' || !symbols.every(isExchangeTraded)
    return isIntraday(timeframe) ? (moving ? 15 : 300) : (moving ? 60 : 900)
  },
  presentation: ['format', 'detail'],
  async fetch ({ symbols, timeframe, start, end, lookback, adjustment, limit, provider }, call) {
    const window = resolveWindow({ start, end, lookback, timeframe, limit }, call.now)
    const explicit = start !== undefined || lookback !== undefined
    // One bar more than asked tells whether the window holds more.
    const input = {
      instruments: toInstruments(symbols),
      timeframe,
      adjustment,
      ...window,
      limit: explicit ? limit + 1 : limit
    }
    const answer = await call.route.bars(input, { ...call, provider })
    const series: Series[] = Object.values(answer.items).map(({ data, provider }) => ({
      ...startingIn(window, data, limit), provider, last_bar_complete: ageOf(data, call.now)?.last_bar_complete ?? true
    }))
    const ends = series.flatMap(one => ageOf(one, call.now)?.end.getTime() ?? [])
    const newest = ends.length ? toInstant(Math.floor(Math.max(...ends) / 1000) * 1000) : null
    const adjustments = new Set(series.map(one => one.adjustment))
    const zones = new Set(series.map(one => one.time_zone))
    const currencies = new Set(series.map(one => one.currency))
    return {
      data: series,
      meta: {
        ...receiptOfItems(answer),
        as_of: newest,
        ...(adjustments.size === 1 && { adjustment: series[0]!.adjustment }),
        ...(zones.size === 1 && { time_zone: series[0]!.time_zone }),
        ...(currencies.size === 1 && { currency: series[0]!.currency })
      },
      cacheable: isComplete(answer)
    }
  },
  present (series, { format, detail, limit }) {
    const columns = detail === 'full' ? COLUMNS : LEAN_COLUMNS
    const truncated = series.some(one => one.cut)
      ? `The window holds more than ${limit} bars of ${series.filter(one => one.cut).map(one => one.symbol).join(', ')}: these are the latest. Raise limit, or end the window earlier.`
      : undefined
    const presented: Presented = {
      data: { series: series.map(({ bars, cut, ...header }) => ({ ...header, ...shapeOf(bars, columns, format) })) },
      table: joined(series, columns),
      caption: series.map(({ symbol, timeframe, currency, last_bar_complete: complete }) =>
        [symbol, timeframe, currency, !complete && '(last bar not complete)'].filter(Boolean).join(' ')).join('; ')
    }
    return truncated ? { ...presented, truncated } : presented
  }
})

/** The bars that start in the window: providers differ in whether they add the one that it begins inside of. */
function startingIn ({ start, end }: Window, series: BarSeries, limit: number): BarSeries & { cut: boolean } {
  const { bars, timeframe, time_zone: zone } = series
  const [from, to] = isIntraday(timeframe)
    ? [toInstant(start), toInstant(end)]
    : [dayIn(zone, start), dayIn(zone, new Date(end.getTime() - 1))]
  const inside = bars.filter(({ time }) => time >= from && (isIntraday(timeframe) ? time < to : time <= to))
  return { ...series, bars: inside.slice(-limit), cut: inside.length > limit }
}

function shapeOf (bars: Bar[], columns: (keyof Bar)[], format: string): object {
  if (format === 'columnar') return toColumnar(toTable(bars, columns))
  if (format === 'csv') return { format, row_count: bars.length }
  return { bars: bars.map(bar => Object.fromEntries(columns.map(column => [column, bar[column]]))) }
}

/** All series in one table; the symbol is a column where there are several. */
function joined (series: Series[], columns: (keyof Bar)[]): Table {
  if (series.length === 1) return dropEmptyColumns(toTable(series[0]!.bars, columns))
  const tables = series.map(({ symbol, bars }) => toTable(bars, columns).rows.map(row => [symbol, ...row]))
  return dropEmptyColumns({ columns: ['symbol', ...columns], rows: tables.flat() })
}

const LENGTH_MS: Partial<Record<Timeframe, number>> = {
  '1min': 60_000, '5min': 300_000, '15min': 900_000, '30min': 1_800_000, '1hour': 3_600_000
}

/** When a bar can no longer change: the end of its minutes; of a stock's last day in it, the close. */
function endOf (time: string, timeframe: Timeframe, zone: string): Date {
  const length = LENGTH_MS[timeframe]
  if (length) return new Date(Date.parse(time) + length)
  const lastDay = timeframe === '1week' ? addDays(time, 6) : timeframe === '1month' ? addDays(monthOf(addDays(time, 31)), -1) : time
  if (zone === 'UTC') return instantAt(addDays(lastDay, 1), zone)
  return new Date(marketClock(instantAt(tradingDayFrom(lastDay, -1), zone)).next_close)
}

interface Age { end: Date, last_bar_complete: boolean }

/** What the last bar says of the series' age. */
function ageOf ({ bars, timeframe, time_zone: zone }: BarSeries, now: Date): Age | undefined {
  const last = bars.at(-1)
  if (!last) return undefined
  const end = endOf(last.time, timeframe, zone)
  return { end: end < now ? end : now, last_bar_complete: end <= now }
}
