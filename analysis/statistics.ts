/** One value a bar, oldest first; null where it cannot be known. */
export type Series = (number | null)[]

/** Numbers without gaps: a list, or a window of a series. */
export type Numbers = ArrayLike<number>

/** Below it, a spread of returns is what rounding leaves of a constant: real ones are some million times as large. */
const NO_DEVIATION = 1e-12

/** Sums distances from the first value, so that the mean of equal values is that value to the last bit. */
export function mean (values: Numbers): number {
  const first = values[0] ?? NaN
  let distance = 0
  for (let i = 1; i < values.length; i++) distance += values[i]! - first
  return first + distance / values.length
}

/** The standard deviation of a population; of a sample, where `sample` is set and there are two values at least. */
export function deviation (values: Numbers, sample = false): number {
  return Math.sqrt(product(values, values) / (values.length - (sample ? 1 : 0)))
}

export function median (values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

export function isFlat (values: Numbers): boolean {
  return values.length < 2 || deviation(values, true) < NO_DEVIATION
}

/** How much `values` move with one unit of `base`; null where there are fewer than two pairs or `base` is flat. */
export function slope (values: Numbers, base: Numbers): number | null {
  return values.length < 2 || isFlat(base) ? null : product(values, base) / product(base, base)
}

/** Pearson's; null where there are fewer than two pairs or one side is flat. */
export function correlation (a: Numbers, b: Numbers): number | null {
  if (isFlat(a) || isFlat(b)) return null
  const value = product(a, b) / Math.sqrt(product(a, a) * product(b, b))
  return Math.max(-1, Math.min(1, value))
}

/** The sum of the products of two lists' distances from their means. */
function product (a: Numbers, b: Numbers): number {
  const [middleA, middleB] = [mean(a), mean(b)]
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - middleA) * (b[i]! - middleB)
  return sum
}

/** The numbers of a series, or null where one of them is missing. */
export function known (values: Series): number[] | null {
  return values.includes(null) ? null : values as number[]
}

/**
 * A function of the last `n` values at each bar; null where there are fewer, or one of them is null. Each window is
 * computed by itself: a running sum would carry its rounding errors along, and make a value depend on where the
 * series began.
 */
export function rolling (values: Series, n: number, of: (window: Float64Array) => number | null): Series {
  const numbers = Float64Array.from(values, value => value ?? NaN)
  let gap = -1
  return values.map((value, i) => {
    if (value === null) gap = i
    return i - n < gap ? null : of(numbers.subarray(i + 1 - n, i + 1))
  })
}

/** Two series joined bar by bar; null where either is. */
export function zip (a: Series, b: Series, of: (a: number, b: number) => number | null): Series {
  return a.map((left, i) => {
    const right = b[i] ?? null
    return left === null || right === null ? null : of(left, right)
  })
}
