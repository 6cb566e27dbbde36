import { codeOf, isProblem, problem, type Problem } from '../../errors.ts'
import { isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, DAY_MS, dayIn, toInstant } from '../../market/time.ts'
import type {
  AssetClass, BarSeries, CompanyProfile, MarketStatus, NewsArticle, Quote, SymbolMatch, Timeframe
} from '../../schemas/market.ts'
import { belowBase } from '../http.ts'
import {
  commonOf, eachSymbol, malformed, newestBar, newestOf, noBars, notFound, toDate, toDays, toFields, toNewest, toRanked,
  type Fields
} from '../parse.ts'
import type { Answer, BarsInput, Capabilities, PerSymbol, ProviderCall, ProviderRequest } from '../types.ts'
import {
  toAggregates, toDelay, toMarketStatus, toNews, toPeers, toPreviousCloseQuote, toProfile, toResults, toSeries,
  toSnapshots, toSymbolMatch, toUpstreamSymbol, type Snapshots
} from './normalise.ts'

const MAX_SNAPSHOTS = 250
/** A free key has five calls a minute. */
const MAX_SINGLE_CALLS = 5
const MAX_BASE_AGGREGATES = 50_000
const MAX_PAGES = 20

/** Snapshots in one call; where the plan has none, the last close of a few symbols instead. */
export async function fetchQuotes ({ instruments }: Capabilities['quote']['input'],
  call: ProviderCall): Promise<Answer<PerSymbol<Quote>>> {
  const { items, failures, unpriced, refusal } = await fetchSnapshots(instruments, call)
  const closes = await fetchPreviousCloses(unpriced, refusal, call).catch(error => {
    if (!isProblem(error) || Object.keys(items).length === 0) throw error
    return { items: {}, failures: Object.fromEntries(unpriced.map(({ symbol }) => [symbol, error])) }
  })
  const data = { items: { ...items, ...closes.items }, failures: { ...failures, ...closes.failures } }
  const quotes = Object.values(data.items)
  return {
    data,
    as_of: newestOf(quotes.map(quote => quote.as_of)),
    feed: commonOf(quotes.map(quote => quote.feed)),
    delayed_by_seconds: commonOf(quotes.map(quote => quote.delayed_by_seconds))
  }
}

