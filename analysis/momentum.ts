import type { Bar } from '../schemas/market.ts'
import { sma, wilder } from './moving-averages.ts'
import { rolling, zip, type Series } from './statistics.ts'
import { trueRanges } from './volatility.ts'

/**
 * Wilder's RSI, 0 to 100. Null where nothing moved since the start: conventions give such a series 0, 50 or 100.
 */
export function rsi (closes: readonly number[], n: number): Series {
  const changes = closes.map((close, i) => i ? close - closes[i - 1]! : null)
  const gains = wilder(changes.map(change => change === null ? null : Math.max(change, 0)), n)
  const losses = wilder(changes.map(change => change === null ? null : Math.max(-change, 0)), n)
  return zip(gains, losses, (gain, loss) => gain + loss === 0 ? null : 100 * gain / (gain + loss))
}

function highestOf (window: Float64Array): number {
  let highest = -Infinity
  for (const value of window) if (value > highest) highest = value
  return highest
}

function lowestOf (window: Float64Array): number {
  let lowest = Infinity
  for (const value of window) if (value < lowest) lowest = value
  return lowest
}

/** %K, smoothed over `smoothing` bars, and %D, its mean; 0 to 100. Null where the range has no width. */
export function stochastic (bars: readonly Bar[], n: number, smoothing: number, n2: number): [Series, Series] {
  const highest = rolling(bars.map(bar => bar.high), n, highestOf)
  const lowest = rolling(bars.map(bar => bar.low), n, lowestOf)
  const raw = bars.map(({ close }, i) => {
    const [high, low] = [highest[i] ?? null, lowest[i] ?? null]
    return high === null || low === null || high === low ? null : 100 * (close - low) / (high - low)
  })
  const k = sma(raw, smoothing)
  return [k, sma(k, n2)]
}

/**
 * Wilder's ADX, +DI and -DI, 0 to 100. A bar without directional movement counts as no trend (0) in the ADX; the DIs
 * are null where there was no range at all.
 */
export function adx (bars: readonly Bar[], n: number): [Series, Series, Series] {
  const moves = (of: (bar: Bar, last: Bar) => [up: number, down: number]) => bars.map((bar, i) => {
    if (!i) return null
    const [move, other] = of(bar, bars[i - 1]!)
    return move > other && move > 0 ? move : 0
  })
  const range = wilder(trueRanges(bars), n)
  const up = wilder(moves((bar, last) => [bar.high - last.high, last.low - bar.low]), n)
  const down = wilder(moves((bar, last) => [last.low - bar.low, bar.high - last.high]), n)
  const strength = zip(up, down, (up, down) => up + down === 0 ? 0 : 100 * Math.abs(up - down) / (up + down))
  const toIndex = (moved: number, range: number) => range === 0 ? null : 100 * moved / range
  return [wilder(strength, n), zip(up, range, toIndex), zip(down, range, toIndex)]
}
