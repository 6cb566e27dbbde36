import { problem, type Problem } from '../../errors.ts'
import { createLru } from '../../lru.ts'
import { isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, DAY_MS, dayIn, instantAt, NEW_YORK, toInstant, wallClock, weekdayOf } from '../../market/time.ts'
import type {
  AssetClass, BarSeries, MarketStatus, NewsArticle, Quote, SymbolMatch, Timeframe
} from '../../schemas/market.ts'
import {
  commonOf, malformed, newestBar, newestOf, noBars, notFound, NO_MATCH, toDays, toFields, toRanked, toRows, type Fields
} from '../parse.ts'
import type {
  Answer, BarsInput, Capabilities, CapabilityAdapter, PerSymbol, ProviderCall, ProviderSettings
} from '../types.ts'
import { barSources, optionFeeds, stockFeeds, type BarSource, type Feed } from './feeds.ts'
import {
  newsAsOf, toClock, toIndexQuote, toMarketStatus, toNews, toNewsSymbol, toOptionQuote, toRateQuote, toSeries,
  toSession, toSnapshotQuote, toSymbolMap, toSymbolMatch
} from './normalise.ts'
import { askEntitled, askWithoutInvalid, byAssetClass, chunksOf, listOf, pagesOf, settleParts } from './requests.ts'

const MAX_POINTS = 10_000
/** Option contracts that one request may name. */
const MAX_CONTRACTS = 100
const MAX_NEWS_PAGES = 20
const TIMEFRAMES: Record<Timeframe, { name: string, spanMs: number }> = {
  '1min': { name: '1Min', spanMs: 60_000 },
  '5min': { name: '5Min', spanMs: 300_000 },
  '15min': { name: '15Min', spanMs: 900_000 },
  '30min': { name: '30Min', spanMs: 1_800_000 },
  '1hour': { name: '1Hour', spanMs: 3_600_000 },
  '1day': { name: '1Day', spanMs: DAY_MS },
  '1week': { name: '1Week', spanMs: 7 * DAY_MS },
  '1month': { name: '1Month', spanMs: 28 * DAY_MS }
}

/** What answers for a kind of instrument: where it is asked, and how its part of the answer reads. */
const QUOTES = {
  stock: { path: '/v2/stocks/snapshots', parameter: 'symbols', member: null, read: toSnapshotQuote },
  crypto: { path: '/v1beta3/crypto/us/snapshots', parameter: 'symbols', member: 'snapshots', read: toSnapshotQuote },
  forex: { path: '/v1beta1/forex/latest/rates', parameter: 'currency_pairs', member: 'rates', read: toRateQuote },
  index: { path: '/v1beta1/indices/latest/values', parameter: 'symbols', member: 'values', read: toIndexQuote },
  option: { path: '/v1beta1/options/snapshots', parameter: 'symbols', member: 'snapshots', read: toOptionQuote }
} as const

export async function fetchQuotes ({ instruments }: Capabilities['quote']['input'],
  call: ProviderCall): Promise<Answer<PerSymbol<Quote>>> {
  const parts = byAssetClass(instruments).flatMap(group =>
    group[0]!.asset_class === 'option' ? chunksOf(group, MAX_CONTRACTS) : [group])
  const data = await settleParts(parts, part => {
    const feeds = feedsOf(part[0]!.asset_class, call.settings)
    return askWithoutInvalid(part, known => askEntitled(feeds, feed => fetchQuotesOf(known, feed, call)))
  })
  const quotes = Object.values(data.items)
  return {
    data,
    as_of: newestOf(quotes.map(quote => quote.as_of)),
    feed: commonOf(quotes.map(quote => quote.feed)),
    delayed_by_seconds: commonOf(quotes.map(quote => quote.delayed_by_seconds))
  }
}

function feedsOf (assetClass: AssetClass, settings: ProviderSettings): Feed[] {
  if (assetClass === 'stock') return stockFeeds(settings)
  if (assetClass === 'option') return optionFeeds(settings)
  return [assetClass === 'crypto' ? { feed: 'us', delayed_by_seconds: 0 } : { feed: null, delayed_by_seconds: null }]
}