async function fetchSnapshots (instruments: readonly Instrument[],
  call: ProviderCall): Promise<Snapshots & { refusal: Problem }> {
  const joined: Snapshots = { items: {}, failures: {}, unpriced: [] }
  try {
    for (let first = 0; first < instruments.length; first += MAX_SNAPSHOTS) {
      const chunk = instruments.slice(first, first + MAX_SNAPSHOTS)
      const query = { 'ticker.any_of': chunk.map(toUpstreamSymbol).join(','), limit: MAX_SNAPSHOTS }
      const { items, failures, unpriced } = toSnapshots(await call.request({ path: '/v3/snapshot', query }), chunk)
      Object.assign(joined.items, items)
      Object.assign(joined.failures, failures)
      joined.unpriced.push(...unpriced)
    }
  } catch (error) {
    if (!isProblem(error) || codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
    return { items: {}, failures: {}, unpriced: [...instruments], refusal: error }
  }
  const refusal = problem('PROVIDER_NOT_ENTITLED', 'Polygon has no price of this symbol for the plan of this key now. Ask another provider.', { provider: 'polygon' })
  return { ...joined, refusal }
}

function fetchPreviousCloses (instruments: readonly Instrument[], refusal: Problem,
  call: ProviderCall): Promise<PerSymbol<Quote>> {
  const affordable = new Set(instruments.slice(0, MAX_SINGLE_CALLS))
  return eachSymbol(instruments, async instrument => {
    if (!affordable.has(instrument)) throw refusal
    const path = `/v2/aggs/ticker/${encodeURIComponent(toUpstreamSymbol(instrument))}/prev`
    const body = await call.request({ path, query: { adjusted: instrument.asset_class === 'stock' ? true : undefined } })
    const quote = toPreviousCloseQuote(body, instrument)
    if (!quote) throw notFound('polygon', instrument.symbol)
    return quote
  })
}

/** `base` is how many base aggregates, minutes or days, a bar is made of at most. */
const TIMEFRAMES: Record<Timeframe, { multiplier: number, timespan: string, base: number }> = {
  '1min': { multiplier: 1, timespan: 'minute', base: 1 },
  '5min': { multiplier: 5, timespan: 'minute', base: 5 },
  '15min': { multiplier: 15, timespan: 'minute', base: 15 },
  '30min': { multiplier: 30, timespan: 'minute', base: 30 },
  '1hour': { multiplier: 1, timespan: 'hour', base: 60 },
  '1day': { multiplier: 1, timespan: 'day', base: 1 },
  '1week': { multiplier: 1, timespan: 'week', base: 7 },
  '1month': { multiplier: 1, timespan: 'month', base: 31 }
}

export async function fetchBars (input: BarsInput, call: ProviderCall): Promise<Answer<PerSymbol<BarSeries>>> {
  const delays: (number | null)[] = []
  const data = await eachSymbol(input.instruments, async instrument => {
    if (instrument.asset_class === 'stock' && input.adjustment === 'all') {
      throw problem('PROVIDER_NOT_ENTITLED', 'Polygon has no dividend-adjusted bars. Ask another provider, or for adjustment "split".', { provider: 'polygon' })
    }
    const { rows, adjusted, delay } = await fetchAggregates(instrument, input, call)
    const series = toSeries(rows, instrument, input, adjusted)
    if (!series) throw noBars('polygon', instrument.symbol)
    delays.push(delay)
    return series
  })
  return { data, as_of: newestBar(Object.values(data.items)), feed: null, delayed_by_seconds: commonOf(delays) }
}

async function fetchAggregates (instrument: Instrument, input: BarsInput,
  call: ProviderCall): Promise<{ rows: Fields[], adjusted: boolean, delay: number | null }> {
  const rows: Fields[] = []
  const { multiplier, timespan, base } = TIMEFRAMES[input.timeframe]
  const { from, to } = rangeOf(input, zoneOf(instrument.asset_class))
  const ticker = encodeURIComponent(toUpstreamSymbol(instrument))
  let next: ProviderRequest | undefined = {
    path: `/v2/aggs/ticker/${ticker}/range/${multiplier}/${timespan}/${from}/${to}`,
    query: {
      adjusted: instrument.asset_class === 'stock' ? input.adjustment === 'split' : undefined,
      sort: 'desc',
      // `limit` counts base aggregates. Two bars more: one may begin at the end, one may be cut.
      limit: Math.min((input.limit + 2) * base, MAX_BASE_AGGREGATES)
    }
  }
  let adjusted = input.adjustment === 'split'
  let delay: number | null = null
  let followed: unknown
  for (let page = 0; next && page < MAX_PAGES; page++) {
    const body = toFields(await call.request(next))
    rows.push(...toAggregates(body, instrument))
    // What the answer says of itself counts, not what was asked.
    if (typeof body.adjusted === 'boolean') adjusted = body.adjusted
    delay ??= toDelay(body)
    const isLast = rows.length >= input.limit + 2 || body.next_url === followed
    followed = body.next_url
    next = isLast ? undefined : toNextPage(followed, '/v2/aggs/')
  }
  return { rows, adjusted, delay }
}

/** Polygon builds bars from what lies in the range: so it reaches one bar further, and the last bar is whole. */
function rangeOf (input: BarsInput, zone: string): { from: string, to: string } {
  const { base } = TIMEFRAMES[input.timeframe]
  if (isIntraday(input.timeframe)) {
    return { from: String(input.start.getTime()), to: String(input.end.getTime() + base * 60_000) }
  }
  const { first } = toDays(input, zone)
  const to = dayIn(zone, new Date(input.end.getTime() + (base - 1) * DAY_MS - 1))
  return { from: input.timeframe === '1week' ? addDays(first, -1) : first, to }
}

/** @throws PROVIDER_MALFORMED where the next page is not one of the same kind */
function toNextPage (nextUrl: unknown, kind: string): ProviderRequest | undefined {
  if (nextUrl === undefined || nextUrl === null) return undefined
  if (typeof nextUrl !== 'string' || !URL.canParse(nextUrl)) throw malformed('polygon', 'a usable next page')
  const { path, query: { apiKey: _, ...query } = {} } = belowBase(nextUrl)
  if (!path.startsWith(kind)) throw malformed('polygon', 'a usable next page')
  return { path, query }
}

const MARKETS: Record<AssetClass, string> = { stock: 'stocks', crypto: 'crypto', forex: 'fx', index: 'indices' }

/** Polygon sorts by ticker, not by fit: so the longest page is asked for, and ranked here. */
export async function fetchSearch ({ query, limit, asset_class: wanted }: Capabilities['search']['input'],
  call: ProviderCall): Promise<Answer<SymbolMatch[]>> {
  const body = await call.request({
    path: '/v3/reference/tickers',
    query: { search: query, market: wanted && MARKETS[wanted], active: true, limit: 1000 }
  })
  const listings = toResults(body).flatMap(row => toSymbolMatch(row) ?? [])
  return { data: toRanked(query, listings).slice(0, limit).map(({ listing }) => listing), as_of: null }
}

/** The peers are an extra: without them the profile still answers. */
export async function fetchProfile ({ instrument }: Capabilities['profile']['input'],
  call: ProviderCall): Promise<Answer<CompanyProfile>> {
  const ticker = encodeURIComponent(toUpstreamSymbol(instrument))
  const [details, peers] = await Promise.all([
    call.request({ path: `/v3/reference/tickers/${ticker}` }),
    call.request({ path: `/v1/related-companies/${ticker}` })
      .then(body => toPeers(body, instrument))
      .catch(error => {
        if (!isProblem(error)) throw error
        return null
      })
  ])
  return { data: toProfile(details, instrument, peers), as_of: null }
}

/** News knows one ticker a call: of many instruments, the first five are asked for. */
export async function fetchNews ({ instruments, ...window }: Capabilities['news']['input'],
  call: ProviderCall): Promise<Answer<NewsArticle[]>> {
  const { start, end, limit } = window
  const load = async (instrument?: Instrument) => toNews(await call.request({
    path: '/v2/reference/news',
    query: {
      ticker: instrument && toUpstreamSymbol(instrument),
      'published_utc.gte': start && toInstant(start),
      'published_utc.lt': end && toInstant(end),
      order: 'desc',
      sort: 'published_utc',
      limit: Math.min(limit, 1000)
    }
  }), instrument)
  const articles = instruments.length === 0
    ? await load()
    : Object.values((await eachSymbol(instruments.slice(0, MAX_SINGLE_CALLS), load)).items).flat()
  const data = toNewest(articles, window)
  return { data, as_of: newestOf(data.map(({ published_at: at }) => at)) }
}

export async function fetchMarketStatus (_: Capabilities['market_status']['input'],
  call: ProviderCall): Promise<Answer<MarketStatus>> {
  const body = await call.request({ path: '/v1/marketstatus/now' })
  const at = toDate(toFields(body).serverTime)
  return { data: toMarketStatus(body), as_of: at && toInstant(at) }
}
