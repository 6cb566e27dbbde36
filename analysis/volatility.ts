import type { Bar } from '../schemas/market.ts'
import { wilder } from './moving-averages.ts'
import { deviation, mean, rolling, type Series } from './statistics.ts'

/** Null on the first bar: a true range needs the close before it. */
export function trueRanges (bars: readonly Bar[]): Series {
  return bars.map(({ high, low }, i) => {
    if (!i) return null
    const { close } = bars[i - 1]!
    return Math.max(high, close) - Math.min(low, close)
  })
}

/** Wilder's average true range, in units of the price. */
export function atr (bars: readonly Bar[], n: number): Series {
  return wilder(trueRanges(bars), n)
}

/**
 * Bollinger bands: upper, middle, lower, %b (0 on the lower band, 1 on the upper) and bandwidth (as a fraction of the
 * middle). Deviations are the population's, as in Bollinger's own. %b is null where the bands are one line.
 */
export function bollinger (closes: readonly number[], n: number, width: number): Series[] {
  const middle = rolling([...closes], n, mean)
  const reach = rolling([...closes], n, window => width * deviation(window))
  const band = (of: (middle: number, reach: number, close: number) => number | null) => closes.map((close, i) => {
    const [center, half] = [middle[i] ?? null, reach[i] ?? null]
    return center === null || half === null ? null : of(center, half, close)
  })
  return [
    band((middle, reach) => middle + reach),
    middle,
    band((middle, reach) => middle - reach),
    band((middle, reach, close) => reach === 0 ? null : (close - middle + reach) / (2 * reach)),
    band((middle, reach) => middle === 0 ? null : 2 * reach / middle)
  ]
}
