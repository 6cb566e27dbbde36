import { mean, rolling, zip, type Series } from './statistics.ts'

/** The weight of the newest value in an exponential average of `n`. */
export const emaWeight = (n: number) => 2 / (n + 1)
/** The same in Wilder's averages. */
export const wilderWeight = (n: number) => 1 / n

export function sma (values: Series, n: number): Series {
  return rolling(values, n, mean)
}

/** Linear weights: n for the newest, 1 for the oldest. */
export function wma (values: Series, n: number): Series {
  const total = n * (n + 1) / 2
  return rolling(values, n, window => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += window[i]! * (i + 1)
    return sum / total
  })
}

/** Exponential smoothing that begins with the plain mean of the first `n` values; nulls before them are passed over. */
export function smooth (values: Series, n: number, weight: number): Series {
  const first: number[] = []
  let last: number | null = null
  return values.map(value => {
    if (value === null) return null
    if (last !== null) return (last += weight * (value - last))
    first.push(value)
    return first.length < n ? null : (last = mean(first))
  })
}

export const ema = (values: Series, n: number): Series => smooth(values, n, emaWeight(n))
export const wilder = (values: Series, n: number): Series => smooth(values, n, wilderWeight(n))

/** The line, its signal and their difference. */
export function macd (values: Series, fast: number, slow: number, signalLength: number): [Series, Series, Series] {
  const subtract = (a: number, b: number) => a - b
  const line = zip(ema(values, fast), ema(values, slow), subtract)
  const signal = ema(line, signalLength)
  return [line, signal, zip(line, signal, subtract)]
}

/**
 * The share that the first mean still has, `bars` after it, in averages run one after the other: of one,
 * (1 - weight) ** bars.
 */
export function seedShare (weights: readonly number[], bars: number): number {
  const shares = weights.map(() => 1)
  for (let bar = 0; bar < bars; bar++) passBar(weights, shares)
  return shares.at(-1) ?? 0
}

/** Bars after which that share is below `share`. */
export function barsToSettle (weights: readonly number[], share: number): number {
  const shares = weights.map(() => 1)
  let bars = 0
  for (; (shares.at(-1) ?? 0) >= share; bars++) passBar(weights, shares)
  return bars
}

function passBar (weights: readonly number[], shares: number[]): void {
  let input = 0
  weights.forEach((weight, i) => {
    input = shares[i]! + weight * (input - shares[i]!)
    shares[i] = input
  })
}
