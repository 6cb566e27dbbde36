import type { Bar } from '../schemas/market.ts'
import { drawdowns, logReturns, returns, sharpe, volatility } from './performance.ts'
import { correlation, known, slope } from './statistics.ts'

/** Null where it is not defined: too few common bars, a price that is not positive, a series that does not move. */
export interface ComparedSymbol {
  symbol: string
  /** Of its own, before they were aligned: a small number says who makes the common window short. */
  bars: number
  return_percent: number | null
  /** Null for less than a quarter of a year: a few days' move to the power of many is no forecast. */
  annualised_return_percent: number | null
  /** Standard deviation of log returns, annualised. */
  volatility_percent: number | null
  /** The deepest close below an earlier one, 0 or below. */
  max_drawdown_percent: number | null
  sharpe: number | null
  /** Of simple returns, as is the correlation. */
  beta: number | null
  correlation: number | null
}

export interface Comparison {
  benchmark: string
  /** Bars at the times that all symbols with bars have, and the first and last of these times. */
  common_bars: number
  first_time: string | null
  last_time: string | null
  symbols: ComparedSymbol[]
  /** Rows and columns in the order of `symbols`. */
  correlation_matrix: (number | null)[][]
}

/**
 * Compares closes at the times that the series share; a return is from one common time to the next. Series without bars
 * take no part. Beta and correlation are null where the benchmark is not among the series.
 * @param periodsPerYear of the common times: the smallest of the series' own (`periodsPerYear`)
 * @param riskFree a year's, as a fraction
 */
export function compareSeries (
  series: readonly { symbol: string, bars: readonly Bar[] }[],
  benchmark: string,
  periodsPerYear: number,
  riskFree = 0
): Comparison {
  const times = commonTimes(series.map(({ bars }) => bars))
  const shared = new Set(times)
  const closes = series.map(({ bars }) => bars.filter(bar => shared.has(bar.time)).map(bar => bar.close))
  const growth = closes.map(values => known(returns(values).slice(1)))
  const at = series.findIndex(({ symbol }) => symbol === benchmark)
  const base = growth[at] ?? null
  const matrix = growth.map(a => growth.map(b => a && b && correlation(a, b)))
  return {
    benchmark,
    common_bars: times.length,
    first_time: times[0] ?? null,
    last_time: times.at(-1) ?? null,
    symbols: series.map(({ symbol, bars }, i) => ({
      symbol,
      bars: bars.length,
      ...performanceOf(closes[i]!, growth[i]!, periodsPerYear, riskFree),
      beta: betaOf(growth[i] ?? null, base),
      correlation: matrix[i]?.[at] ?? null
    })),
    correlation_matrix: matrix
  }
}

function commonTimes (series: (readonly Bar[])[]): string[] {
  const [first = [], ...others] = series.filter(bars => bars.length)
  const sets = others.map(bars => new Set(bars.map(bar => bar.time)))
  return first.map(bar => bar.time).filter(time => sets.every(times => times.has(time)))
}

function betaOf (values: number[] | null, base: number[] | null): number | null {
  return values && base && slope(values, base)
}

type Performance = Omit<ComparedSymbol, 'symbol' | 'bars' | 'beta' | 'correlation'>

function performanceOf (closes: number[], growth: number[] | null, perYear: number, riskFree: number): Performance {
  const [first = 0, last = 0] = [closes[0], closes.at(-1)]
  const total = closes.length < 2 || first <= 0 ? null : last / first - 1
  const periods = closes.length - 1
  const tooShort = periods < perYear / 4
  const annualised = total === null || total < -1 || tooShort ? null : (1 + total) ** (perYear / periods) - 1
  const logs = growth && known(logReturns(closes).slice(1))
  const falls = closes.length < 2 ? null : known(drawdowns(closes))
  const toPercent = (fraction: number | null) => fraction === null ? null : fraction * 100
  return {
    return_percent: toPercent(total),
    annualised_return_percent: toPercent(annualised),
    volatility_percent: toPercent(logs && volatility(logs, perYear)),
    max_drawdown_percent: toPercent(falls && falls.reduce((deepest, fall) => Math.min(deepest, fall), 0)),
    sharpe: growth && sharpe(growth, perYear, riskFree)
  }
}
