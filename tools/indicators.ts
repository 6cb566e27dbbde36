import { Type } from 'typebox'
import { computeIndicators, INDICATOR_SYNTAX, parseIndicator, unsettledShare, type IndicatorSpec } from '../analysis/indicators.ts'
import { roundForOutput } from '../analysis/rounding.ts'
import { codeOf } from '../errors.ts'
import type { Timeframe } from '../schemas/market.ts'
import { defineTool } from './define.ts'
import { ColumnarSchema, FORMATS, pickColumns, toColumnar, toRecords, toTable } from './format.ts'
import { barsFreshness } from './freshness.ts'
import { CursorSchema, FieldsSchema, limitOf, MaxAgeSchema, pinnable, SymbolSchema } from './inputs.ts'
import { MAX_ROWS } from './page.ts'
import { BasisSchema, boundsOf, fetchSeries, fromNewest, periodsOf, toBasis, WindowInputs, type Series } from './series.ts'

/** Indicators of one series; `notes` says what a reader of the numbers must know. */
interface Computed extends Omit<Series, 'bars'> {
  rows: Record<string, string | number | null>[]
  notes: string[]
}

const ValuesSchema = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Null()]))

const HeaderSchema = { ...BasisSchema, notes: Type.Array(Type.String()) }

/** Values that still depend on where the history began to more than this are said to be rough. */
const ROUGH = 1e-6

export const getIndicators = defineTool({
  name: 'get_indicators',
  title: 'Technical indicators',
  description: `Indicators over bars, warmed up so that the first row is right; newest row last. Known: ${INDICATOR_SYNTAX}. ` +
    'Window as in get_bars; without one, the last `limit` bars.',
  input: Type.Object({
    symbol: SymbolSchema,
    indicators: Type.Array(Type.String({ maxLength: 60 }), { minItems: 1, maxItems: 12, examples: [['rsi', 'sma(50)']] }),
    ...WindowInputs,
    limit: limitOf(2000, 20),
    cursor: CursorSchema,
    fields: FieldsSchema,
    format: Type.Enum([...FORMATS], { default: 'columnar' }),
    provider: pinnable('bars'),
    max_age_seconds: MaxAgeSchema
  }, { additionalProperties: false }),
  output: Type.Union([
    Type.Object({ ...HeaderSchema, ...ColumnarSchema.properties }),
    Type.Object({ ...HeaderSchema, values: Type.Array(ValuesSchema) }),
    Type.Object({ ...HeaderSchema, format: Type.Literal('csv'), row_count: Type.Integer() })
  ]),
  ttl: (args, clock, now) => barsFreshness(args, [args.symbol], clock, now),
  presentation: ['format', 'fields', 'limit', 'cursor'],
  reach: needed => Math.min(needed, MAX_ROWS),
  columns: ({ indicators, timeframe }) => columnsOf(specsOf(indicators, timeframe)),
  async fetch (args, call) {
    const specs = specsOf(args.indicators, args.timeframe)
    const before = Math.min(MAX_ROWS - call.reach, Math.max(...specs.map(({ warmup }) => warmup)))
    const wanted = { symbols: [args.symbol], limit: call.reach, before }
    const fetched = await fetchSeries(args, wanted, call).catch(error => {
      // A plan may end before the warm-up does: less of it makes a rough start, and the answer says so.
      if (codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
      const least = Math.max(...specs.map(({ needs }) => needs))
      return fetchSeries(args, { ...wanted, before: Math.max(least, Math.ceil(before / 4)) }, call)
    })
    const { series: [series], window, ...rest } = fetched
    const isWindow = args.start !== undefined || args.lookback !== undefined
    const first = isWindow ? boundsOf(window, series!)[0] : undefined
    return { data: compute(series!, specs, first, call.reach), ...rest }
  },
  present ({ rows, ...header }, { indicators, timeframe, format, fields }, { offset, limit }) {
    const page = fromNewest(rows, offset, limit)
    const table = toTable(page, pickColumns(columnsOf(specsOf(indicators, timeframe)), fields))
    const shape = format === 'columnar'
      ? toColumnar(table)
      : format === 'csv' ? { format, row_count: page.length } : { values: toRecords(table) }
    const { symbol, currency, notes } = header
    return {
      data: { ...toBasis(header, true), ...shape },
      table,
      caption: [`${symbol} ${timeframe} ${currency ?? ''}`.trim(), ...notes].join('\n'),
      rows: { shown: page.length, fetched: rows.length },
      summary: () => ({ latest: rows.at(-1) })
    }
  }
})

function specsOf (indicators: readonly string[], timeframe: Timeframe): IndicatorSpec[] {
  return indicators.map(text => parseIndicator(text, timeframe))
}

const columnsOf = (specs: readonly IndicatorSpec[]) => ['time', 'close', ...new Set(specs.flatMap(({ columns }) => columns))]

/**
 * @param first the `time` from which the caller asked; without it, the last `reach` bars are meant
 */
function compute (series: Series, specs: IndicatorSpec[], first: string | undefined, reach: number): Computed {
  const { bars, ...basis } = series
  const inWindow = first === undefined ? bars.length : bars.filter(({ time }) => time >= first).length
  const skipped = bars.length - Math.min(inWindow, reach)
  const from = bars[skipped]?.time
  const perYear = periodsOf(series)
  const columns = computeIndicators(specs, bars, { zone: series.time_zone, periodsPerYear: perYear, from })
  const rows = bars.slice(skipped).map(({ time, close }, i) => ({
    time,
    close,
    ...mapValues(columns, values => roundForOutput(values[skipped + i] ?? null))
  }))
  return { ...basis, rows, notes: notesOn(specs, skipped, from) }
}

function mapValues<V, W> (record: Record<string, V>, map: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}

function notesOn (specs: readonly IndicatorSpec[], before: number, from: string | undefined): string[] {
  const rough = specs.filter(spec => unsettledShare(spec, before) > ROUGH).flatMap(({ columns }) => columns)
  const counted = specs.filter(({ cumulative }) => cumulative === 'window').flatMap(({ columns }) => columns)
  return [
    ...rough.length
      ? [`Only ${before} bars are known before the first row: the first values of ${rough.join(', ')} are missing or rough.`]
      : [],
    ...counted.length && from ? [`${counted.join(', ')} count from ${from}.`] : []
  ]
}