/** Quotes of one asset class from one feed. */
async function fetchQuotesOf (part: Instrument[], { plan_line: planLine, ...source }: Feed,
  call: ProviderCall): Promise<PerSymbol<Quote>> {
  const assetClass = part[0]!.asset_class
  const { path, parameter, member, read } = QUOTES[assetClass]
  const named = assetClass === 'stock' || assetClass === 'option'
  const query = { [parameter]: listOf(part), feed: named ? source.feed ?? undefined : undefined }
  const request = { host: 'data', path, query, plan_line: planLine }
  const rows = new Map<string, Fields | Fields[] | null>()
  for await (const body of assetClass === 'option' ? pagesOf(request, call) : [await call.request(request)]) {
    if (member && !(member in toFields(body))) throw malformed('alpaca', member)
    for (const [symbol, row] of toSymbolMap(member ? toFields(body)[member] : body, part)) rows.set(symbol, row)
  }
  const answer: PerSymbol<Quote> = { items: {}, failures: {} }
  for (const instrument of part) {
    const row = rows.get(instrument.symbol)
    const quote = read(toFields(row), instrument, source)
    if (quote) answer.items[instrument.symbol] = quote
    else answer.failures[instrument.symbol] = lacksQuote(instrument, row)
  }
  return answer
}

/** An option contract may have sides and no trade: it is known, and has no price. */
function lacksQuote ({ symbol, option }: Instrument, row: unknown): Problem {
  if (!option || !row) return notFound('alpaca', symbol)
  const detail = `alpaca knows no trade of ${symbol}, so no price. The option chain has its bid and ask.`
  return problem('SYMBOL_NOT_FOUND', detail, { provider: 'alpaca' })
}

const BARS = {
  stock: '/v2/stocks/bars',
  crypto: '/v1beta3/crypto/us/bars',
  option: '/v1beta1/options/bars'
} as const

/** One symbol's bars, and how much later than real time their source is. */
interface SourcedSeries {
  series: BarSeries
  delay: number
}

export async function fetchBars (input: BarsInput, call: ProviderCall): Promise<Answer<PerSymbol<BarSeries>>> {
  const parts = byAssetClass(input.instruments).flatMap(group => {
    const fitting = Math.max(1, Math.floor(MAX_POINTS / pointsIn(input)))
    return chunksOf(group, group[0]!.asset_class === 'option' ? Math.min(fitting, MAX_CONTRACTS) : fitting)
  })
  const { items, failures } = await settleParts(parts, part => {
    const sources = barSources(part[0]!.asset_class, input, call)
    return askWithoutInvalid(part, known => askEntitled(sources, source => fetchBarsOf(known, source, call)))
  })
  const found = Object.values(items)
  const series = found.map(item => item.series)
  return {
    data: { items: Object.fromEntries(series.map(item => [item.symbol, item])), failures },
    as_of: newestBar(series),
    feed: commonOf(series.map(({ feed }) => feed)),
    delayed_by_seconds: Math.max(0, ...found.map(({ delay }) => delay))
  }
}

/** The most bars that one symbol can have in a window. */
function pointsIn ({ start, end, timeframe }: BarsInput): number {
  return Math.max(1, Math.ceil((end.getTime() - start.getTime()) / TIMEFRAMES[timeframe].spanMs) + 1)
}

/**
 * Symbols whose bars fit in one page, or one symbol, from one source. Alpaca counts its `limit` over all symbols and
 * sends one symbol after the other: so a limit below the page's would leave the later symbols out.
 */
async function fetchBarsOf (part: Instrument[], source: BarSource,
  call: ProviderCall): Promise<PerSymbol<SourcedSeries>> {
  const { window, feed, delayed_by_seconds: delay } = source
  const { rows, currency } = window.start < window.end
    ? await fetchBarRows(part, source, call)
    : { rows: new Map<string, Fields[]>(), currency: null }
  const answer: PerSymbol<SourcedSeries> = { items: {}, failures: {} }
  for (const instrument of part) {
    const series = toSeries(rows.get(instrument.symbol) ?? [], instrument, window, feed, currency)
    if (series) answer.items[instrument.symbol] = { series, delay }
    else answer.failures[instrument.symbol] = noBars('alpaca', instrument.symbol)
  }
  return answer
}

async function fetchBarRows (part: Instrument[], { window, feed, plan_line: planLine }: BarSource,
  call: ProviderCall): Promise<{ rows: Map<string, Fields[]>, currency: unknown }> {
  const { timeframe, end, limit, adjustment } = window
  const assetClass = part[0]!.asset_class as keyof typeof BARS
  const zone = zoneOf(assetClass)
  const start = isIntraday(timeframe) ? window.start : instantAt(toDays(window, zone).first, zone)
  const rows = new Map<string, Fields[]>()
  let currency: unknown
  const query = {
    symbols: listOf(part),
    timeframe: TIMEFRAMES[timeframe].name,
    start: toInstant(start),
    end: toInstant(end.getTime() - 1),
    ...(assetClass === 'stock' && { feed: feed ?? undefined, adjustment }),
    sort: 'desc',
    limit: part.length === 1 ? Math.min(limit, MAX_POINTS) : MAX_POINTS
  }
  for await (const body of pagesOf({ host: 'data', path: BARS[assetClass], query, plan_line: planLine }, call)) {
    if (!('bars' in body)) throw malformed('alpaca', 'bars')
    for (const [symbol, page] of toSymbolMap(body.bars, part)) {
      rows.set(symbol, [...rows.get(symbol) ?? [], ...toRows(page)])
    }
    currency = body.currency
    if (part.every(({ symbol }) => (rows.get(symbol)?.length ?? 0) >= limit)) break
  }
  return { rows, currency }
}

