/** Quarters as whole numbers, `4 * year + (0 to 3)`, and New York's wall clock as text that sorts by time. */
import { NEW_YORK, addDays, wallClock } from '../../market/time.ts'

/** The market's first day: nothing was reported before it. */
export const FIRST_DAY = '2000-01-01'

export function quarterOf (day: string): number {
  return Number(day.slice(0, 4)) * 4 + Math.floor((Number(day.slice(5, 7)) - 1) / 3)
}

export function quarterStart (quarter: number): string {
  return `${Math.floor(quarter / 4)}-${String(quarter % 4 * 3 + 1).padStart(2, '0')}-01`
}

export function quarterEnd (quarter: number): string {
  return addDays(quarterStart(quarter + 1), -1)
}

/** `YYYY-MM-DD HH:MM` in New York: what is stamped no later is known. */
export function momentOf (now: Date): string {
  return wallClock(now, NEW_YORK).slice(0, 16)
}

export const laterOf = (a: string, b: string) => a > b ? a : b
export const earlierOf = (a: string, b: string) => a < b ? a : b
