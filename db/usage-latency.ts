/** The bounds of the histogram of how long calls take, in milliseconds. What takes longer has a last count. */
export const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000] as const

/** How many counts a histogram has. */
export const LATENCY_COUNTS = LATENCY_BOUNDS_MS.length + 1

/** Which count a call of so many milliseconds goes to, from 0. */
export function toLatencyIndex (ms: number): number {
  const index = LATENCY_BOUNDS_MS.findIndex(bound => ms <= bound)
  return index < 0 ? LATENCY_BOUNDS_MS.length : index
}

/**
 * The time within which this share of the calls ended, as if those of one count were spread evenly between its bounds.
 * Past the last bound nothing is known: it is the answer then.
 * @param share such as 0.95
 * @returns milliseconds, null where there was no call
 */
export function toQuantile (counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let before = 0
  for (const [index, upper] of LATENCY_BOUNDS_MS.entries()) {
    const count = counts[index] ?? 0
    const reached = share * total - before
    if (count > 0 && reached <= count) {
      const lower = LATENCY_BOUNDS_MS[index - 1] ?? 0
      return round(lower + (upper - lower) * Math.max(0, reached) / count)
    }
    before += count
  }
  return LATENCY_BOUNDS_MS.at(-1)!
}

const round = (ms: number) => ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)
