import { dayToBarTime, isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { NEW_YORK, toInstant } from '../../market/time.ts'
import {
  currencyOf, fromCaret, malformed, noBars, notFound, toCaret, toChange, toDate, toDay, toFields, toNumber, toPrice,
  toRows, toText, toUrl, toWindow, type Fields
} from '../parse.ts'
import type {
  Adjustment, AssetClass, Bar, BarSeries, CompanyProfile, MarketStatus, NewsArticle, Quote, SymbolMatch, Timeframe
} from '../../schemas/market.ts'
import type { BarsInput } from '../types.ts'

export const FINNHUB = 'finnhub'
const MILLION = 1_000_000
const HOUR_MS = 3_600_000

/** Finnhub writes `BRK.B`, `BINANCE:BTCUSDT`, `OANDA:EUR_USD` and `^GSPC`. Binance has USDT in place of the dollar. */
export function toUpstreamSymbol ({ symbol, asset_class: assetClass, base, quote }: Instrument): string {
  if (assetClass === 'index') return toCaret(symbol)
  if (assetClass === 'forex') return `OANDA:${base}_${quote}`
  if (assetClass === 'crypto') return `BINANCE:${base}${quote === 'USD' ? 'USDT' : quote}`
  return symbol
}

/** The canonical spelling of a symbol of Finnhub's; one that has none stays as it is. */
export function fromUpstreamSymbol (symbol: string): string {
  if (symbol.startsWith('^')) return fromCaret(symbol)
  return symbol
    .replace(/^OANDA:([A-Z]{3})_([A-Z]{3})$/, '$1/$2')
    .replace(/^BINANCE:([A-Z0-9]{2,10}?)(?:(USD)T|(EUR|GBP|TRY|BRL|BTC|ETH|BNB))$/, '$1/$2$3')
}

/** Where prices come from, said where it matters: Binance trades against USDT. */
function feedOf (assetClass: AssetClass): string | null {
  return assetClass === 'crypto' ? 'binance' : null
}

/**
 * A quote of a stock or an index out of `/quote`, which has no symbol, volume, bid or ask.
 * @throws SYMBOL_NOT_FOUND for a quote of zeros; PROVIDER_MALFORMED
 */
export function toQuote (body: unknown, instrument: Instrument): Quote {
  const fields = toFields(body)
  const price = toPrice(fields.c)
  if (price === null) {
    const unknown = fields.c === 0 && [fields.d, fields.dp, fields.o, fields.pc].every(value => !value)
    throw unknown ? notFound(FINNHUB, instrument.symbol) : malformed(FINNHUB, `a price of ${instrument.symbol}`)
  }
  const at = toDate(fields.t)
  return quoteOf(instrument, price, {
    change: toNumber(fields.d),
    change_percent: toNumber(fields.dp),
    open: toPrice(fields.o),
    high: toPrice(fields.h),
    low: toPrice(fields.l),
    previous_close: toPrice(fields.pc),
    volume: null,
    as_of: at && toInstant(at)
  })
}

type QuoteFields = Pick<Quote, 'change' | 'change_percent' | 'open' | 'high' | 'low' | 'previous_close' | 'volume' | 'as_of'>

function quoteOf (instrument: Instrument, price: number, fields: QuoteFields): Quote {
  return {
    symbol: instrument.symbol,
    price,
    currency: currencyOf(instrument),
    ...fields,
    bid: null,
    ask: null,
    bid_size: null,
    ask_size: null,
    feed: feedOf(instrument.asset_class),
    delayed_by_seconds: null
  }
}

/**
 * A quote of a pair out of its latest daily candles, because `/quote` is for stocks. Its time is not known: a candle
 * says when its day began.
 * @throws SYMBOL_NOT_FOUND where there are none; PROVIDER_MALFORMED
 */
export function toPairQuote (body: unknown, instrument: Instrument): Quote {
  const [day, before] = toBars(body, instrument, '1day').sort((a, b) => b.time < a.time ? -1 : 1)
  if (!day) throw malformed(FINNHUB, `a price of ${instrument.symbol}`)
  const previous = before?.close ?? null
  return quoteOf(instrument, day.close, {
    ...toChange(day.close, previous),
    open: day.open,
    high: day.high,
    low: day.low,
    previous_close: previous,
    volume: day.volume,
    as_of: null
  })
}

/**
 * All bars of a body of columns, in its order.
 * @throws SYMBOL_NOT_FOUND where there are none; PROVIDER_MALFORMED, also for columns of unequal length
 */
export function toBars (body: unknown, { symbol, asset_class: assetClass }: Instrument, timeframe: Timeframe): Bar[] {
  const fields = toFields(body)
  if (fields.s === 'no_data') throw noBars(FINNHUB, symbol)
  const prices = [fields.o, fields.h, fields.l, fields.c].map(toColumn)
  const times = toColumn(fields.t)
  const volumes = fields.v === undefined ? times.map(() => null) : toColumn(fields.v)
  const columns = [...prices, volumes]
  if (fields.s !== 'ok' || times.length === 0 || columns.some(({ length }) => length !== times.length)) {
    throw malformed(FINNHUB, `whole columns of bars of ${symbol}`)
  }
  const bars = times.flatMap((stamp, row) => {
    const at = toDate(stamp)
    const [open = null, high = null, low = null, close = null] = prices.map(column => toPrice(column[row]))
    if (!at || open === null || high === null || low === null || close === null) return []
    return {
      time: toTime(at, timeframe, assetClass),
      open,
      high,
      low,
      close,
      volume: toNumber(volumes[row]),
      vwap: null,
      trades: null
    }
  })
  if (bars.length === 0) throw malformed(FINNHUB, `a readable bar of ${symbol}`)
  return bars
}

function toColumn (value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/**
 * Days are stamped at midnight in UTC or in New York: the same date in UTC. The days of forex begin at 17:00 in New
 * York of the day before.
 */
function toTime (at: Date, timeframe: Timeframe, assetClass: AssetClass): string {
  if (isIntraday(timeframe)) return toInstant(at)
  const inside = new Date(at.getTime() + (assetClass === 'forex' ? 3 * HOUR_MS : 0))
  return dayToBarTime(inside.toISOString().slice(0, 10), timeframe)
}

/** One symbol's bars in the window. */
export function toBarSeries (bars: readonly Bar[], instrument: Instrument, input: BarsInput,
  adjustment: Adjustment): BarSeries {
  const { symbol, asset_class: assetClass } = instrument
  const zone = zoneOf(assetClass)
  return {
    symbol,
    timeframe: input.timeframe,
    currency: currencyOf(instrument),
    adjustment,
    feed: feedOf(assetClass),
    session: assetClass === 'crypto' || assetClass === 'forex' ? 'continuous' : 'regular',
    time_zone: zone,
    bars: toWindow(bars, input, zone)
  }
}

/** @throws PROVIDER_MALFORMED */
export function toMatches (body: unknown): SymbolMatch[] {
  const { result } = toFields(body)
  if (!Array.isArray(result)) throw malformed(FINNHUB, 'a list of symbols')
  return toRows(result).flatMap(row => {
    const upstream = toText(row.symbol, 40)
    if (upstream === null) return []
    return {
      symbol: fromUpstreamSymbol(upstream),
      name: toText(row.description),
      asset_class: assetClassOf(upstream),
      exchange: null,
      type: toText(row.type),
      currency: null,
      active: null
    }
  })
}

function assetClassOf (upstream: string): AssetClass | null {
  if (upstream.startsWith('^')) return 'index'
  if (!upstream.includes(':')) return 'stock'
  return upstream.startsWith('OANDA:') ? 'forex' : upstream.startsWith('BINANCE:') ? 'crypto' : null
}

/** @throws SYMBOL_NOT_FOUND; PROVIDER_MALFORMED, also where an ADR is answered with its home listing */
export function toProfile (body: unknown, instrument: Instrument, peers: string[] | null): CompanyProfile {
  const fields = toFields(body)
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw malformed(FINNHUB, 'a company profile')
  const ticker = toText(fields.ticker, 40)
  const name = toText(fields.name)
  if (ticker === null && name === null) throw notFound(FINNHUB, instrument.symbol)
  if (ticker !== null && ticker !== instrument.symbol) throw malformed(FINNHUB, `the profile of ${instrument.symbol}`)
  return {
    symbol: instrument.symbol,
    name,
    description: null,
    exchange: toText(fields.exchange),
    sector: null,
    industry: toText(fields.finnhubIndustry),
    country: toText(fields.country),
    currency: toText(fields.currency, 10),
    market_cap: inUnits(fields.marketCapitalization),
    shares_outstanding: inUnits(fields.shareOutstanding),
    employees: null,
    ceo: null,
    website: toUrl(fields.weburl),
    ipo_date: toDay(fields.ipo),
    cik: null,
    peers
  }
}

/** Out of millions; rounded, because the product of a binary fraction is not whole. */
function inUnits (value: unknown): number | null {
  const millions = toPrice(value)
  return millions === null ? null : Math.round(millions * MILLION)
}

/** The other companies of `/stock/peers`. @throws PROVIDER_MALFORMED */
export function toPeers (body: unknown, instrument: Instrument): string[] {
  if (!Array.isArray(body)) throw malformed(FINNHUB, 'a list of peers')
  const symbols = body.flatMap(symbol => toText(symbol, 40) ?? []).map(fromUpstreamSymbol)
  return [...new Set(symbols)].filter(symbol => symbol !== instrument.symbol)
}

/**
 * Articles of one list; those that name other companies only are left out.
 * @param instrument whose news they are; none for the whole market
 * @throws PROVIDER_MALFORMED where all are about others
 */
export function toArticles (body: unknown, instrument?: Instrument): NewsArticle[] {
  if (!Array.isArray(body)) throw malformed(FINNHUB, 'a list of news')
  const rows = toRows(body)
  const wanted = instrument ? rows.filter(row => isAbout(row, instrument)) : rows
  if (rows.length > 0 && wanted.length === 0) throw malformed(FINNHUB, `news of ${instrument?.symbol}`)
  return wanted.flatMap(row => {
    const title = toText(row.headline)
    const at = toDate(row.datetime)
    if (title === null) return []
    return {
      id: toText(row.id),
      title,
      summary: toText(row.summary, 1000),
      url: toUrl(row.url),
      source: toText(row.source),
      author: null,
      published_at: at && toInstant(at),
      symbols: [...new Set([...instrument ? [instrument.symbol] : [], ...relatedOf(row)])],
      sentiment: null
    }
  })
}

function relatedOf ({ related }: Fields): string[] {
  const symbols = toText(related)?.split(',') ?? []
  return symbols.map(symbol => symbol.trim()).filter(Boolean).map(fromUpstreamSymbol)
}

function isAbout (row: Fields, { symbol }: Instrument): boolean {
  const related = relatedOf(row)
  return related.length === 0 || related.includes(symbol)
}

/** @throws PROVIDER_MALFORMED where it does not say whether the market is open */
export function toMarketStatus (body: unknown): MarketStatus {
  const fields = toFields(body)
  if (typeof fields.isOpen !== 'boolean') throw malformed(FINNHUB, 'the state of the market')
  return {
    market: 'US',
    is_open: fields.isOpen,
    session: SESSIONS.get(fields.session) ?? (fields.isOpen ? 'regular' : 'closed'),
    next_open: null,
    next_close: null,
    holiday: toText(fields.holiday),
    time_zone: NEW_YORK
  }
}

const SESSIONS = new Map<unknown, MarketStatus['session']>([
  ['pre-market', 'pre'], ['regular', 'regular'], ['post-market', 'post']
])