const LISTED = { stock: 'us_equity', crypto: 'crypto' } as const

/** Those of Alpaca itself are four; the rest is for connections that ask another server. */
const MOST_LISTS = 12

interface AssetList { listings: Promise<SymbolMatch[]>, at: number }

/**
 * Makes a search over Alpaca's list of assets, which has no search of its own and is several megabytes: it is asked for
 * once a day, and once for all who ask meanwhile.
 */
export function createSearch (): CapabilityAdapter<'search'>['fetch'] {
  const lists = createLru<AssetList>(MOST_LISTS)

  async function load (assetClass: keyof typeof LISTED, call: ProviderCall): Promise<SymbolMatch[]> {
    const { alpaca_environment: environment, endpoints } = call.settings
    const key = `${environment} ${endpoints?.alpaca_trading ?? ''} ${assetClass}`
    const forget = (list: AssetList) => { if (lists.get(key) === list) lists.delete(key) }
    for (let known = lists.get(key); known && call.now.getTime() - known.at < DAY_MS; known = lists.get(key)) {
      // What fails for another caller, perhaps by its key, need not fail for this one.
      try { return await known.listings } catch { forget(known) }
    }
    const list = { listings: fetchAssets(assetClass, call), at: call.now.getTime() }
    lists.set(key, list)
    try { return await list.listings } catch (error) {
      forget(list)
      throw error
    }
  }

  return async ({ query, limit, asset_class: wanted }, call) => {
    if (wanted && wanted !== 'stock' && wanted !== 'crypto') {
      throw problem('PROVIDER_NOT_ENTITLED', 'Alpaca lists stocks and crypto only. Ask another provider.', { provider: 'alpaca' })
    }
    const kinds = wanted ? [wanted] : ['stock', 'crypto'] as const
    const listings = await Promise.all(kinds.map(kind => load(kind, call)))
    const fitting = toRanked(query, listings.flat()).filter(({ rank }) => rank < NO_MATCH)
    return { data: fitting.slice(0, limit).map(({ listing }) => listing), as_of: null }
  }
}

async function fetchAssets (assetClass: keyof typeof LISTED, call: ProviderCall): Promise<SymbolMatch[]> {
  const query = { status: 'active', asset_class: LISTED[assetClass] }
  const body = await call.request({ host: 'trading', path: '/v2/assets', query })
  if (!Array.isArray(body)) throw malformed('alpaca', 'a list of assets')
  return toRows(body).flatMap(row => toSymbolMatch(row, assetClass) ?? [])
}

export async function fetchNews ({ instruments, start, end, limit }: Capabilities['news']['input'],
  call: ProviderCall): Promise<Answer<NewsArticle[]>> {
  const articles: NewsArticle[] = []
  let pageToken: string | undefined
  for (let page = 0; page < MAX_NEWS_PAGES && articles.length < limit; page++) {
    const body = await call.request({
      host: 'data',
      path: '/v1beta1/news',
      query: {
        symbols: instruments.length ? instruments.map(toNewsSymbol).join(',') : undefined,
        // Left out, it would be the beginning of today.
        start: toInstant(start ?? call.now.getTime() - 365 * DAY_MS),
        end: end && toInstant(end),
        limit: Math.min(limit - articles.length, 50),
        sort: 'desc',
        include_content: false,
        page_token: pageToken
      }
    })
    articles.push(...toNews(body, instruments))
    const { next_page_token: next } = toFields(body)
    if (typeof next !== 'string' || !next || next === pageToken) break
    pageToken = next
  }
  return { data: articles.slice(0, limit), as_of: newsAsOf(articles) }
}

export async function fetchMarketStatus (_: Capabilities['market_status']['input'],
  call: ProviderCall): Promise<Answer<MarketStatus>> {
  const clock = toClock(await call.request({ host: 'trading', path: '/v2/clock' }), call.now)
  const day = dayIn(NEW_YORK, clock.at)
  const hours = wallClock(clock.at, NEW_YORK).slice(11)
  const extended = !clock.isOpen && weekdayOf(day) % 6 !== 0 && hours >= '04:00' && hours < '20:00'
  // The clock does not tell a holiday from a day that is over.
  const calendar = extended
    ? await call.request({ host: 'trading', path: '/v2/calendar', query: { start: day, end: addDays(day, 1) } })
    : []
  return { data: toMarketStatus(clock, toSession(clock, calendar)), as_of: toInstant(clock.at) }
}
