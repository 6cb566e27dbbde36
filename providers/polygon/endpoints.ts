import { codeOf, isProblem, problem, type Problem } from '../../errors.ts'
import { isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, DAY_MS, dayIn, instantAt, toInstant } from '../../market/time.ts'
import type {
  AssetClass, BarSeries, CompanyProfile, MarketStatus, NewsArticle, Quote, SymbolMatch, Timeframe
} from '../../schemas/market.ts'
import {
  commonOf, eachSymbol, newestBar, newestOf, noBars, notFound, toDate, toDays, toFields, toNewest, toRanked, type Fields
} from '../parse.ts'
import { planLine } from '../plan-line.ts'
import type { Answer, BarsInput, Capabilities, PerSymbol, ProviderCall } from '../types.ts'
import {
  toAggregates, toDelay, toMarketStatus, toNews, toPeers, toPreviousCloseQuote, toProfile, toResults, toSeries,
  toSnapshots, toSymbolMatch, toUpstreamSymbol, type Snapshots
} from './normalise.ts'
import { MARKET, notOffered, pagesOf } from './pages.ts'

const MAX_SNAPSHOTS = 250
/** A free key has five calls a minute. */
const MAX_SINGLE_CALLS = 5
const MAX_BASE_AGGREGATES = 50_000

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
      const line = [...new Set(chunk.map(instrument => planLine(instrument)))].sort().join(' and ')
      const body = await call.request({ path: '/v3/snapshot', query, plan_line: line })
      const { items, failures, unpriced } = toSnapshots(body, chunk)
      Object.assign(joined.items, items)
      Object.assign(joined.failures, failures)
      joined.unpriced.push(...unpriced)
    }
  } catch (error) {
    if (!isProblem(error) || codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
    return { items: {}, failures: {}, unpriced: [...instruments], refusal: error }
  }
  return { ...joined, refusal: notOffered('Polygon has no price of this symbol for the plan of this key now.') }
}

function fetchPreviousCloses (instruments: readonly Instrument[], refusal: Problem,
  call: ProviderCall): Promise<PerSymbol<Quote>> {
  const affordable = new Set(instruments.slice(0, MAX_SINGLE_CALLS))
  return eachSymbol(instruments, async instrument => {
    if (!affordable.has(instrument)) throw refusal
    const path = `/v2/aggs/ticker/${encodeURIComponent(toUpstreamSymbol(instrument))}/prev`
    const query = { adjusted: toAdjusted(instrument, true) }
    const body = await call.request({ path, query, plan_line: planLine(instrument) })
    const quote = toPreviousCloseQuote(body, instrument)
    if (!quote) throw notFound('polygon', instrument.symbol)
    return quote
  })
}

/** Only stocks are adjusted for splits; an adjusted option is another contract. */
function toAdjusted ({ asset_class: kind }: Instrument, splits: boolean): boolean | undefined {
  return kind === 'stock' ? splits : kind === 'option' ? false : undefined
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

interface Aggregates { rows: Fields[], adjusted: boolean, delay: number | null }

/** A plan that ends with the last day refuses a window that reaches into this one: it is asked for the days before. */
async function fetchAggregates (instrument: Instrument, input: BarsInput, call: ProviderCall): Promise<Aggregates> {
  const zone = zoneOf(instrument.asset_class)
  const midnight = instantAt(dayIn(zone, call.now), zone)
  const line = planLine(instrument, input.start, call.now)
  const range = rangeOf(input, zone)
  const past = rangeOf(input, zone, midnight)
  if (range.to === past.to) return readAggregates(instrument, input, range, line, call)
  return readAggregates(instrument, input, range, `${line} until today`, call).catch(error => {
    if (codeOf(error) !== 'PROVIDER_NOT_ENTITLED' || input.start >= midnight) throw error
    return readAggregates(instrument, input, past, line, call)
  })
}

async function readAggregates (instrument: Instrument, input: BarsInput, { from, to }: Range, line: string,
  call: ProviderCall): Promise<Aggregates> {
  const { multiplier, timespan, base } = TIMEFRAMES[input.timeframe]
  const ticker = encodeURIComponent(toUpstreamSymbol(instrument))
  const request = {
    path: `/v2/aggs/ticker/${ticker}/range/${multiplier}/${timespan}/${from}/${to}`,
    query: {
      adjusted: toAdjusted(instrument, input.adjustment === 'split'),
      sort: 'desc',
      // `limit` counts base aggregates. Two bars more: one may begin at the end, one may be cut.
      limit: Math.min((input.limit + 2) * base, MAX_BASE_AGGREGATES)
    },
    plan_line: line
  }
  const found: Aggregates = { rows: [], adjusted: input.adjustment === 'split', delay: null }
  for await (const body of pagesOf(request, call, '/v2/aggs/')) {
    found.rows.push(...toAggregates(body, instrument))
    // What the answer says of itself counts, not what was asked.
    if (typeof body.adjusted === 'boolean') found.adjusted = body.adjusted
    found.delay ??= toDelay(body)
    if (found.rows.length >= input.limit + 2) break
  }
  return found
}

interface Range { from: string, to: string }

/**
 * Polygon builds bars from what lies in the range: so it reaches one bar further, and the last bar is whole.
 * @param until where it ends at the latest, exclusive
 */
function rangeOf (input: BarsInput, zone: string, until = new Date(8.64e15)): Range {
  const { base } = TIMEFRAMES[input.timeframe]
  if (isIntraday(input.timeframe)) {
    const to = Math.min(input.end.getTime() + base * 60_000, until.getTime() - 1)
    return { from: String(input.start.getTime()), to: String(to) }
  }
  const { first } = toDays(input, zone)
  const to = new Date(Math.min(input.end.getTime() + (base - 1) * DAY_MS, until.getTime()) - 1)
  return { from: input.timeframe === '1week' ? addDays(first, -1) : first, to: dayIn(zone, to) }
}

const MARKETS: Partial<Record<AssetClass, string>> = {
  stock: 'stocks', crypto: 'crypto', forex: 'fx', index: 'indices'
}

/** Polygon sorts by ticker, not by fit: so the longest page is asked for, and ranked here. */
export async function fetchSearch ({ query, limit, asset_class: wanted }: Capabilities['search']['input'],
  call: ProviderCall): Promise<Answer<SymbolMatch[]>> {
  if (wanted && !MARKETS[wanted]) throw notOffered('Polygon does not search options by name.')
  const body = await call.request({
    path: '/v3/reference/tickers',
    query: { search: query, market: wanted && MARKETS[wanted], active: true, limit: 1000 },
    plan_line: wanted
  })
  const listings = toResults(body).flatMap(row => toSymbolMatch(row) ?? [])
  return { data: toRanked(query, listings).slice(0, limit).map(({ listing }) => listing), as_of: null }
}

/** The peers are an extra: without them the profile still answers. */
export async function fetchProfile ({ instrument }: Capabilities['profile']['input'],
  call: ProviderCall): Promise<Answer<CompanyProfile>> {
  const ticker = encodeURIComponent(toUpstreamSymbol(instrument))
  const line = planLine(instrument)
  const [details, peers] = await Promise.all([
    call.request({ path: `/v3/reference/tickers/${ticker}`, plan_line: line }),
    call.request({ path: `/v1/related-companies/${ticker}`, plan_line: line })
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
    },
    plan_line: planLine(instrument ?? MARKET, start, call.now)
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
