import { problem, type Problem } from '../../errors.ts'
import { aggregateDays, isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { dayIn, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import {
  CLASS_SHARE, currencyOf, fromCaret, malformed, noBars, notFound, toCaret, toDate, toDay, toFields, toNumber, toPrice,
  toRows, toText, toUrl, toWindow, type Fields
} from '../parse.ts'
import type {
  Adjustment, AssetClass, Bar, BarSeries, CompanyProfile, MarketStatus, NewsArticle, Quote, SymbolMatch
} from '../../schemas/market.ts'
import type { BarsInput } from '../types.ts'

const FMP = 'fmp'

/** FMP writes `BRK-B`, `BTCUSD`, `EURUSD` and `^GSPC`; listings outside the US keep their suffix. It has no options. */
export function toUpstreamSymbol ({ symbol, asset_class: assetClass, base, quote }: Instrument): string {
  if (assetClass === 'index') return toCaret(symbol)
  if (assetClass === 'stock') return symbol.replace(CLASS_SHARE, '$1-$2')
  return `${base}${quote}`
}

/**
 * The canonical spelling of a symbol of FMP's; one that has none stays as it is.
 * @param exchange as FMP names it: a pair is told from a stock by it
 */
export function fromUpstreamSymbol (symbol: string, exchange?: unknown): string {
  if (symbol.startsWith('^')) return fromCaret(symbol)
  if (exchange === 'CRYPTO') return symbol.replace(/^([A-Z0-9]{2,10}?)(USDT|USDC|USD|EUR|GBP|JPY|BTC)$/, '$1/$2')
  if (exchange === 'FOREX') return symbol.replace(/^([A-Z]{3})([A-Z]{3})$/, '$1/$2')
  return symbol.replace(/^([A-Z]{1,6})-([A-Z])$/, '$1.$2')
}

/** @throws PROVIDER_MALFORMED where the body is not a list */
export function listOf (body: unknown, what: string): Fields[] {
  if (!Array.isArray(body)) throw malformed(FMP, what)
  return toRows(body)
}

/** Orders days or instants; without one comes last. */
export function newestFirst (a: string | null, b: string | null): number {
  return (a ?? '') > (b ?? '') ? -1 : (a ?? '') < (b ?? '') ? 1 : 0
}

/** Whether a row may be about the instrument: one without a symbol cannot be checked. */
function isAbout (row: Fields, upstream: string): boolean {
  return row.symbol === undefined || row.symbol === null || row.symbol === upstream
}

/**
 * The rows of a list that are about the instrument: lists of a class share hold its sister's too.
 * @throws PROVIDER_MALFORMED where the body is not a list, or all of it is about others
 */
export function rowsAbout (body: unknown, instrument: Instrument, what: string): Fields[] {
  const rows = listOf(body, `${what} of ${instrument.symbol}`)
  const upstream = toUpstreamSymbol(instrument)
  const own = rows.filter(row => isAbout(row, upstream))
  if (rows.length > 0 && own.length === 0) throw malformed(FMP, `${what} of ${instrument.symbol}`)
  return own
}

/** A company of which FMP has nothing of a kind: it does not say whether it knows the symbol. */
export function nothingOf (what: string, { symbol }: Instrument): Problem {
  return problem('SYMBOL_NOT_FOUND', `fmp knows no ${what} of ${symbol}.`, { provider: 'fmp' })
}

/**
 * One symbol's quote out of the rows of `quote` or `batch-quote`.
 * @throws SYMBOL_NOT_FOUND; PROVIDER_MALFORMED, also where the answer is about another symbol than those asked for
 */
export function toQuote (body: unknown, instrument: Instrument, asked: readonly Instrument[] = [instrument]): Quote {
  const rows = listOf(body, 'a list of quotes')
  const upstream = toUpstreamSymbol(instrument)
  const row = rows.find(row => row.symbol === upstream)
  if (!row) {
    const known = new Set<unknown>(asked.map(toUpstreamSymbol))
    throw rows.some(({ symbol }) => !known.has(symbol))
      ? malformed(FMP, `the quote of ${instrument.symbol}`)
      : notFound(FMP, instrument.symbol)
  }
  const price = toPrice(row.price)
  if (price === null) throw malformed(FMP, `a price of ${instrument.symbol}`)
  const at = toDate(row.timestamp)
  return {
    symbol: instrument.symbol,
    price,
    currency: currencyOf(instrument),
    change: toNumber(row.change),
    change_percent: toNumber(row.changePercentage),
    open: toPrice(row.open),
    high: toPrice(row.dayHigh),
    low: toPrice(row.dayLow),
    previous_close: toPrice(row.previousClose),
    volume: toVolume(row.volume, instrument.asset_class),
    bid: null,
    ask: null,
    bid_size: null,
    ask_size: null,
    as_of: at && toInstant(at),
    feed: null,
    delayed_by_seconds: null
  }
}

/** FMP counts the volume of crypto in money, not in coins. */
function toVolume (value: unknown, assetClass: AssetClass): number | null {
  return assetClass === 'crypto' ? null : toNumber(value)
}

/**
 * The zone of the times of intraday bars. FMP does not document it for pairs; its own data say New York: the hourly bar
 * of BTCUSD stamped 19:00 in winter opens with the next UTC day's daily bar.
 */
export const INTRADAY_ZONE = NEW_YORK

/**
 * One symbol's bars in the window, out of a list of days or of intraday bars.
 * @throws SYMBOL_NOT_FOUND where there are none at all; PROVIDER_MALFORMED
 */
export function toBarSeries (body: unknown, instrument: Instrument, input: BarsInput,
  adjustment: Adjustment): BarSeries {
  const { symbol, asset_class: assetClass } = instrument
  const { timeframe } = input
  const rows = listOf(body, `bars of ${symbol}`)
  if (rows.length === 0) throw noBars(FMP, symbol)
  const upstream = toUpstreamSymbol(instrument)
  if (!rows.every(row => isAbout(row, upstream))) throw malformed(FMP, `the bars of ${symbol}`)
  const timeOf = isIntraday(timeframe) ? clockReader(INTRADAY_ZONE) : toDay
  const bars = rows.flatMap(row => toBar(row, timeOf(row.date), assetClass) ?? [])
  if (bars.length === 0) throw malformed(FMP, `a readable bar of ${symbol}`)
  const zone = zoneOf(assetClass)
  return {
    symbol,
    timeframe,
    currency: currencyOf(instrument),
    adjustment,
    feed: null,
    session: assetClass === 'crypto' || assetClass === 'forex' ? 'continuous' : 'regular',
    time_zone: zone,
    bars: toWindow(timeframe === '1week' || timeframe === '1month'
      ? aggregateDays(bars.sort((a, b) => a.time < b.time ? -1 : 1), timeframe)
      : bars, input, zone)
  }
}

/** Undefined where a price is missing. The dividend-adjusted and the unadjusted list both name them `adjOpen` …. */
function toBar (row: Fields, time: string | null, assetClass: AssetClass): Bar | undefined {
  const open = toPrice(row.open ?? row.adjOpen)
  const high = toPrice(row.high ?? row.adjHigh)
  const low = toPrice(row.low ?? row.adjLow)
  const close = toPrice(row.close ?? row.adjClose)
  if (time === null || open === null || high === null || low === null || close === null) return undefined
  // Their `vwap` is the mean of the four prices, so it is left out.
  return { time, open, high, low, close, volume: toVolume(row.volume, assetClass), vwap: null, trades: null }
}

const CLOCK = /^(\d{4}-\d\d-\d\d (?:[01]\d|2[0-3])):([0-5]\d):([0-5]\d)$/

/** Reads `YYYY-MM-DD HH:MM:SS` in a zone; looks up the zone once an hour, because that is slow. */
export function clockReader (zone: string): (clock: unknown) => string | null {
  const hours = new Map<string, number>()
  return clock => {
    const [, hour, minute, second] = CLOCK.exec(String(clock)) ?? []
    if (!hour || Number.isNaN(Date.parse(hour.slice(0, 10)))) return null
    const at = hours.get(hour) ?? instantAt(`${hour}:00`, zone).getTime()
    hours.set(hour, at)
    return toInstant(at + Number(minute) * 60_000 + Number(second) * 1000)
  }
}

/** Rows of `search-symbol` or `search-name`. */
export function toMatches (body: unknown): SymbolMatch[] {
  return listOf(body, 'a list of symbols').flatMap(row => {
    const upstream = toText(row.symbol, 40)
    if (upstream === null) return []
    return {
      symbol: fromUpstreamSymbol(upstream, row.exchange),
      name: toText(row.name),
      asset_class: assetClassOf(upstream, row.exchange),
      exchange: toText(row.exchange),
      type: null,
      currency: toText(row.currency, 10),
      active: null
    }
  })
}

function assetClassOf (upstream: string, exchange: unknown): AssetClass {
  return upstream.startsWith('^') || exchange === 'INDEX'
    ? 'index'
    : exchange === 'CRYPTO' ? 'crypto' : exchange === 'FOREX' ? 'forex' : 'stock'
}

/** @throws SYMBOL_NOT_FOUND; PROVIDER_MALFORMED, also where the answer is about another company */
export function toProfile (body: unknown, instrument: Instrument, peers: string[] | null): CompanyProfile {
  const [row] = listOf(body, 'a company profile')
  if (!row) throw notFound(FMP, instrument.symbol)
  if (!isAbout(row, toUpstreamSymbol(instrument))) throw malformed(FMP, `the profile of ${instrument.symbol}`)
  return {
    symbol: instrument.symbol,
    name: toText(row.companyName),
    description: toText(row.description, 2000),
    exchange: toText(row.exchange),
    sector: toText(row.sector),
    industry: toText(row.industry),
    country: toText(row.country),
    currency: toText(row.currency, 10),
    market_cap: toPrice(row.marketCap),
    shares_outstanding: null,
    employees: toNumber(row.fullTimeEmployees) || null,
    ceo: toText(row.ceo),
    website: toUrl(row.website),
    ipo_date: toDay(row.ipoDate),
    cik: toText(row.cik),
    peers
  }
}

/** The other companies of `stock-peers`, in canonical spelling. */
export function toPeers (body: unknown, instrument: Instrument): string[] {
  const symbols = listOf(body, 'a list of peers').flatMap(row => toText(row.symbol, 40) ?? [])
  return [...new Set(symbols.map(symbol => fromUpstreamSymbol(symbol)))].filter(symbol => symbol !== instrument.symbol)
}

/**
 * Articles of one news list; those about none of the instruments are left out, unless none were asked for.
 * @throws PROVIDER_MALFORMED where all are about others
 */
export function toArticles (body: unknown, instruments: readonly Instrument[]): NewsArticle[] {
  const rows = listOf(body, 'a list of news')
  const canonical = new Map(instruments.map(instrument => [toUpstreamSymbol(instrument), instrument.symbol]))
  const wanted = instruments.length === 0 ? rows : rows.filter(({ symbol }) => canonical.has(String(symbol)))
  if (rows.length > 0 && wanted.length === 0) throw malformed(FMP, 'news of the symbols asked for')
  const timeOf = clockReader(NEW_YORK)
  return wanted.flatMap(row => {
    const title = toText(row.title)
    if (title === null) return []
    const upstream = toText(row.symbol, 40)
    return {
      id: null,
      title,
      summary: toText(row.text, 1000),
      url: toUrl(row.url),
      source: toText(row.publisher) ?? toText(row.site),
      author: null,
      // The zone is not documented: New York fits a recording whose newest article is then minutes old.
      published_at: timeOf(row.publishedDate),
      symbols: upstream === null ? [] : [canonical.get(upstream) ?? fromUpstreamSymbol(upstream)],
      sentiment: null
    }
  })
}

/** @throws PROVIDER_MALFORMED where it does not say whether the market is open */
export function toMarketStatus (body: unknown, now: Date): MarketStatus {
  const row = toFields(listOf(body, 'market hours')[0])
  if (typeof row.isMarketOpen !== 'boolean') throw malformed(FMP, 'the state of the market')
  const opens = toHour(row.openingHour, now)
  const closes = toHour(row.closingHour, now)
  const ahead = (at: Date | null) => at && at > now ? toInstant(at) : null
  const isOpen = row.isMarketOpen
  return {
    market: toText(row.exchange) ?? 'NASDAQ',
    is_open: isOpen,
    session: isOpen ? 'regular' : 'closed',
    next_open: isOpen ? null : ahead(opens),
    // After the close the next one is another day's, which the answer does not tell.
    next_close: ahead(closes),
    holiday: null,
    time_zone: NEW_YORK
  }
}

/** Today's instant of `09:30 AM -04:00`; null for `CLOSED`. */
function toHour (value: unknown, now: Date): Date | null {
  const [, hour, minute, half, offset] = /^(\d\d):(\d\d) (AM|PM) ([+-]\d\d:\d\d)$/.exec(String(value)) ?? []
  if (!hour) return null
  const hours = String(Number(hour) % 12 + (half === 'PM' ? 12 : 0)).padStart(2, '0')
  return toDate(`${dayIn(NEW_YORK, now)}T${hours}:${minute}:00${offset}`)
}
