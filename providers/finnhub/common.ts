/** What the subjects of this folder share: requests about a company, parts of an answer, and whose answer it is. */
import { isProblem, problem, type Problem } from '../../errors.ts'
import type { Instrument } from '../../market/symbols.ts'
import { DAY_MS, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import { malformed, toRows, toText, type Fields } from '../parse.ts'
import { planLine } from '../plan-line.ts'
import type { Capability, CapabilityAdapter, DayWindow, ProviderRequest } from '../types.ts'
import { FINNHUB, fromUpstreamSymbol, toUpstreamSymbol } from './normalise.ts'

export type Fetch<C extends Capability> = CapabilityAdapter<C>['fetch']

/** A request about one instrument: plans draw lines at listings abroad, kinds of instrument and years of history. */
export function requestOf (path: string, instrument: Instrument, query: ProviderRequest['query'] = {},
  start?: Date, now?: Date): ProviderRequest {
  const symbol = toUpstreamSymbol(instrument)
  return { path, query: { symbol, ...query }, plan_line: planLine(instrument, start, now) }
}

/** The free plan has a month of the calendars' past. */
export function planLineOfPast ({ from }: DayWindow, now: Date): string | undefined {
  return now.getTime() - Date.parse(from) > 32 * DAY_MS ? 'over 1 month ago' : undefined
}

/**
 * Waits for parts that are worth having without each other: null in place of one that failed.
 * @throws the first failure where no part answered; whatever is not a problem of the table
 */
export async function partsOf<T extends unknown[]> (...parts: { [K in keyof T]: Promise<T[K]> }):
Promise<{ [K in keyof T]: T[K] | null }> {
  const settled = await Promise.allSettled(parts)
  const failures = settled.flatMap(part => part.status === 'rejected' ? [part.reason as unknown] : [])
  const defect = failures.find(failure => !isProblem(failure))
  if (defect !== undefined) throw defect
  if (failures.length === parts.length) throw failures[0]
  return settled.map(part => part.status === 'rejected' ? null : part.value) as { [K in keyof T]: T[K] | null }
}

/** What Finnhub cannot give for this input, so that the next provider is asked. */
export function notEntitled (detail: string): Problem {
  return problem('PROVIDER_NOT_ENTITLED', detail, { provider: FINNHUB })
}

/** An empty answer about one company, where an unknown symbol and one without data look the same. */
export function noneKnown (what: string, { symbol }: Instrument): Problem {
  return problem('SYMBOL_NOT_FOUND', `Finnhub knows no ${what} of ${symbol}.`, { provider: FINNHUB })
}

/** @throws PROVIDER_MALFORMED where a body names another symbol: an ADR may be answered with its home listing */
export function assertAbout (named: unknown, instrument: Instrument, what: string): void {
  if (!isAbout(named, instrument)) throw malformed(FINNHUB, `${what} of ${instrument.symbol}`)
}

function isAbout (named: unknown, { symbol }: Instrument): boolean {
  const text = toText(named, 40)
  return text === null || fromUpstreamSymbol(text) === symbol
}

/** The rows of a list; null is how Finnhub writes some empty ones. @throws PROVIDER_MALFORMED */
export function toList (body: unknown, what: string): Fields[] {
  if (body !== null && !Array.isArray(body)) throw malformed(FINNHUB, `a list of ${what}`)
  return toRows(body)
}

/** The rows that are about the instrument or name none. @throws PROVIDER_MALFORMED, also where all name others */
export function toOwnRows (body: unknown, instrument: Instrument, what: string): Fields[] {
  const rows = toList(body, what)
  const own = rows.filter(row => isAbout(row.symbol, instrument))
  if (rows.length > 0 && own.length === 0) throw malformed(FINNHUB, `${what} of ${instrument.symbol}`)
  return own
}

/** Whether a day is one of the window's; a missing one is not. */
export function isInside (day: string | null, { from, to }: DayWindow): boolean {
  return day !== null && day >= from && day <= to
}

/** The midnight in New York that a day begins with, ISO 8601 UTC. */
export function startOfDay (day: string | null): string | null {
  return day && toInstant(instantAt(day, NEW_YORK))
}

/** Orders rows by a text such as a day, the latest first; those without it last. */
export function newestFirst<T> (keyOf: (row: T) => string | null): (a: T, b: T) => number {
  return (a, b) => {
    const [first, second] = [keyOf(a) ?? '', keyOf(b) ?? '']
    return first === second ? 0 : first < second ? 1 : -1
  }
}
