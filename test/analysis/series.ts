import type { Bar } from '../../schemas/market.ts'
import { addDays, toInstant, weekdayOf } from '../../market/time.ts'

/** A generator of numbers in [0, 1) that is the same in every run (mulberry32). */
export function createRandom (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Weekdays from 1990-01-01 on. */
export function toDays (count: number): string[] {
  const days: string[] = []
  for (let day = '1990-01-01'; days.length < count; day = addDays(day, 1)) {
    if (weekdayOf(day) % 6) days.push(day)
  }
  return days
}

/** A walk in whole cents, with jumps over night, stretches that stand still and days without trade. */
export function walk (times: readonly string[], seed = 1): Bar[] {
  const random = createRandom(seed)
  const cents = (price: number) => Math.max(1, Math.round(price * 100)) / 100
  let close = 100
  return times.map(time => {
    const open = cents(close * (random() < 0.1 ? 0.94 + 0.12 * random() : 1))
    close = random() < 0.05 ? open : cents(open * (0.98 + 0.0405 * random()))
    const high = cents(Math.max(open, close) * (1 + 0.01 * random()))
    const low = cents(Math.min(open, close) * (1 - 0.01 * random()))
    const volume = random() < 0.02 ? 0 : Math.round(1e6 * random())
    return { time, open, high, low, close, volume, vwap: null, trades: null }
  })
}

/** One price a day, and no volume. */
export const ofCloses = (closes: readonly number[]): Bar[] => toDays(closes.length).map((time, i) => {
  const close = closes[i]!
  return { time, open: close, high: close, low: close, close, volume: null, vwap: null, trades: null }
})

export const flat = (count: number, price = 0.1): Bar[] =>
  ofCloses(Array(count).fill(price)).map(bar => ({ ...bar, volume: 10 }))

/** The instant of a time of day in UTC, as bars have it. */
export const instant = (day: string, minutes: number): string =>
  toInstant(Date.parse(`${day}T00:00:00Z`) + minutes * 60_000)

/** The largest distance of two series, relative to the size of the values; Infinity where only one of them is null. */
export function distance (a: readonly (number | null)[], b: readonly (number | null)[], scale = 0): number {
  if (a.length !== b.length) return Infinity
  return Math.max(0, ...a.map((value, i) => {
    const other = b[i] ?? null
    if (value === null || other === null) return value === other ? 0 : Infinity
    return value === other ? 0 : Math.abs(value - other) / Math.max(Math.abs(value), Math.abs(other), scale)
  }))
}
