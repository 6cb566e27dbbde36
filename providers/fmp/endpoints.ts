import { codeOf, isProblem, problem } from '../../errors.ts'
import { isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, dayIn, mondayOf, monthOf, NEW_YORK } from '../../market/time.ts'
import type { Adjustment, AssetClass, BarSeries, Quote, Timeframe } from '../../schemas/market.ts'
import type { ProviderRequest } from '../types.ts'
import { assertAnswered, eachSymbol, malformed, newestBar, newestOf, toDays, toNewest } from '../parse.ts'
import type { Answer, BarsInput, PerSymbol, ProviderCall } from '../types.ts'
import {
  INTRADAY_ZONE, toArticles, toBarSeries, toMarketStatus, toMatches, toPeers, toProfile, toQuote, toUpstreamSymbol
} from './normalise.ts'
import { lineOf, orNull, type Fetch } from './requests.ts'

/** How many single quotes stand in for a batch that the plan lacks: the free plan has 250 calls a day. */
const MOST_SINGLE_QUOTES = 5

export const fetchQuotes: Fetch<'quote'> = async ({ instruments }, call) => {
  const data = instruments.length === 1
    ? await singleQuotes(instruments, call)
    : await batchQuotes(instruments, call)
  return quotesAnswer(data)
}

function quotesAnswer (data: PerSymbol<Quote>): Answer<PerSymbol<Quote>> {
  const asOf = newestOf(Object.values(data.items).map(({ as_of: at }) => at))
  return { data, as_of: asOf, feed: null, delayed_by_seconds: null }
}

function singleQuotes (instruments: readonly Instrument[], call: ProviderCall): Promise<PerSymbol<Quote>> {
  return eachSymbol(instruments, async instrument => toQuote(await call.request({
    path: '/quote', query: { symbol: toUpstreamSymbol(instrument) }, plan_line: lineOf([instrument])
  }), instrument))
}

async function batchQuotes (instruments: readonly Instrument[], call: ProviderCall): Promise<PerSymbol<Quote>> {
  const symbols = instruments.map(toUpstreamSymbol).join(',')
  try {
    const body = await call.request({ path: '/batch-quote', query: { symbols }, plan_line: lineOf(instruments) })
    return await eachSymbol(instruments, async instrument => toQuote(body, instrument, instruments))
  } catch (error) {
    if (codeOf(error) !== 'PROVIDER_NOT_ENTITLED' || !isProblem(error)) throw error
    const { items, failures } = await singleQuotes(instruments.slice(0, MOST_SINGLE_QUOTES), call)
    const left = instruments.slice(MOST_SINGLE_QUOTES).map(({ symbol }) => [symbol, error] as const)
    return assertAnswered({ items, failures: { ...failures, ...Object.fromEntries(left) } })
  }
}

export const fetchBars: Fetch<'bars'> = async (input, call) => {
  const data = await eachSymbol(input.instruments, instrument => barsOf(instrument, input, call))
  return { data, as_of: newestBar(Object.values(data.items)), feed: null, delayed_by_seconds: null }
}

async function barsOf (instrument: Instrument, input: BarsInput, call: ProviderCall): Promise<BarSeries> {
  const isStock = instrument.asset_class === 'stock'
  const adjustment = isStock ? input.adjustment : 'raw'
  const query = { symbol: toUpstreamSymbol(instrument), ...daysOf(instrument.asset_class, input) }
  const request = isIntraday(input.timeframe)
    ? intradayRequest(query, input.timeframe, adjustment, isStock)
    : { path: `/historical-price-eod/${isStock ? DAILY_LISTS[adjustment] : 'full'}`, query }
  const body = await call.request({ ...request, plan_line: lineOf([instrument], input.start, call.now) })
  return toBarSeries(body, instrument, input, adjustment)
}

const DAILY_LISTS: Record<Adjustment, string> = { raw: 'non-split-adjusted', split: 'full', all: 'dividend-adjusted' }

function intradayRequest (query: Record<string, string>, timeframe: Timeframe, adjustment: Adjustment,
  isStock: boolean): ProviderRequest {
  if (adjustment === 'all') {
    throw problem('PROVIDER_NOT_ENTITLED', 'FMP has no dividend-adjusted intraday bars. Ask for split or raw ones, or another provider.', { provider: 'fmp' })
  }
  const raw = isStock && adjustment === 'raw'
  return { path: `/historical-chart/${timeframe}`, query: { ...query, ...(raw && { nonadjusted: true }) } }
}

