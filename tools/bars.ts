import { Type } from 'typebox'
import { summarise } from '../analysis/summary.ts'
import { BarSchema, type Bar } from '../schemas/market.ts'
import { defineTool, type Presented, type Table } from './define.ts'
import { ColumnarSchema, dropEmptyColumns, FORMATS, pickColumns, toColumnar, toRecords, toTable } from './format.ts'
import { barsFreshness } from './freshness.ts'
import { CursorSchema, FieldsSchema, limitOf, MaxAgeSchema, pinnable, SymbolsSchema } from './inputs.ts'
import { MAX_ROWS } from './page.ts'
import { BasisSchema, fetchSeries, fromNewest, periodsOf, toBasis, WindowInputs, type Series } from './series.ts'

const COLUMNS: (keyof Bar)[] = ['time', 'open', 'high', 'low', 'close', 'volume', 'vwap', 'trades']
/** VWAP and trade counts cost a third of the tokens and are seldom asked: `detail: full` has them. */
const LEAN_COLUMNS = COLUMNS.slice(0, 6)

/** A bar's time and a price of it. */
const PointSchema = Type.Array(Type.Union([Type.String(), Type.Number()]), { minItems: 2, maxItems: 2 })
const number = Type.Union([Type.Number(), Type.Null()])
const SummarySchema = Type.Object({
  bars: Type.Integer(),
  first: PointSchema,
  last: PointSchema,
  high: PointSchema,
  low: PointSchema,
  return_percent: number,
  /** Annualised. */
  volatility_percent: number,
  max_drawdown_percent: number,
  average_volume: number,
  /** Closes from the first to the last, 0 the lowest and 9 the highest. */
  sparkline: Type.String()
})

export const getBars = defineTool({
  name: 'get_bars',
  title: 'Price bars',
  description: 'OHLCV history, oldest first, with its price basis. Window: start and end, or lookback; without either, the last `limit` bars. ' +
    'For the latest price use get_quote.',
  input: Type.Object({
    symbols: SymbolsSchema,
    ...WindowInputs,
    limit: { ...limitOf(MAX_ROWS, 250), description: 'Most bars a symbol, the latest' },
    cursor: CursorSchema,
    detail: Type.Enum(['lean', 'full', 'summary'], { default: 'lean', description: 'full adds vwap and trades' }),
    fields: FieldsSchema,
    format: Type.Enum([...FORMATS], { default: 'columnar' }),
    provider: pinnable('bars'),
    max_age_seconds: MaxAgeSchema
  }, { additionalProperties: false }),
  output: Type.Object({
    series: Type.Array(Type.Union([
      Type.Object({ ...BasisSchema, ...ColumnarSchema.properties }),
      Type.Object({ ...BasisSchema, bars: Type.Array(Type.Partial(BarSchema)) }),
      Type.Object({ ...BasisSchema, format: Type.Literal('csv'), row_count: Type.Integer() }),
      Type.Object({ ...BasisSchema, summary: Type.Union([SummarySchema, Type.Null()]) })
    ]))
  }),
  ttl: (args, clock, now) => barsFreshness(args, args.symbols, clock, now),
  presentation: ['format', 'detail', 'fields', 'limit', 'cursor'],
  // Bars cost by the row: no more of them than are needed.
  reach: needed => Math.min(needed, MAX_ROWS),
  columns: () => COLUMNS,
  async fetch (args, call) {
    const { series, window, ...rest } = await fetchSeries(args, { symbols: args.symbols, limit: call.reach }, call)
    return { data: series, ...rest }
  },
  present (series, { format, detail, fields, start, lookback }, { offset, limit }) {
    const pages = series.map(one => pageOf(one, offset, limit))
    const isOnly = new Set(series.map(({ provider }) => provider)).size < 2
    const caption = pages.map(toCaption).join('; ')
    if (detail === 'summary') {
      const summarised = pages.map(one => ({ ...basisOf(one, isOnly), summary: summaryOf(one) }))
      const rows = pages.map(one => ({ symbol: one.symbol, ...summaryOf(one) }))
      const table = toTable(rows, ['symbol', ...Object.keys(SummarySchema.properties)])
      return { data: { series: summarised }, table, caption }
    }
    const columns = pickColumns(detail === 'full' || fields ? COLUMNS : LEAN_COLUMNS, fields)
    const rows = {
      shown: Math.max(0, ...pages.map(({ bars }) => bars.length)),
      fetched: Math.max(0, ...series.map(({ bars }) => bars.length))
    }
    const presented: Presented = {
      data: { series: pages.map(one => ({ ...basisOf(one, isOnly), ...shapeOf(one.bars, columns, format) })) },
      table: joined(pages, columns),
      caption,
      rows,
      summary: () => Object.fromEntries(pages.map(one =>
        [one.symbol, series.length > FEW ? briefOf(one) : summaryOf(one)]))
    }
    const isWindow = start !== undefined || lookback !== undefined
    return isWindow && rows.fetched > offset + rows.shown
      ? { ...presented, truncated: `The window holds more than ${rows.shown} bars: these are the latest. Send next_cursor as cursor for the earlier ones.` }
      : presented
  }
})

function pageOf (series: Series, offset: number, limit: number): Series {
  const bars = fromNewest(series.bars, offset, limit)
  return { ...series, bars, last_bar_complete: offset > 0 || series.last_bar_complete }
}

/** Series up to which each may have a summary of its own beside its first rows. */
const FEW = 5

function briefOf (series: Series) {
  const { last, return_percent: growth } = summaryOf(series) ?? {}
  return { last, return_percent: growth }
}

const basisOf = ({ bars, ...header }: Series, isOnly: boolean) => toBasis(header, isOnly)

const summaryOf = (series: Series) => summarise(series.bars, periodsOf(series))

function toCaption ({ symbol, timeframe, currency, last_bar_complete: complete }: Series): string {
  return [symbol, timeframe, currency, !complete && '(last bar not complete)'].filter(Boolean).join(' ')
}

function shapeOf (bars: Bar[], columns: string[], format: string): object {
  if (format === 'columnar') return toColumnar(toTable(bars, columns))
  if (format === 'csv') return { format, row_count: bars.length }
  return { bars: toRecords(toTable(bars, columns)) }
}

/** All series in one table; the symbol is a column where there are several. */
function joined (series: Series[], columns: string[]): Table {
  if (series.length === 1) return dropEmptyColumns(toTable(series[0]!.bars, columns))
  const tables = series.map(({ symbol, bars }) => toTable(bars, columns).rows.map(row => [symbol, ...row]))
  return dropEmptyColumns({ columns: ['symbol', ...columns], rows: tables.flat() })
}
