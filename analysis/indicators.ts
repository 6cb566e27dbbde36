/** Technical indicators: what they are called, how much history they need, and their values over a series of bars. */
import { problem } from '../errors.ts'
import type { Bar, Timeframe } from '../schemas/market.ts'
import { INDICATORS, SESSION_VWAP, type Basis, type Definition, type Parameter } from './catalogue.ts'
import { barsToSettle, seedShare } from './moving-averages.ts'
import { nearest } from './nearest.ts'
import { barsPerDay } from './performance.ts'
import type { Series } from './statistics.ts'

export interface IndicatorSpec {
  name: string
  /** With the usual values where none were given. */
  params: number[]
  /** Its columns. Prices in the series' currency; `_percent` in percent; RSI, ADX, DIs and stochastics 0 to 100. */
  columns: string[]
  /** Bars before the first one that has a value in every column. */
  needs: number
  /** Bars before the first one whose value no longer depends on where the series began (to about 1e-12). */
  warmup: number
  /**
   * Whether it counts up: from the `window`'s first bar (OBV, drawdown), or from the trading day's (VWAP of a session);
   * `warmup` then reaches back over a day.
   */
  cumulative: 'window' | 'session' | false
}

const SETTLED = 1e-12
const MOST_TEXT = 60
const SPELLING = /^([a-z][a-z _]*?)[ _:]*(?:(\d[\d.,:_ ]*)|\(([^()]*)\))?$/

/** Every indicator with its usual parameters, in one line. */
export const INDICATOR_SYNTAX = Object.keys(INDICATORS).map(usualOf).join(' ')

/**
 * Reads `sma(20)`, `macd(12,26,9)` or `rsi`; `SMA 20`, `sma20`, `sma:20` and `sma_20` too.
 * @param timeframe `vwap` without a length is the session's on intraday bars, and vwap(20) from 1day up
 * @throws INVALID_INPUT with near spellings, where the name or a parameter is not one
 */
export function parseIndicator (text: string, timeframe: Timeframe = '1day'): IndicatorSpec {
  const [, word = '', bare = '', bracketed] = readSpelling(text)
  const name = nameOf(word.replaceAll(/[ _]/g, ''))
  if (!name) throw unknown(text, word)
  const given = (bracketed ?? bare).split(/[,:_ ]+/).filter(Boolean)
  const bars = barsPerDay(timeframe)
  if (name === 'vwap' && !given.length && bars) return toSpec(name, SESSION_VWAP, [], bars)
  const definition = INDICATORS[name]!
  const params = toParams(name, definition.parameters, given, text)
  const settling = barsToSettle(definition.weights?.(params) ?? [], SETTLED)
  return toSpec(name, definition, params, definition.needs(params) + settling)
}

/**
 * How much of a recursive indicator's value is still the arbitrary one that it began with, after `bars` bars before it:
 * 1 where it has none yet, 0 where it depends on a fixed number of bars.
 */
export function unsettledShare ({ name, params, needs }: IndicatorSpec, bars: number): number {
  return bars < needs ? 1 : seedShare(INDICATORS[name]?.weights?.(params) ?? [], bars - needs)
}

/**
 * Every column of the indicators, one value a bar. Null where there are too few bars before it or a volume is missing,
 * and where it is not defined: RSI without any move, stochastics without a range. Bars are taken as they come: a gap
 * in time is not filled.
 * @param from the `time` of the window's first bar: what counts up from the window is null before. Without it, the
 * first bar.
 */
export function computeIndicators (
  specs: readonly IndicatorSpec[],
  bars: readonly Bar[],
  { from = '', ...basis }: Basis & { from?: string | undefined }
): Record<string, Series> {
  const skipped = bars.filter(({ time }) => time < from).length
  return Object.fromEntries(specs.flatMap(({ name, params, columns, cumulative }) => {
    const { compute } = cumulative === 'session' ? SESSION_VWAP : INDICATORS[name]!
    const series = cumulative === 'window'
      ? compute(bars.slice(skipped), params, basis).map(values => [...Array<null>(skipped).fill(null), ...values])
      : compute(bars, params, basis)
    return columns.map((column, i) => [column, series[i]!] as const)
  }))
}

function toSpec (name: string, definition: Definition, params: number[], warmup: number): IndicatorSpec {
  const { columns, needs, cumulative = false } = definition
  return { name, params, columns: columns(params), needs: needs(params), warmup, cumulative }
}

/** The name, and its parameters with or without brackets. */
function readSpelling (text: string): readonly string[] {
  return text.length > MOST_TEXT ? [] : SPELLING.exec(text.trim().toLowerCase()) ?? []
}

function nameOf (word: string): string | undefined {
  return Object.hasOwn(INDICATORS, word)
    ? word
    : Object.entries(INDICATORS).find(([, { aliases }]) => aliases?.includes(word))?.[0]
}

function toParams (name: string, parameters: Parameter[], given: string[], text: string): number[] {
  if (given.length > parameters.length) throw invalid(name, parameters, `${quote(text)} has too many parameters.`)
  const params = parameters.map(({ name: label, usual, least, most, whole }, i) => {
    const value = given[i] === undefined ? usual : /^-?\d+(\.\d+)?$/.test(given[i]) ? Number(given[i]) : NaN
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value
    throw invalid(name, parameters,
      `${label} in ${quote(text)} must be a ${whole ? 'whole number' : 'number'} from ${least} to ${most}.`)
  })
  const [fast = 0, slow = 0] = params
  if (name === 'macd' && fast >= slow) throw invalid(name, parameters, `fast in ${quote(text)} must be below slow.`)
  return params
}

function invalid (name: string, parameters: Parameter[], reason: string): Error {
  const usual = usualOf(name)
  const labels = spell(name, parameters.map(({ name }) => name))
  return problem('INVALID_INPUT', `${reason} Write ${labels === usual ? usual : `${labels}, such as ${usual}`}.`,
    { suggestions: [usual] })
}

function unknown (text: string, word: string): Error {
  const spellings = Object.entries(INDICATORS).flatMap(([name, { aliases = [] }]) => [name, ...aliases])
  const near = nearest(word.replaceAll(/[ _]/g, '') || text.toLowerCase(), spellings).map(spelling => nameOf(spelling)!)
  const suggestions = [...new Set(near)].map(usualOf)
  const known = Object.entries(INDICATORS)
    .map(([name, { parameters }]) => spell(name, parameters.map(({ name, usual }) => `${name}=${usual}`))).join(', ')
  const hint = suggestions.length ? ` Did you mean ${suggestions.join(' or ')}?` : ''
  return problem('INVALID_INPUT', `There is no indicator ${quote(text)}.${hint} Known: ${known}.`, { suggestions })
}

/** With its usual parameters, but those that are usually 0. */
function usualOf (name: string): string {
  return spell(name, INDICATORS[name]!.parameters.map(({ usual }) => usual).filter(Boolean))
}

function spell (name: string, params: readonly unknown[]): string {
  return params.length ? `${name}(${params.join(',')})` : name
}

const quote = (text: string) => `"${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`
