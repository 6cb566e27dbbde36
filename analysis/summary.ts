import type { Bar } from '../schemas/market.ts'
import { drawdowns, logReturns, volatility } from './performance.ts'
import { roundForOutput } from './rounding.ts'
import { known } from './statistics.ts'

/** A bar's time and a price of it: as a pair it costs four tokens less than as an object. */
export type Point = [time: string, price: number]

/** A series in a few numbers, about 100 tokens as JSON (130 with intraday times); percentages in steps of 0.01. */
export interface SeriesSummary {
  bars: number
  /** The closes of the first and the last bar. */
  first: Point
  last: Point
  /** The highest and the lowest price traded, and when first. */
  high: Point
  low: Point
  /** From the first close to the last. */
  return_percent: number | null
  /** Standard deviation of log returns, annualised; null for fewer than three bars. */
  volatility_percent: number | null
  /** The deepest close below an earlier one, 0 or below. */
  max_drawdown_percent: number | null
  /** Null where a volume is missing. */
  average_volume: number | null
  /** Up to 30 closes, evenly spaced to the last, between the lowest of them (0) and the highest (9). */
  sparkline: string
}

const POINTS = 30

/** @returns null where there are no bars */
export function summarise (bars: readonly Bar[], periodsPerYear: number): SeriesSummary | null {
  const [first, last] = [bars[0], bars.at(-1)]
  if (!first || !last) return null
  const closes = bars.map(bar => bar.close)
  const logs = known(logReturns(closes).slice(1))
  const falls = known(drawdowns(closes))
  const volumes = known(bars.map(bar => bar.volume))
  const high = bars.reduce((top, bar) => bar.high > top.high ? bar : top)
  const low = bars.reduce((bottom, bar) => bar.low < bottom.low ? bar : bottom)
  const toAverage = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    bars: bars.length,
    first: [first.time, first.close],
    last: [last.time, last.close],
    high: [high.time, high.high],
    low: [low.time, low.low],
    return_percent: first.close > 0 ? toPercent(last.close / first.close - 1) : null,
    volatility_percent: logs && toPercent(volatility(logs, periodsPerYear)),
    max_drawdown_percent: falls && toPercent(falls.reduce((deepest, fall) => Math.min(deepest, fall), 0)),
    average_volume: volumes && roundForOutput(toAverage(volumes), 6),
    sparkline: sparkline(closes)
  }
}

/**
 * Digits, because a tokenizer takes three of them at once: 30 cost 10 tokens. Of block characters each costs two or
 * three, and eight levels are fewer than ten.
 */
export function sparkline (closes: readonly number[], points = POINTS): string {
  const count = Math.min(points, closes.length)
  const shown = Array.from({ length: count }, (_, i) => closes[Math.ceil((i + 1) * closes.length / count) - 1]!)
  const [low, high] = [Math.min(...shown), Math.max(...shown)]
  return shown.map(close => high === low ? 5 : Math.round(9 * (close - low) / (high - low))).join('')
}

const toPercent = (fraction: number | null) => fraction === null ? null : Math.round(fraction * 10_000) / 100
