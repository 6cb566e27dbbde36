/** Reads what providers send: leniently, every field optional. What cannot be read is null, never 0. */
import { codeOf, isProblem, problem, type Problem } from '../errors.ts'
import { dayToBarTime, isIntraday, toBarTime } from '../market/bars.ts'
import { addDays, dayIn, instantAt, toInstant } from '../market/time.ts'
import { parseSymbol, type Instrument } from '../market/symbols.ts'
import type { Bar, BarSeries, NewsArticle, Quote, SymbolMatch, Timeframe } from '../schemas/market.ts'
import type { BarsInput, PerSymbol } from './types.ts'

export type Fields = Record<string, unknown>

/** The value as an object, or an empty one: so that a missing part reads as missing fields. */
export function toFields (value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Fields : {}
}

/** The value as a list of objects; what is not an object in it is left out. */
export function toRows (value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(row => typeof row === 'object' && row !== null) : []
}

/** A finite number, also out of a numeric string. */
export function toNumber (value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** A price: providers send 0 for "none". */
export function toPrice (value: unknown): number | null {
  return toNumber(value) || null
}

const TAG = /<[/!?a-z][^>]*>/gi
const ENTITY = /&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7})|#x([\da-f]{1,6}));/gi
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** Once only: what is an entity then was meant to be read as one. */
function withoutEntities (text: string): string {
  return text.replace(ENTITY, (_, name?: string, decimal?: string, hex?: string) => {
    if (name) return ENTITIES[name.toLowerCase()]!
    const code = decimal ? Number(decimal) : parseInt(hex!, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : ' '
  })
}

/**
 * One line of plain text: no HTML, no control, zero-width or bidirectional characters, at most `max` characters.
 * Null where nothing is left.
 */
export function toText (value: unknown, max = 300): string | null {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return null
  // Tags last: entities may spell one, and characters that do not show may stand in one.
  const plain = withoutEntities(value)
    .replace(/[\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, '')
    .replace(TAG, ' ')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  if (plain.length <= max) return plain || null
  return `${plain.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** A link that is http(s) and nothing else: no space, tag or invisible character. */
export function toUrl (value: unknown): string | null {
  return typeof value === 'string' && /^https?:\/\/[^\s<>"\p{C}]{3,2000}$/u.test(value) ? value : null
}

/** A calendar day, also out of a longer stamp. */
export function toDay (value: unknown): string | null {
  const day = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value) ? value.slice(0, 10) : ''
  return Number.isNaN(Date.parse(day)) ? null : day
}

/** An instant out of ISO text, unix seconds, milliseconds, or nanoseconds (told apart by size). */
export function toDate (value: unknown): Date | null {
  const number = toNumber(value)
  const ms = number === null
    ? typeof value === 'string' ? Date.parse(value) : NaN
    : number > 1e17 ? number / 1e6 : number > 1e14 ? number / 1e3 : number > 1e11 ? number : number * 1e3
  const date = new Date(Math.trunc(ms))
  return (number !== null && number <= 0) || Number.isNaN(date.getTime()) ? null : date
}

/** @throws PROVIDER_MALFORMED, where an answer lacks what it cannot be read without */
export function malformed (provider: string, what: string): Problem {
  return problem('PROVIDER_MALFORMED', `${provider} answered without ${what}. Try again, or ask another provider.`, { provider })
}

/** The failure of one symbol that a provider does not know. */
export function notFound (provider: string, symbol: string): Problem {
  return problem('SYMBOL_NOT_FOUND', `${provider} does not know ${symbol}.`, { provider })
}

const CARET_NAMES: Record<string, string> = { SPX: 'GSPC', COMP: 'IXIC' }
const CANONICAL_NAMES: Record<string, string> = { GSPC: 'SPX', IXIC: 'COMP' }

/** An index in the caret spelling of FMP and Finnhub: `I:SPX` is `^GSPC`. */
export function toCaret (symbol: string): string {
  const name = symbol.replace(/^I:/, '')
  return `^${CARET_NAMES[name] ?? name}`
}

/** The canonical spelling of an index in caret spelling: `^GSPC` is `I:SPX`. */
export function fromCaret (symbol: string): string {
  const name = symbol.slice(1)
  return `I:${Object.hasOwn(CANONICAL_NAMES, name) ? CANONICAL_NAMES[name] : name}`
}

/** The trading days that a window's bars begin on, inclusive; of weeks and months, from the first one's first day. */
export function toDays ({ timeframe, start, end }: BarsInput, zone: string): { first: string, last: string } {
  const day = dayIn(zone, start)
  const first = isIntraday(timeframe) || instantAt(day, zone) >= start ? day : addDays(day, 1)
  return { first: dayToBarTime(first, timeframe), last: dayIn(zone, new Date(end.getTime() - 1)) }
}

/** The bars that start in the window, one a time, oldest first: the latest `limit` of them. */
export function toWindow (bars: readonly Bar[], input: BarsInput, zone: string): Bar[] {
  const { first, last } = toDays(input, zone)
  const inside = isIntraday(input.timeframe)
    ? ({ time }: Bar) => Date.parse(time) >= input.start.getTime() && Date.parse(time) < input.end.getTime()
    : ({ time }: Bar) => time >= first && time <= last
  const byTime = new Map(bars.filter(inside).map(bar => [bar.time, bar]))
  return [...byTime.values()].sort((a, b) => a.time < b.time ? -1 : 1).slice(-input.limit)
}

/** Problems of the key, not of the symbol: the next symbol would meet them too. */
const FATAL = new Set(['PROVIDER_REJECTED_KEY', 'PROVIDER_QUOTA'])

/**
 * Loads symbol by symbol, `width` at once, and asks no further once the key is refused or used up.
 * @throws see `assertAnswered`; whatever is not a problem of the table, such as the caller's abort
 */
export async function eachSymbol<T> (instruments: readonly Instrument[], load: (instrument: Instrument) => Promise<T>,
  width = 5): Promise<PerSymbol<T>> {
  const items: Record<string, T> = {}
  const failures: Record<string, Problem> = {}
  const queue = instruments.values()
  let fatal: Problem | undefined
  const work = async () => {
    for (const instrument of queue) {
      try {
        if (fatal) throw fatal
        items[instrument.symbol] = await load(instrument)
      } catch (error) {
        if (!isProblem(error)) throw error
        failures[instrument.symbol] = error
        if (FATAL.has(codeOf(error))) fatal = error
      }
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  return assertAnswered({ items, failures })
}

/** @throws the problem, where every symbol failed with the same one of the provider */
export function assertAnswered<T> (result: PerSymbol<T>): PerSymbol<T> {
  const problems = Object.values(result.failures)
  const [first] = problems
  const same = first !== undefined && problems.every(({ code }) => code === first.code)
  if (same && Object.keys(result.items).length === 0 && codeOf(first).startsWith('PROVIDER_')) throw first
  return result
}

/** The failure of one symbol without bars: a provider that sends none does not say why. */
export function noBars (provider: string, symbol: string): Problem {
  return problem('SYMBOL_NOT_FOUND', `${provider} has no bars of ${symbol} in this window: it may not know the symbol, or nothing traded then.`, { provider })
}

/** A symbol in canonical spelling; null where it has none. */
export function toInstrument (symbol: string): Instrument | null {
  try { return parseSymbol(symbol) } catch { return null }
}

/** How far a price is from the previous close, in money and in percent; rounded to hide binary fractions. */
export function toChange (price: number | null, previousClose: number | null): Pick<Quote, 'change' | 'change_percent'> {
  if (price === null || !previousClose) return { change: null, change_percent: null }
  return { change: round(price - previousClose), change_percent: round((price / previousClose - 1) * 100) }
}

function round (value: number): number {
  return Math.round(value * 1e6) / 1e6 + 0
}

/** The bars of a window (see `toWindow`) out of rows with the keys `t o h l c v vw n`, but for those without prices. */
export function toBars (rows: readonly Fields[], input: BarsInput, zone: string): Bar[] {
  return toWindow(rows.flatMap(row => {
    const at = toDate(row.t)
    const [open, high, low, close] = [row.o, row.h, row.l, row.c].map(toPrice) as [number, number, number, number]
    if (!at || ![open, high, low, close].every(Boolean)) return []
    const time = toBarTime(at, input.timeframe, zone)
    return [{ time, open, high, low, close, volume: toNumber(row.v), vwap: toPrice(row.vw), trades: toNumber(row.n) }]
  }), input, zone)
}

/** The first instant of a bar, from its `time`. */
export function startOf (time: string, timeframe: Timeframe, zone: string): Date {
  return isIntraday(timeframe) ? new Date(time) : instantAt(time, zone)
}

/** The latest of some instants in ISO 8601; null where there is none. */
export function newestOf (instants: readonly (string | null)[]): string | null {
  return instants.reduce((newest, at) => at && (!newest || Date.parse(at) > Date.parse(newest)) ? at : newest, null)
}

/** The value that all of a list share; null where they differ or there is none. */
export function commonOf<T> (values: readonly T[]): T | null {
  return values.length > 0 && values.every(value => value === values[0]) ? values[0]! : null
}

/** Listings as they fit a search: same symbol, its beginning, a beginning of a word in the name, any part, no part. */
export function toRanked (query: string, listings: readonly SymbolMatch[]): { listing: SymbolMatch, rank: number }[] {
  return listings
    .map(listing => ({ listing, rank: rankOf(query.trim().toUpperCase(), listing) }))
    .sort((a, b) => a.rank - b.rank || a.listing.symbol.length - b.listing.symbol.length ||
      (a.listing.symbol < b.listing.symbol ? -1 : 1))
}

/** The rank of a listing that has the search's words neither in its symbol nor in its name. */
export const NO_MATCH = 4

function rankOf (wanted: string, { symbol, name }: SymbolMatch): number {
  const spellings = [symbol, symbol.replace(/^I:|\//g, '')]
  const text = ` ${name?.toUpperCase() ?? ''}`
  if (spellings.includes(wanted)) return 0
  if (spellings.some(spelling => spelling.startsWith(wanted))) return 1
  if (text.includes(` ${wanted}`)) return 2
  return text.includes(wanted) || symbol.includes(wanted) ? 3 : NO_MATCH
}

/** The start of the newest bar, ISO 8601 UTC. */
export function newestBar (series: readonly BarSeries[]): string | null {
  return newestOf(series.map(({ bars, timeframe, time_zone: zone }) => {
    const last = bars.at(-1)
    return last ? toInstant(startOf(last.time, timeframe, zone)) : null
  }))
}

/** Letters that mark a share class; F, L, T and V are exchanges (Frankfurt, London, Tokyo, TSX Venture). */
export const CLASS_SHARE = /^([A-Z]{1,6})\.([A-EG-KM-SUW-Z])$/

/** The money of an instrument's prices; null for an index and for a stock listed outside the US. */
export function currencyOf ({ symbol, asset_class: assetClass, quote }: Instrument): string | null {
  if (assetClass === 'stock') return !symbol.includes('.') || CLASS_SHARE.test(symbol) ? 'USD' : null
  return quote ?? null
}

/** The latest `limit` articles in the window, one a link with all its symbols; one without a time comes last. */
export function toNewest (articles: readonly NewsArticle[],
  { start, end, limit }: { start?: Date, end?: Date, limit: number }): NewsArticle[] {
  const unique = new Map<string, NewsArticle>()
  for (const article of articles) {
    const key = article.url ?? article.id ?? article.title
    const symbols = [...unique.get(key)?.symbols ?? [], ...article.symbols]
    unique.set(key, { ...article, symbols: [...new Set(symbols)] })
  }
  const inside = ({ published_at: at }: NewsArticle) => at === null ||
    ((!start || Date.parse(at) >= start.getTime()) && (!end || Date.parse(at) < end.getTime()))
  return [...unique.values()]
    .filter(inside)
    .sort((a, b) => (b.published_at ?? '') < (a.published_at ?? '') ? -1 : 1)
    .slice(0, limit)
}

/** What a corporate action lacks until it is filled in: the facts of the other kind stay null. */
export const NO_ACTION = {
  record_date: null,
  pay_date: null,
  declaration_date: null,
  amount: null,
  currency: null,
  frequency: null,
  special: null,
  split_from: null,
  split_to: null
}
