import { isProblem, problem } from '../../errors.ts'
import { isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, DAY_MS, dayIn, NEW_YORK, toInstant } from '../../market/time.ts'
import type { Adjustment, AssetClass, Bar, NewsArticle, Timeframe } from '../../schemas/market.ts'
import {
  commonOf, eachSymbol, malformed, newestBar, newestOf, noBars, toDate, toDays, toFields, toNewest, toNumber
} from '../parse.ts'
import type { BarsInput, Capabilities, ProviderCall } from '../types.ts'
import { notEntitled, requestOf, type Fetch } from './common.ts'
import {
  toArticles, toBars, toBarSeries, toMarketStatus, toMatches, toPairQuote, toPeers, toProfile, toQuote
} from './normalise.ts'

export const fetchQuotes: Fetch<'quote'> = async ({ instruments }, call) => {
  const data = await eachSymbol(instruments, instrument => quoteOf(instrument, call))
  const quotes = Object.values(data.items)
  return {
    data,
    as_of: newestOf(quotes.map(({ as_of: at }) => at)),
    feed: commonOf(quotes.map(({ feed }) => feed)),
    delayed_by_seconds: null
  }
}

async function quoteOf (instrument: Instrument, call: ProviderCall) {
  if (isPair(instrument)) {
    // Ten days hold two trading days, whatever the holidays.
    const days = await requestCandles(instrument, '1day', new Date(call.now.getTime() - 10 * DAY_MS), call.now, call)
    return toPairQuote(days, instrument)
  }
  return toQuote(await call.request(requestOf('/quote', instrument)), instrument)
}

function isPair ({ asset_class: assetClass }: Instrument): boolean {
  return assetClass === 'crypto' || assetClass === 'forex'
}

const RESOLUTIONS: Record<Timeframe, string> = {
  '1min': '1', '5min': '5', '15min': '15', '30min': '30', '1hour': '60', '1day': 'D', '1week': 'W', '1month': 'M'
}
/** Of stocks and indices: `/stock/candle`. */
const CANDLES: Partial<Record<AssetClass, string>> = { crypto: '/crypto/candle', forex: '/forex/candle' }

/** @param end exclusive */
function requestCandles (instrument: Instrument, timeframe: Timeframe, start: Date, end: Date, call: ProviderCall) {
  const request = requestOf(CANDLES[instrument.asset_class] ?? '/stock/candle', instrument, {
    resolution: RESOLUTIONS[timeframe],
    from: Math.ceil(start.getTime() / 1000),
    to: Math.ceil(end.getTime() / 1000) - 1
  }, start, call.now)
  const line = `${isIntraday(timeframe) ? 'intraday' : 'daily'} ${request.plan_line}`
  return call.request({ ...request, plan_line: line })
}

export const fetchBars: Fetch<'bars'> = async (input, call) => {
  const data = await eachSymbol(input.instruments, async instrument => {
    const adjustment = adjustmentOf(instrument, input)
    const bars = isIntraday(input.timeframe)
      ? await monthsOfBars(instrument, input, call)
      : await dailyBars(instrument, input, call)
    return toBarSeries(bars, instrument, input, adjustment)
  })
  const series = Object.values(data.items)
  return { data, as_of: newestBar(series), feed: commonOf(series.map(({ feed }) => feed)), delayed_by_seconds: null }
}

/** Finnhub has one basis a timeframe; what is no stock has no splits or dividends to adjust for. */
function adjustmentOf ({ asset_class: assetClass }: Instrument, { timeframe, adjustment }: BarsInput): Adjustment {
  if (assetClass !== 'stock') return 'raw'
  const only = isIntraday(timeframe) ? 'raw' : 'split'
  if (adjustment === only) return only
  throw notEntitled(`Finnhub has no ${adjustment} ${timeframe} bars, only ${only} ones. Ask for those, or another provider.`)
}

async function dailyBars (instrument: Instrument, input: BarsInput, call: ProviderCall): Promise<Bar[]> {
  const { first } = toDays(input, zoneOf(instrument.asset_class))
  // A day early: a trading day may be stamped before its midnight in the zone, and forex days begin the evening before.
  const start = new Date(`${addDays(first, -1)}T00:00:00Z`)
  const body = await requestCandles(instrument, input.timeframe, start, input.end, call)
  return toBars(body, instrument, input.timeframe)
}

