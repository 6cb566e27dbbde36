import { isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { dayIn, NEW_YORK, toInstant, wallClock } from '../../market/time.ts'
import type {
  AssetClass, BarSeries, MarketStatus, NewsArticle, Quote, SymbolMatch, Timeframe
} from '../../schemas/market.ts'
import {
  malformed, newestOf, toBars, toChange, toDate, toFields, toInstrument, toNumber, toPrice, toRows, toText, toUrl,
  type Fields
} from '../parse.ts'
import type { BarsInput } from '../types.ts'

/** Stocks `BRK.B` and crypto `BTC/USD` as they are, forex `EURUSD`, indices `SPX`. */
export function toUpstreamSymbol ({ symbol, asset_class: assetClass, base, quote }: Instrument): string {
  return assetClass === 'forex' ? `${base}${quote}` : assetClass === 'index' ? symbol.slice(2) : symbol
}

/** News spells crypto without a slash. */
export function toNewsSymbol ({ symbol }: Instrument): string {
  return symbol.replace('/', '')
}

/** Tickers have five letters at most, so that what is longer and ends in USD is a pair. */
function fromNewsSymbol (symbol: unknown): string | null {
  const text = String(symbol)
  return toInstrument(text.replace(/^([A-Z0-9]{3,})(USD[TC]?)$/, '$1/$2'))?.symbol ?? null
}

/**
 * The part of an answer that maps upstream symbols to what is known of each; null where one is not known.
 * @throws PROVIDER_MALFORMED where it is no map, or names a symbol that was not asked for
 */
export function toSymbolMap (value: unknown, asked: readonly Instrument[]): Map<string, Fields | Fields[] | null> {
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed('alpaca', 'its map of symbols')
  const symbols = new Map(asked.map(instrument => [toUpstreamSymbol(instrument), instrument.symbol]))
  return new Map(Object.entries(value ?? {}).map(([name, row]) => {
    const symbol = symbols.get(name)
    if (symbol === undefined) throw malformed('alpaca', 'keeping to the symbols asked for')
    return [symbol, Array.isArray(row) ? toRows(row) : row === null ? null : toFields(row)]
  }))
}

interface Source { feed: string | null, delayed_by_seconds: number | null }

const NO_QUOTE = {
  currency: null,
  change: null,
  change_percent: null,
  open: null,
  high: null,
  low: null,
  previous_close: null,
  volume: null,
  bid: null,
  ask: null,
  bid_size: null,
  ask_size: null,
  as_of: null
}

/** A quote out of a stock or crypto snapshot; null where it holds no price. */
export function toSnapshotQuote (row: Fields, instrument: Instrument, source: Source): Quote | null {
  const trade = toFields(row.latestTrade)
  const today = toFields(row.dailyBar)
  const yesterday = toFields(row.prevDailyBar)
  const traded = toPrice(trade.p)
  const price = traded ?? toPrice(today.c) ?? toPrice(yesterday.c)
  if (price === null) return null
  const at = toDate(traded === null ? toFields(row.minuteBar).t : trade.t)
  // Before the first bar of a day, `dailyBar` is still the day before: its close is the one to compare with.
  const stale = isLaterDay(at, toDate(today.t), zoneOf(instrument.asset_class))
  const session = stale ? {} : today
  const previousClose = stale ? toPrice(today.c) : traded ?? toPrice(today.c) ? toPrice(yesterday.c) : null
  return {
    ...NO_QUOTE,
    symbol: instrument.symbol,
    price,
    currency: instrument.quote ?? 'USD',
    ...toChange(price, previousClose),
    open: toPrice(session.o),
    high: toPrice(session.h),
    low: toPrice(session.l),
    previous_close: previousClose,
    volume: toNumber(session.v),
    ...toSides(toFields(row.latestQuote)),
    as_of: at && toInstant(at),
    ...source
  }
}

/** Whether an instant is on a later day than another. */
export function isLaterDay (at: Date | null, than: Date | null, zone: string): boolean {
  return at !== null && than !== null && dayIn(zone, at) > dayIn(zone, than)
}

/** A quote out of an option's snapshot: null where it never traded, as its sides alone are no price. */
export function toOptionQuote (row: Fields, instrument: Instrument, source: Source): Quote | null {
  return toPrice(toFields(row.latestTrade).p) === null ? null : toSnapshotQuote(row, instrument, source)
}

/** The two sides of the latest quote: a price of 0 is none. */
export function toSides ({ bp, bs, ap, as }: Fields): Pick<Quote, 'bid' | 'ask' | 'bid_size' | 'ask_size'> {
  const bid = toPrice(bp)
  const ask = toPrice(ap)
  return { bid, ask, bid_size: bid && toNumber(bs), ask_size: ask && toNumber(as) }
}

/** A forex rate: the mid price. */
export function toRateQuote (row: Fields, instrument: Instrument, source: Source): Quote | null {
  const bid = toPrice(row.bp)
  const ask = toPrice(row.ap)
  const price = toPrice(row.mp) ?? (bid !== null && ask !== null ? (bid + ask) / 2 : null)
  const at = toDate(row.t)
  if (price === null) return null
  return {
    ...NO_QUOTE,
    symbol: instrument.symbol,
    price,
    currency: instrument.quote ?? null,
    bid,
    ask,
    as_of: at && toInstant(at),
    ...source
  }
}

export function toIndexQuote (row: Fields, { symbol }: Instrument, source: Source): Quote | null {
  const price = toPrice(row.v)
  const at = toDate(row.t)
  return price === null ? null : { ...NO_QUOTE, symbol, price, as_of: at && toInstant(at), ...source }
}

/** One symbol's series out of its rows, in whatever order; null where no bar is left in the window. */
export function toSeries (rows: readonly Fields[], instrument: Instrument, input: BarsInput, feed: string | null,
  currency: unknown): BarSeries | null {
  const zone = zoneOf(instrument.asset_class)
  const bars = toBars(rows, input, zone)
  const { asset_class: assetClass } = instrument
  if (bars.length === 0) return null
  return {
    symbol: instrument.symbol,
    timeframe: input.timeframe,
    currency: instrument.quote ?? toText(currency) ?? 'USD',
    adjustment: assetClass === 'stock' ? input.adjustment : 'raw',
    feed,
    session: toBarSession(assetClass, input.timeframe),
    time_zone: zone,
    bars
  }
}

/** Minutes of a stock reach beyond the regular session; its days, and all of an option, do not. */
function toBarSession (assetClass: AssetClass, timeframe: Timeframe): BarSeries['session'] {
  if (assetClass === 'crypto') return 'continuous'
  return assetClass === 'stock' && isIntraday(timeframe) ? 'extended' : 'regular'
}

/** One listing of the list of an asset class; null where it is of another, or cannot be asked for. */
export function toSymbolMatch (row: Fields, assetClass: 'stock' | 'crypto'): SymbolMatch | null {
  const instrument = toInstrument(String(row.symbol))
  if (instrument?.asset_class !== assetClass) return null
  return {
    symbol: instrument.symbol,
    name: toText(row.name),
    asset_class: assetClass,
    exchange: toText(row.exchange),
    type: null,
    currency: instrument.quote ?? 'USD',
    active: row.status === 'active'
  }
}

/**
 * @returns articles about any of the instruments, or all where there is none
 * @throws PROVIDER_MALFORMED where the answer has no list, or articles about other symbols only
 */
export function toNews (body: unknown, instruments: readonly Instrument[]): NewsArticle[] {
  const { news } = toFields(body)
  if (!Array.isArray(news)) throw malformed('alpaca', 'a list of news')
  const articles = toRows(news).flatMap(row => toArticle(row) ?? [])
  if (instruments.length === 0) return articles
  const asked = new Set(instruments.map(({ symbol }) => symbol))
  const fitting = articles.filter(({ symbols }) => symbols.some(symbol => asked.has(symbol)))
  if (articles.length > 0 && fitting.length === 0) throw malformed('alpaca', 'keeping to the symbols asked for')
  return fitting
}

function toArticle (row: Fields): NewsArticle | null {
  const title = toText(row.headline)
  const at = toDate(row.created_at) ?? toDate(row.updated_at)
  if (title === null) return null
  return {
    id: toText(row.id),
    title,
    summary: toText(row.summary, 1000),
    url: toUrl(row.url),
    source: toText(row.source),
    author: toText(row.author),
    published_at: at && toInstant(at),
    symbols: Array.isArray(row.symbols) ? row.symbols.flatMap(symbol => fromNewsSymbol(symbol) ?? []) : [],
    sentiment: null
  }
}

/** When the newest of some articles was published. */
export function newsAsOf (articles: readonly NewsArticle[]): string | null {
  return newestOf(articles.map(({ published_at: at }) => at))
}

export interface Clock { at: Date, isOpen: boolean, nextOpen: Date | null, nextClose: Date | null }

/** @throws PROVIDER_MALFORMED where it does not say whether the market is open */
export function toClock (body: unknown, now: Date): Clock {
  const row = toFields(body)
  if (typeof row.is_open !== 'boolean') throw malformed('alpaca', 'a market clock')
  return {
    at: toDate(row.timestamp) ?? now,
    isOpen: row.is_open,
    nextOpen: toDate(row.next_open),
    nextClose: toDate(row.next_close)
  }
}

export function toMarketStatus ({ isOpen, nextOpen, nextClose }: Clock, session: MarketStatus['session']): MarketStatus {
  return {
    market: 'US',
    is_open: isOpen,
    session,
    next_open: nextOpen && toInstant(nextOpen),
    next_close: nextClose && toInstant(nextClose),
    holiday: null,
    time_zone: NEW_YORK
  }
}

/** The session of a clock's moment, from its day's row of the calendar; without a row the day has no trading. */
export function toSession ({ at, isOpen }: Clock, calendar: unknown): MarketStatus['session'] {
  if (isOpen) return 'regular'
  const [day, time] = wallClock(at, NEW_YORK).split(' ') as [string, string]
  const row = toRows(calendar).find(({ date }) => date === day)
  if (!row || time < toClockTime(row.session_open, '04:00') || time >= toClockTime(row.session_close, '20:00')) return 'closed'
  if (time < toClockTime(row.open, '09:30')) return 'pre'
  return time >= toClockTime(row.close, '16:00') ? 'post' : 'closed'
}

/** `09:30` as it is, `0400` with its colon. */
export function toClockTime (value: unknown, standard: string): string {
  const [, hours, minutes] = /^(\d\d):?(\d\d)$/.exec(String(value)) ?? []
  return hours ? `${hours}:${minutes}` : standard
}
