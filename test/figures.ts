import type { Test } from 'tap'

/** The short form of the suite: less load, less time, and bounds that hang on the machine's speed are only printed. */
export const isShort = process.env['SUITE'] === 'short'

/** One of two lengths, rates or counts. */
export const pick = <T>(full: T, short: T): T => isShort ? short : full

export interface Figure {
  /** What was measured, in words. */
  what: string
  value: number
  unit?: string
  /** The bound, inclusive; without one the figure is only printed. */
  most?: number
  /** It hangs on how fast the machine is. */
  timed?: boolean
}

/** Prints the figure, for `scripts/suite.js` too, and holds it to its bound. */
export function figure (t: Test, { what, value, unit = '', most, timed = false }: Figure): void {
  const rounded = Number(value.toFixed(value < 100 ? 1 : 0))
  const isBound = most !== undefined && !(timed && isShort)
  t.comment(`figure ${JSON.stringify({ what, value: rounded, unit, most, ok: most === undefined || value <= most, asserted: isBound })}`)
  if (isBound) t.ok(value <= most, `${what}: ${rounded} ${unit}, at most ${most}`)
}

/** The value below which the given part (0 to 1) of the numbers lies; 0 where there are none. */
export function quantile (values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

/** Least-squares slope of `[x, y]` points, in y per x. */
export function slopeOf (points: readonly (readonly [number, number])[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const spread = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0)
  return spread ? points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / spread : 0
}