const MONTH_MS = 30 * DAY_MS
const MOST_MONTHS = 12

/** Intraday bars come a month a call: from the latest month back, until there are enough. */
async function monthsOfBars (instrument: Instrument, input: BarsInput, call: ProviderCall): Promise<Bar[]> {
  const { timeframe, start, limit } = input
  let bars: Bar[] = []
  let end = input.end
  for (let month = 1; end > start && bars.length < limit; month++) {
    if (month > MOST_MONTHS) {
      throw notEntitled(`Finnhub sends intraday bars a month a call, and at most ${MOST_MONTHS} calls are made. Ask for a shorter window.`)
    }
    const from = new Date(Math.max(start.getTime(), end.getTime() - MONTH_MS))
    const body = await requestCandles(instrument, timeframe, from, end, call)
    const isEmpty = toFields(body).s === 'no_data'
    if (isEmpty && bars.length > 0) break
    if (!isEmpty) bars = bars.concat(toBars(body, instrument, timeframe))
    end = from
  }
  if (bars.length === 0) throw noBars('finnhub', instrument.symbol)
  return bars
}

export const fetchMatches: Fetch<'search'> = async ({ query, limit, asset_class: assetClass }, call) => {
  const matches = toMatches(await call.request({ path: '/search', query: { q: query } }))
  return { data: matches.filter(match => !assetClass || match.asset_class === assetClass).slice(0, limit), as_of: null }
}

export const fetchProfile: Fetch<'profile'> = async ({ instrument }, call) => {
  const [profile, peers] = await Promise.all([
    call.request(requestOf('/stock/profile2', instrument)),
    peersOf(instrument, call)
  ])
  return { data: toProfile(profile, instrument, peers), as_of: null }
}

/** Null where they cannot be had: a profile is worth having without. */
async function peersOf (instrument: Instrument, call: ProviderCall): Promise<string[] | null> {
  try {
    return toPeers(await call.request(requestOf('/stock/peers', instrument)), instrument)
  } catch (error) {
    if (isProblem(error)) return null
    throw error
  }
}

const MOST_NEWS_SYMBOLS = 5

export const fetchNews: Fetch<'news'> = async (input, call) => {
  const lists = input.instruments.length === 0
    ? [toArticles(await call.request({ path: '/news', query: { category: 'general' } }))]
    : await companyNews(input, call)
  const data = toNewest(lists.flat(), input)
  return { data, as_of: data[0]?.published_at ?? null }
}

async function companyNews ({ instruments, start, end }: Capabilities['news']['input'],
  call: ProviderCall): Promise<NewsArticle[][]> {
  if (instruments.length > MOST_NEWS_SYMBOLS) {
    throw problem('INVALID_INPUT', `Finnhub takes one symbol a call: ask for news of at most ${MOST_NEWS_SYMBOLS} at a time.`, { provider: 'finnhub' })
  }
  const until = end ?? call.now
  const from = dayIn(NEW_YORK, start ?? new Date(until.getTime() - 7 * DAY_MS))
  const to = dayIn(NEW_YORK, until)
  const { items, failures } = await eachSymbol(instruments, async instrument => {
    const request = requestOf('/company-news', instrument, { from, to }, new Date(from), call.now)
    return toArticles(await call.request(request), instrument)
  })
  // A list of news has no place for the failure of one symbol, and must not hide it.
  const [failure] = Object.values(failures)
  if (failure) throw failure
  return Object.values(items)
}

export const fetchMarketStatus: Fetch<'market_status'> = async (_input, call) => {
  const body = await call.request({ path: '/stock/market-status', query: { exchange: 'US' } })
  const at = toDate(toFields(body).t)
  return { data: toMarketStatus(body), as_of: at && toInstant(at) }
}

/** @throws PROVIDER_…, where the key does not work */
export async function test (call: ProviderCall): Promise<void> {
  const body = await call.request({ path: '/quote', query: { symbol: 'AAPL' } })
  if (toNumber(toFields(body).c) === null) throw malformed('finnhub', 'a quote of AAPL')
}
