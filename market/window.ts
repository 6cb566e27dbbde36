import { problem } from '../errors.ts'
import type { Timeframe } from '../schemas/market.ts'
import { tradingDayFrom } from './calendar.ts'
import { addDays, DAY_MS, dayIn, instantAt, NEW_YORK } from './time.ts'

export interface Window { start: Date, end: Date }

export interface WindowRequest {
  /** `YYYY-MM-DD` or an ISO 8601 instant with a zone. */
  start?: string | undefined
  /** As `start`; a day is included to its end. */
  end?: string | undefined
  /** Such as `90d`: a number and h, d, w, mo or y. */
  lookback?: string | undefined
  timeframe: Timeframe
  limit: number
}

const LOOKBACK = /^(\d{1,5})(h|d|w|mo|y)$/
const DAY = /^\d{4}-\d{2}-\d{2}$/
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/

/** The fewest that a year has. */
const TRADING_DAYS = 250

/** Trading days that surely hold `limit` bars of a timeframe, holidays included. */
const DAYS_PER_BAR: Record<Timeframe, number> = {
  '1min': 1 / 390, '5min': 5 / 390, '15min': 15 / 390, '30min': 30 / 390, '1hour': 1 / 6.5, '1day': 1, '1week': 5, '1month': 21
}

/**
 * The window of a series: from `start` and `end`, from `lookback`, or the last `limit` bars. Days are the exchange's
 * (New York's). The end is never later than now.
 * @throws INVALID_INPUT naming the argument
 */
export function resolveWindow (request: WindowRequest, now: Date): Window {
  const { start, end, lookback, timeframe, limit } = request
  if (start !== undefined && lookback !== undefined) {
    throw problem('INVALID_INPUT', 'Send start or lookback, not both: each says where the series begins.')
  }
  const asked = end === undefined ? now : toInstantOf('end', end, true)
  const until = asked < now ? asked : now
  const from = start !== undefined
    ? toInstantOf('start', start, false)
    : lookback !== undefined
      ? lookBack(lookback, until)
      : startFor(limit, timeframe, until)
  if (start !== undefined && end !== undefined && from >= asked) {
    throw problem('INVALID_INPUT', `end (${end}) is not after start (${start}). Swap them, or send one of them.`)
  }
  if (from >= until) throw problem('INVALID_INPUT', `start (${start}) is in the future: there are no bars yet.`)
  return { start: from, end: until }
}

/** Two calendar days, both included. */
export interface Days { from: string, to: string }

export interface DayRules {
  /** The window without arguments, in New York's days. */
  usual: (today: string) => Days
  /** Most days that may be asked for at once; absent: any number. */
  most?: number
  /** What the arguments are called. */
  names?: readonly [string, string]
}

/**
 * The days from `start` to `end`. A missing one is that of the usual window, and where that would leave nothing, as far
 * from the other as the usual window is long.
 * @throws INVALID_INPUT naming the argument
 */
export function daysOf (
  { start, end }: { start?: string | undefined, end?: string | undefined },
  { usual, most = Infinity, names = ['start', 'end'] }: DayRules,
  now: Date
): Days {
  for (const [i, day] of [start, end].entries()) {
    if (day === undefined || isDay(day)) continue
    throw problem('INVALID_INPUT', `${names[i]} is not a day: send YYYY-MM-DD, such as ${dayIn(NEW_YORK, now)}.`)
  }
  const { from, to } = usual(dayIn(NEW_YORK, now))
  const length = daysBetween(from, to)
  const window = {
    from: start ?? (end === undefined || from <= end ? from : addDays(end, -length)),
    to: end ?? (start === undefined || to >= start ? to : addDays(start, length))
  }
  if (window.from > window.to) {
    throw problem('INVALID_INPUT', `${names[1]} (${end}) is before ${names[0]} (${start}). Swap them, or send one of them.`)
  }
  const count = daysBetween(window.from, window.to) + 1
  if (count <= most) return window
  throw problem('INVALID_INPUT', `${window.from} to ${window.to} are ${count} days; at most ${most} can be asked for at once. ` +
    `Send ${names[0]} and ${names[1]} nearer to each other.`)
}

const daysBetween = (from: string, to: string) => Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS)

/** Whether a text is a day that there is. */
function isDay (text: string): boolean {
  return DAY.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.slice(0, 10) === text
}

function toInstantOf (name: string, text: string, endOfDay: boolean): Date {
  if (isDay(text)) return instantAt(endOfDay ? addDays(text, 1) : text, NEW_YORK)
  if (INSTANT.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text)
  throw problem('INVALID_INPUT', `${name} is not a date: send YYYY-MM-DD (a New York trading day) or an instant such as 2026-03-02T14:30:00Z.`)
}

function lookBack (text: string, until: Date): Date {
  const [, count, unit] = LOOKBACK.exec(text) ?? []
  if (!count || !Number(count)) {
    throw problem('INVALID_INPUT', 'lookback is a number and h, d, w, mo or y, such as 6h, 90d, 12w, 6mo or 5y.')
  }
  const n = Number(count)
  if (unit === 'h') return new Date(until.getTime() - n * 3_600_000)
  const today = dayIn(NEW_YORK, until)
  return instantAt(unit === 'd' ? addDays(today, -n) : unit === 'w' ? addDays(today, -n * 7) : monthsBefore(today, unit === 'y' ? n * 12 : n), NEW_YORK)
}

/** The same day of an earlier month, or that month's last day where it is shorter. */
function monthsBefore (day: string, count: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  const first = new Date(Date.UTC(year, month - 1 - count, 1))
  const lastDate = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  const at = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(date, lastDate)))
  return at.getUTCFullYear() < 1900 ? '1900-01-01' : at.toISOString().slice(0, 10)
}

function startFor (limit: number, timeframe: Timeframe, until: Date): Date {
  const days = Math.ceil(limit * DAYS_PER_BAR[timeframe] * 366 / TRADING_DAYS) + 10
  const at = dayIn(NEW_YORK, new Date(until.getTime() - days * DAY_MS))
  return instantAt(tradingDayFrom(at < '1970-01-01' ? '1970-01-01' : at, -1), NEW_YORK)
}
