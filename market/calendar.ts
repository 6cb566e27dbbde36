/**
 * The US stock market's trading days from 2000 on, by the exchange's own rules: its holidays, with Juneteenth from 2022
 * on, and the early closes around three of them. Not in here are closings decreed at short notice, such as days of
 * mourning, and early closes outside the rules. Earlier years are computed alike, but the rules were others then.
 */
import { addDays, weekdayOf } from './time.ts'

export interface Closing { day: string, name: string, kind: 'closed' | 'early_close' }

const pad = (n: number) => String(n).padStart(2, '0')
const toDay = (year: number, month: number, day: number) => `${year}-${pad(month)}-${pad(day)}`

/** The nth weekday of a month (0 is Sunday); n = -1 is the last. */
function nthWeekday (year: number, month: number, weekday: number, n: number): string {
  if (n > 0) {
    const first = toDay(year, month, 1)
    return addDays(first, (weekday - weekdayOf(first) + 7) % 7 + (n - 1) * 7)
  }
  const last = addDays(month === 12 ? toDay(year + 1, 1, 1) : toDay(year, month + 1, 1), -1)
  return addDays(last, -((weekdayOf(last) - weekday + 7) % 7))
}

/** Easter Sunday in the Gregorian calendar (the anonymous algorithm). */
function easter (year: number): string {
  const a = year % 19
  const b = Math.floor(year / 100)
  const c = year % 100
  const d = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30
  const e = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - d - c % 4) % 7
  const f = d + e - 7 * Math.floor((a + 11 * d + 22 * e) / 451) + 114
  return toDay(year, Math.floor(f / 31), f % 31 + 1)
}

/** A holiday on a Saturday is kept on Friday, one on a Sunday on Monday. */
function observed (day: string): string {
  const weekday = weekdayOf(day)
  return weekday === 6 ? addDays(day, -1) : weekday === 0 ? addDays(day, 1) : day
}

const years = new Map<number, Map<string, Closing>>()

/** Full and half closings of a year, in order of day. */
export function closingsOf (year: number): Closing[] {
  return [...indexOf(year).values()]
}

function indexOf (year: number): Map<string, Closing> {
  let index = years.get(year)
  if (!index) {
    index = new Map(computeClosings(year).map(closing => [closing.day, closing]))
    years.set(year, index)
  }
  return index
}

function computeClosings (year: number): Closing[] {
  const closed: [string, string][] = [
    [nthWeekday(year, 1, 1, 3), 'Martin Luther King, Jr. Day'],
    [nthWeekday(year, 2, 1, 3), "Washington's Birthday"],
    [addDays(easter(year), -2), 'Good Friday'],
    [nthWeekday(year, 5, 1, -1), 'Memorial Day'],
    [observed(toDay(year, 7, 4)), 'Independence Day'],
    [nthWeekday(year, 9, 1, 1), 'Labor Day'],
    [nthWeekday(year, 11, 4, 4), 'Thanksgiving Day'],
    [observed(toDay(year, 12, 25)), 'Christmas Day']
  ]
  // A New Year's Day on a Saturday is not kept: the Friday before belongs to the old year's last trading days.
  if (weekdayOf(toDay(year, 1, 1)) !== 6) closed.push([observed(toDay(year, 1, 1)), "New Year's Day"])
  if (year >= 2022) closed.push([observed(toDay(year, 6, 19)), 'Juneteenth'])

  const early: [string, string][] = [[addDays(nthWeekday(year, 11, 4, 4), 1), 'Day after Thanksgiving']]
  const eves: [string, string][] = [[toDay(year, 7, 3), 'Eve of Independence Day'], [toDay(year, 12, 24), 'Christmas Eve']]
  for (const [day, name] of eves) {
    const weekday = weekdayOf(day)
    if (weekday >= 1 && weekday <= 5 && !closed.some(([other]) => other === day)) early.push([day, name])
  }
  return [
    ...closed.map(([day, name]): Closing => ({ day, name, kind: 'closed' })),
    ...early.map(([day, name]): Closing => ({ day, name, kind: 'early_close' }))
  ].sort((a, b) => a.day < b.day ? -1 : 1)
}

/** Why a day is not a whole trading day; undefined on a whole one and on weekends. */
export function closingOf (day: string): Closing | undefined {
  return indexOf(Number(day.slice(0, 4))).get(day)
}

export function isTradingDay (day: string): boolean {
  const weekday = weekdayOf(day)
  return weekday !== 0 && weekday !== 6 && closingOf(day)?.kind !== 'closed'
}

/** The first trading day on or after a day (`step` 1), or on or before it (-1). */
export function tradingDayFrom (day: string, step: 1 | -1): string {
  let at = day
  while (!isTradingDay(at)) at = addDays(at, step)
  return at
}
