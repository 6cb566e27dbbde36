import { isIntraday, zoneOf } from '../../market/bars.ts'
import { toOption, type Instrument } from '../../market/symbols.ts'
import { addDays, DAY_MS, dayIn, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type {
  AssetClass, BarSeries, CompanyProfile, MarketStatus, NewsArticle, Quote, SymbolMatch
} from '../../schemas/market.ts'
import {
  malformed, notFound, toBars, toChange, toDate, toDay, toFields, toInstrument, toNumber, toPrice, toRows, toText,
  toUrl, type Fields
} from '../parse.ts'
import type { BarsInput, PerSymbol } from '../types.ts'

const DELAY_SECONDS = 900

const PREFIXES: Partial<Record<AssetClass, string>> = { crypto: 'X:', forex: 'C:', option: 'O:' }

/** Stocks and indices as they are (`BRK.B`, `I:SPX`), crypto `X:BTCUSD`, forex `C:EURUSD`, options `O:` and OCC. */
export function toUpstreamSymbol ({ symbol, asset_class: assetClass, base, quote }: Instrument): string {
  return `${PREFIXES[assetClass] ?? ''}${base && quote ? base + quote : symbol}`
}

/** Null where the ticker has no canonical spelling, such as preferred shares (`BACpK`). */
export function fromUpstreamSymbol (ticker: unknown): Instrument | null {
  if (typeof ticker !== 'string' || /[a-z]/.test(ticker)) return null
  if (ticker.startsWith('O:')) return toOption(ticker.slice(2)) ? toInstrument(ticker.slice(2)) : null
  const pair = /^X:([A-Z0-9]{2,10}?)(USDT|USDC|[A-Z]{3})$/.exec(ticker) ?? /^C:([A-Z]{3})([A-Z]{3})$/.exec(ticker)
  return toInstrument(pair ? `${pair[1]}/${pair[2]}` : ticker)
}

export function toCurrencyOf ({ asset_class: assetClass, quote }: Instrument): string | null {
  return assetClass === 'index' ? null : quote ?? 'USD'
}

/**
 * The list of an answer; empty where the answer is good and has none.
 * @throws PROVIDER_MALFORMED where it is neither
 */
export function toResults (body: unknown): Fields[] {
  const { results, status } = toFields(body)
  if (!Array.isArray(results) && ((results ?? undefined) !== undefined || typeof status !== 'string')) {
    throw malformed('polygon', 'a list of results')
  }
  return toRows(results)
}

/** Seconds of delay that an answer as a whole admits; null where it does not say. */
export function toDelay (body: unknown): number | null {
  return toFields(body).status === 'DELAYED' ? DELAY_SECONDS : null
}

export interface Snapshots extends PerSymbol<Quote> {
  /** Known, but without a price: not included in the plan, or no trade yet on this day. */
  unpriced: Instrument[]
}

/** @throws PROVIDER_MALFORMED where the answer has no list, or names a symbol that was not asked for */
export function toSnapshots (body: unknown, asked: readonly Instrument[]): Snapshots {
  const rows = new Map(toResults(body).map(row => [row.ticker, row]))
  const tickers = new Set<unknown>(asked.map(toUpstreamSymbol))
  for (const ticker of rows.keys()) {
    if (!tickers.has(ticker)) throw malformed('polygon', 'keeping to the symbols asked for')
  }
  const snapshots: Snapshots = { items: {}, failures: {}, unpriced: [] }
  for (const instrument of asked) {
    const row = rows.get(toUpstreamSymbol(instrument))
    const quote = row && toSnapshotQuote(row, instrument, toDelay(body))
    if (quote) snapshots.items[instrument.symbol] = quote
    else if (row && row.error !== 'NOT_FOUND') snapshots.unpriced.push(instrument)
    else snapshots.failures[instrument.symbol] = notFound('polygon', instrument.symbol)
  }
  return snapshots
}

function toSnapshotQuote (row: Fields, instrument: Instrument, delay: number | null): Quote | null {
  const trade = toFields(row.last_trade)
  const sides = toFields(row.last_quote)
  const session = toFields(row.session)
  const bid = toPrice(sides.bid)
  const ask = toPrice(sides.ask)
  const middle = bid !== null && ask !== null ? (bid + ask) / 2 : null
  const traded = toPrice(trade.price)
  const price = traded ?? toPrice(session.price) ?? toPrice(row.value) ?? toPrice(session.close) ?? middle
  if (price === null || row.error !== undefined) return null
  const tradedAt = toDate(trade.sip_timestamp) ?? toDate(trade.last_updated) ?? toDate(trade.participant_timestamp)
  const at = traded === null ? toDate(row.last_updated) ?? toDate(sides.last_updated) : tradedAt
  const previousClose = toPrice(session.previous_close)
  return {
    symbol: instrument.symbol,
    price,
    currency: toCurrencyOf(instrument),
    ...toChange(price, previousClose),
    open: toPrice(session.open),
    high: toPrice(session.high),
    low: toPrice(session.low),
    previous_close: previousClose,
    volume: toNumber(session.volume) ?? toNumber(session.decimal_volume),
    bid,
    ask,
    // Stated in round lots here and in shares everywhere else: nothing to build on.
    bid_size: null,
    ask_size: null,
    as_of: at && toInstant(at),
    feed: null,
    delayed_by_seconds: toTimeframeDelay(trade.timeframe ?? row.timeframe ?? sides.timeframe) ?? delay
  }
}

/** Seconds of delay in the provider's words; null where it has none. */
export function toTimeframeDelay (timeframe: unknown): number | null {
  return timeframe === 'REAL-TIME' ? 0 : timeframe === 'DELAYED' ? DELAY_SECONDS : null
}

/**
 * The last day's close as a quote; null where the symbol is not known.
 * @throws PROVIDER_MALFORMED where the answer is about another symbol
 */
export function toPreviousCloseQuote (body: unknown, instrument: Instrument): Quote | null {
  const [row] = toAggregates(body, instrument)
  const price = toPrice(row?.c)
  if (!row || price === null) return null
  const at = toDate(row.t)
  return {
    symbol: instrument.symbol,
    price,
    currency: toCurrencyOf(instrument),
    ...toChange(null, null),
    open: toPrice(row.o),
    high: toPrice(row.h),
    low: toPrice(row.l),
    previous_close: null,
    volume: toNumber(row.v),
    bid: null,
    ask: null,
    bid_size: null,
    ask_size: null,
    as_of: at && toInstant(toClose(at, instrument.asset_class)),
    feed: 'eod',
    delayed_by_seconds: null
  }
}

/** A day's stamp is its close or its midnight: the close of either. */
export function toClose (at: Date, assetClass: AssetClass): Date {
  const zone = zoneOf(assetClass)
  const day = dayIn(zone, at)
  if (at.getTime() !== instantAt(day, zone).getTime()) return at
  return zone === NEW_YORK ? instantAt(`${day} 16:00`, zone) : new Date(instantAt(addDays(day, 1), zone).getTime() - 1)
}

/**
 * The rows of one page of aggregates: none where the symbol is not known, or nothing traded.
 * @throws PROVIDER_MALFORMED where the answer is about another symbol
 */
export function toAggregates (body: unknown, instrument: Instrument): Fields[] {
  const rows = toResults(body)
  const { ticker } = toFields(body)
  const asked = toUpstreamSymbol(instrument)
  if ((ticker ?? asked) !== asked || rows.some(row => (row.T ?? asked) !== asked)) {
    throw malformed('polygon', 'keeping to the symbol asked for')
  }
  return rows
}

/** One symbol's series out of its rows, in whatever order; null where no bar is left in the window. */
export function toSeries (rows: readonly Fields[], instrument: Instrument, input: BarsInput,
  adjusted: boolean): BarSeries | null {
  const { asset_class: assetClass } = instrument
  const extended = assetClass === 'stock' && isIntraday(input.timeframe)
  const zone = zoneOf(assetClass)
  const bars = toBars(input.timeframe === '1week' ? rows.map(toMonday) : rows, input, zone)
  if (bars.length === 0) return null
  return {
    symbol: instrument.symbol,
    timeframe: input.timeframe,
    currency: toCurrencyOf(instrument),
    adjustment: assetClass === 'stock' && adjusted ? 'split' : 'raw',
    feed: null,
    session: instrument.quote ? 'continuous' : extended ? 'extended' : 'regular',
    time_zone: zone,
    bars
  }
}

/** Weeks are stamped with their Sunday. */
function toMonday (row: Fields): Fields {
  const at = toDate(row.t)
  return at ? { ...row, t: at.getTime() + DAY_MS } : row
}

const ASSET_CLASSES: Record<string, AssetClass> = {
  stocks: 'stock',
  otc: 'stock',
  crypto: 'crypto',
  fx: 'forex',
  indices: 'index'
}

/** One listing; null where it cannot be asked for. */
export function toSymbolMatch (row: Fields): SymbolMatch | null {
  const pair = typeof row.base_currency_symbol === 'string' && typeof row.currency_symbol === 'string'
    ? toInstrument(`${row.base_currency_symbol}/${row.currency_symbol}`)
    : null
  const instrument = pair ?? fromUpstreamSymbol(row.ticker)
  if (!instrument || ASSET_CLASSES[String(row.market)] !== instrument.asset_class) return null
  return {
    symbol: instrument.symbol,
    name: toText(row.name),
    asset_class: instrument.asset_class,
    exchange: toText(row.primary_exchange),
    type: toText(row.type),
    currency: instrument.quote ?? toCurrency(row.currency_name),
    active: typeof row.active === 'boolean' ? row.active : null
  }
}

export function toCurrency (value: unknown): string | null {
  return typeof value === 'string' && /^[a-z]{3}$/i.test(value) ? value.toUpperCase() : null
}

/** @throws SYMBOL_NOT_FOUND, PROVIDER_MALFORMED where the answer is about another symbol */
export function toProfile (body: unknown, { symbol }: Instrument, peers: string[] | null): CompanyProfile {
  const row = toFields(toFields(body).results)
  if (row.ticker === undefined) throw notFound('polygon', symbol)
  if (row.ticker !== symbol) throw malformed('polygon', 'keeping to the symbol asked for')
  return {
    symbol,
    name: toText(row.name),
    description: toText(row.description, 4000),
    exchange: toText(row.primary_exchange),
    sector: null,
    industry: toText(row.sic_description),
    country: null,
    currency: toCurrency(row.currency_name),
    market_cap: toPrice(row.market_cap),
    shares_outstanding: toPrice(row.share_class_shares_outstanding) ?? toPrice(row.weighted_shares_outstanding),
    employees: toPrice(row.total_employees),
    ceo: null,
    website: toUrl(row.homepage_url),
    ipo_date: toDay(row.list_date),
    cik: toText(row.cik),
    peers
  }
}

/** Null where the answer is about another symbol. */
export function toPeers (body: unknown, { symbol }: Instrument): string[] | null {
  const { stock_symbol: about, ticker, results } = toFields(body)
  if ((about ?? ticker ?? symbol) !== symbol || !Array.isArray(results)) return null
  const peers = toRows(results).flatMap(row => fromUpstreamSymbol(row.ticker)?.symbol ?? [])
  return [...new Set(peers)].filter(peer => peer !== symbol)
}

/**
 * @param instrument what the articles were asked for; undefined for the whole market
 * @throws PROVIDER_MALFORMED where the answer has no list, or articles about other symbols only
 */
export function toNews (body: unknown, instrument?: Instrument): NewsArticle[] {
  const articles = toResults(body).flatMap(row => toArticle(row, instrument) ?? [])
  if (!instrument) return articles
  const fitting = articles.filter(({ symbols }) => symbols.includes(instrument.symbol))
  if (articles.length > 0 && fitting.length === 0) throw malformed('polygon', 'keeping to the symbol asked for')
  return fitting
}

function toArticle (row: Fields, instrument?: Instrument): NewsArticle | null {
  const title = toText(row.title)
  const at = toDate(row.published_utc)
  const ticker = instrument && toUpstreamSymbol(instrument)
  const sentiment = toRows(row.insights).find(insight => insight.ticker === ticker)?.sentiment
  if (title === null) return null
  return {
    id: toText(row.id),
    title,
    summary: toText(row.description, 1000),
    url: toUrl(row.article_url),
    source: toText(toFields(row.publisher).name),
    author: toText(row.author),
    published_at: at && toInstant(at),
    symbols: Array.isArray(row.tickers) ? row.tickers.flatMap(name => fromUpstreamSymbol(name)?.symbol ?? []) : [],
    sentiment: /^(positive|neutral|negative)$/.test(String(sentiment)) ? String(sentiment) : null
  }
}

/** @throws PROVIDER_MALFORMED where it does not say whether the market is open */
export function toMarketStatus (body: unknown): MarketStatus {
  const { market, earlyHours, afterHours } = toFields(body)
  if (typeof market !== 'string') throw malformed('polygon', 'a market status')
  const open = market === 'open'
  return {
    market: 'US',
    is_open: open,
    session: open ? 'regular' : earlyHours === true ? 'pre' : afterHours === true ? 'post' : 'closed',
    next_open: null,
    next_close: null,
    holiday: null,
    time_zone: NEW_YORK
  }
}