/** The calendar days to ask for; of weeks and months whole ones, because they are made of days. */
function daysOf (assetClass: AssetClass, input: BarsInput): { from: string, to: string } {
  const { timeframe } = input
  const { first, last } = toDays(input, isIntraday(timeframe) ? INTRADAY_ZONE : zoneOf(assetClass))
  const to = timeframe === '1week'
    ? addDays(mondayOf(last), 6)
    : timeframe === '1month' ? addDays(monthOf(addDays(monthOf(last), 31)), -1) : last
  return { from: first, to }
}

export const fetchMatches: Fetch<'search'> = async ({ query, limit, asset_class: assetClass }, call) => {
  if (assetClass === 'option') {
    throw problem('PROVIDER_NOT_ENTITLED', 'FMP has no options. Ask another provider.', { provider: 'fmp' })
  }
  // More rows than asked for, where some will be left out.
  const rows = assetClass ? Math.min(limit * 5, 100) : limit
  const search = async (path: string) => toMatches(await call.request({ path, query: { query, limit: rows } }))
  const [bySymbol, byName] = await Promise.allSettled([search('/search-symbol'), search('/search-name')])
  for (const outcome of [bySymbol, byName]) {
    if (outcome.status === 'rejected' && !isProblem(outcome.reason)) throw outcome.reason
  }
  if (bySymbol.status === 'rejected' && byName.status === 'rejected') throw bySymbol.reason
  const matches = [bySymbol, byName].flatMap(outcome => outcome.status === 'fulfilled' ? outcome.value : [])
  const unique = new Map(matches.toReversed().map(match => [match.symbol, match]))
  const first = matches.filter(match => unique.get(match.symbol) === match)
  return { data: first.filter(match => !assetClass || match.asset_class === assetClass).slice(0, limit), as_of: null }
}

/** Without peers where they cannot be had. */
export const fetchProfile: Fetch<'profile'> = async ({ instrument }, call) => {
  const ask = (path: string) =>
    call.request({ path, query: { symbol: toUpstreamSymbol(instrument) }, plan_line: lineOf([instrument]) })
  const [profile, peers] = await Promise.all([
    ask('/profile'),
    orNull(ask('/stock-peers').then(body => toPeers(body, instrument)))
  ])
  return { data: toProfile(profile, instrument, peers), as_of: null }
}

const NEWS_LISTS = { stock: '/news/stock', crypto: '/news/crypto', forex: '/news/forex' } as const

export const fetchNews: Fetch<'news'> = async (input, call) => {
  const { instruments, start, end } = input
  const query = {
    limit: input.limit,
    ...(start && { from: dayIn(NEW_YORK, start) }),
    ...(end && { to: dayIn(NEW_YORK, new Date(end.getTime() - 1)) })
  }
  const lists = instruments.length === 0
    ? [toArticles(await call.request({ path: '/news/general-latest', query, plan_line: lineOf([], start, call.now) }), [])]
    : await Promise.all(Object.entries(NEWS_LISTS).map(async ([assetClass, path]) => {
      const asked = instruments.filter(instrument => instrument.asset_class === assetClass)
      if (asked.length === 0) return []
      const symbols = asked.map(toUpstreamSymbol).join(',')
      const request = { path, query: { symbols, ...query }, plan_line: lineOf(asked, start, call.now) }
      return toArticles(await call.request(request), asked)
    }))
  const data = toNewest(lists.flat(), input)
  return { data, as_of: data[0]?.published_at ?? null }
}

export const fetchMarketStatus: Fetch<'market_status'> = async (_input, call) => {
  const body = await call.request({ path: '/exchange-market-hours', query: { exchange: 'NASDAQ' } })
  return { data: toMarketStatus(body, call.now), as_of: null }
}

/** @throws PROVIDER_…, where the key does not work */
export async function test (call: ProviderCall): Promise<void> {
  const body = await call.request({ path: '/quote', query: { symbol: 'AAPL' } })
  if (!Array.isArray(body)) throw malformed('fmp', 'a quote of AAPL')
}
