import { Type } from 'typebox'
import { compareSeries, type Comparison } from '../analysis/compare.ts'
import { roundForOutput } from '../analysis/rounding.ts'
import { problem, type ErrorCode, type Problem } from '../errors.ts'
import { isIntraday } from '../market/bars.ts'
import { parseSymbol } from '../market/symbols.ts'
import { Nullable, ProviderNameSchema } from '../schemas/market.ts'
import type { Meta } from '../schemas/receipt.ts'
import { defineTool } from './define.ts'
import { toTable } from './format.ts'
import { barsFreshness } from './freshness.ts'
import { MaxAgeSchema, pinnable } from './inputs.ts'
import { MAX_ROWS } from './page.ts'
import { fetchSeries, periodsOf, WindowInputs, type Series } from './series.ts'

const number = Nullable(Type.Number())

const RowSchema = Type.Object({
  symbol: Type.String(),
  provider: ProviderNameSchema,
  currency: Nullable(Type.String()),
  bars: Type.Integer(),
  return_percent: number,
  annualised_return_percent: number,
  volatility_percent: number,
  max_drawdown_percent: number,
  sharpe: number,
  beta: number,
  correlation: number
})
const COLUMNS = Object.keys(RowSchema.properties)

const ComparisonSchema = Type.Object({
  timeframe: Type.String(),
  adjustment: Type.String(),
  benchmark: Type.String(),
  common_bars: Type.Integer(),
  first_time: Nullable(Type.String()),
  last_time: Nullable(Type.String()),
  symbols: Type.Array(RowSchema),
  /** Rows and columns in the order of `symbols`. */
  correlation_matrix: Type.Array(Type.Array(number)),
  notes: Type.Array(Type.String())
})

export const compareSymbols = defineTool({
  name: 'compare_symbols',
  title: 'Comparison',
  description: 'Compares 2 to 10 symbols over one window on one price basis: return, volatility, drawdown, Sharpe, beta and correlation to the benchmark ' +
    '(the first symbol, or benchmark), and all correlations. Default window: one year.',
  input: Type.Object({
    symbols: Type.Array(Type.String(), { minItems: 2, maxItems: 10, examples: [['AAPL', 'MSFT']] }),
    benchmark: Type.Optional(Type.String({ examples: ['SPY'] })),
    ...WindowInputs,
    provider: pinnable('bars'),
    max_age_seconds: MaxAgeSchema
  }, { additionalProperties: false }),
  output: ComparisonSchema,
  ttl: (args, clock, now) => barsFreshness(args, [...args.symbols, args.benchmark ?? args.symbols[0]!], clock, now),
  async fetch ({ symbols: given, benchmark: named, ...args }, call) {
    const benchmark = parseSymbol(named ?? given[0]!).symbol
    const symbols = [...new Set([...given.map(text => parseSymbol(text).symbol), benchmark])]
    if (symbols.length < 2) throw problem('INVALID_INPUT', 'A comparison needs two different symbols.')
    const window = args.start === undefined && args.lookback === undefined ? { ...args, lookback: '1y' } : args
    const { window: _, series, meta, ...lasting } = await fetchSeries(window, { symbols, limit: MAX_ROWS }, call)
    if (series.length < 2) throw lone(series[0]!, meta.failed)
    const adjustment = assertOneBasis(series)
    const periods = Math.min(...series.map(periodsOf))
    const comparison = compareSeries(series, benchmark, periods)
    const { timeframe } = args
    return {
      data: { timeframe, adjustment, ...toRounded(comparison, series), notes: notesOn(comparison, series) },
      meta: { ...meta, adjustment },
      ...lasting
    }
  },
  present: comparison => ({
    data: comparison,
    table: toTable(comparison.symbols, COLUMNS),
    caption: [
      `${comparison.timeframe} bars, ${comparison.first_time} to ${comparison.last_time}, ${comparison.common_bars} in common, benchmark ${comparison.benchmark}`,
      `correlations: ${JSON.stringify(comparison.correlation_matrix)}`,
      ...comparison.notes
    ].join('\n')
  })
})

/** What stands between a lone series and a comparison. */
function lone ({ symbol }: Series, failed: Meta['failed'] = []): Problem {
  const [first] = failed
  const code = (first?.code.slice(4) ?? 'SYMBOL_NOT_FOUND') as ErrorCode
  return problem(code, `Only ${symbol} could be read. ${failed.map(({ symbol, detail }) => `${symbol}: ${detail}`).join(' ')}`)
}

/**
 * Returns on unlike bases say nothing of each other.
 * @throws INVALID_INPUT that says how to get one basis
 */
function assertOneBasis (series: readonly Series[]): string {
  // Only shares are split and pay dividends: what is not a share stands on every basis.
  const shares = series.filter(({ symbol }) => parseSymbol(symbol).asset_class === 'stock')
  const told = (of: keyof Series) => shares.map(one => `${one.symbol} ${one[of]} (${one.provider})`).join(', ')
  const hint = 'Pin one provider, or ask for another timeframe or adjustment.'
  if (new Set(shares.map(({ adjustment }) => adjustment)).size > 1) {
    throw problem('INVALID_INPUT', `The prices are not on one basis: ${told('adjustment')}. ${hint}`)
  }
  if (isIntraday(series[0]!.timeframe) && new Set(shares.map(({ session }) => session)).size > 1) {
    throw problem('INVALID_INPUT', `The bars do not cover the same hours: ${told('session')}. ${hint}`)
  }
  return shares[0]?.adjustment ?? series[0]!.adjustment
}

function toRounded ({ symbols, correlation_matrix: matrix, ...rest }: Comparison, series: readonly Series[]) {
  const round = <T extends object>(row: T) => Object.fromEntries(Object.entries(row)
    .map(([name, value]) => [name, typeof value === 'number' ? roundForOutput(value) : value])) as T
  return {
    ...rest,
    symbols: symbols.map((row, i) => ({ ...round(row), provider: series[i]!.provider, currency: series[i]!.currency })),
    correlation_matrix: matrix.map(row => row.map(value => roundForOutput(value)))
  }
}

function notesOn ({ common_bars: common, last_time: last }: Comparison, series: readonly Series[]): string[] {
  const isRunning = series.some(({ bars, last_bar_complete: complete }) => !complete && bars.at(-1)?.time === last)
  const longest = Math.max(...series.map(({ bars }) => bars.length))
  const zones = new Set(series.map(({ time_zone: zone }) => zone))
  const currencies = new Set(series.map(({ currency }) => currency))
  const providers = new Set(series.map(({ provider }) => provider))
  return [
    ...zones.size > 1 ? ['Days of stocks end at New York\'s close, those of pairs at midnight UTC: they are compared on the dates that all have.'] : [],
    ...common < longest ? [`Of up to ${longest} bars ${common} are common to all; only these are compared.`] : [],
    ...currencies.size > 1 ? ['Each return is in the symbol\'s own currency.'] : [],
    ...providers.size > 1 ? ['The series come from different providers.'] : [],
    ...isRunning ? ['The last bar is not complete.'] : []
  ]
}
