import type { AssetClass, BarSeries, Timeframe } from '../schemas/market.ts'
import { deviation, isFlat, mean, rolling, type Numbers, type Series } from './statistics.ts'

const MINUTES: Partial<Record<Timeframe, number>> = { '1min': 1, '5min': 5, '15min': 15, '30min': 30, '1hour': 60 }
const MINUTES_OF_DAY = { regular: 390, extended: 960, continuous: 1440 }

/** Bars of 24 hours; undefined from 1day up. */
export function barsPerDay (timeframe: Timeframe): number | undefined {
  const minutes = MINUTES[timeframe]
  return minutes && MINUTES_OF_DAY.continuous / minutes
}

/**
 * Bars of a year, by which figures are annualised: 365 days of 24 hours for crypto; 252 days for all else, of 24 hours
 * for forex, and of 6.5 for stocks, unless the series has `extended` hours (16).
 */
export function periodsPerYear (
  timeframe: Timeframe,
  assetClass: AssetClass,
  session: BarSeries['session'] = assetClass === 'crypto' || assetClass === 'forex' ? 'continuous' : 'regular'
): number {
  if (timeframe === '1month') return 12
  if (timeframe === '1week') return 52
  const days = assetClass === 'crypto' ? 365 : 252
  return days * MINUTES_OF_DAY[session] / (MINUTES[timeframe] ?? MINUTES_OF_DAY[session])
}

/** Growth over `n` bars as a fraction; null on the first `n`, and from a price that is not positive. */
export function returns (closes: readonly number[], n = 1): Series {
  return closes.map((close, i) => {
    const before = closes[i - n] ?? 0
    return before > 0 ? close / before - 1 : null
  })
}

/** Logarithms of growth, bar by bar. */
export function logReturns (closes: readonly number[]): Series {
  return closes.map((close, i) => {
    const before = closes[i - 1] ?? 0
    return before > 0 && close > 0 ? Math.log(close / before) : null
  })
}

/** Distance from the highest close so far, as a fraction: 0 at the top, else below 0. */
export function drawdowns (closes: readonly number[]): Series {
  let top = -Infinity
  return closes.map(close => {
    top = Math.max(top, close)
    return top > 0 ? close / top - 1 : null
  })
}

/** The standard deviation (of a sample) of log returns, annualised, as a fraction; null for fewer than two. */
export function volatility (logs: Numbers, perYear: number): number | null {
  return logs.length < 2 ? null : deviation(logs, true) * Math.sqrt(perYear)
}

/**
 * The mean simple return above the risk-free one, over their standard deviation (of a sample), annualised.
 * @param riskFree a year's, as a fraction; a bar's is its `perYear`th part
 * @returns null for fewer than two returns, or equal ones
 */
export function sharpe (returns: Numbers, perYear: number, riskFree = 0): number | null {
  if (isFlat(returns)) return null
  return (mean(returns) - riskFree / perYear) / deviation(returns, true) * Math.sqrt(perYear)
}

export function rollingVolatility (closes: readonly number[], n: number, perYear: number): Series {
  return rolling(logReturns(closes), n, logs => volatility(logs, perYear))
}

export function rollingSharpe (closes: readonly number[], n: number, perYear: number, riskFree: number): Series {
  return rolling(returns(closes), n, window => sharpe(window, perYear, riskFree))
}
