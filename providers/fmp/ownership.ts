import { addDays } from '../../market/time.ts'
import type { IndexSymbol } from '../../schemas/ownership.ts'
import { currencyOf, malformed, toDay, type Fields } from '../parse.ts'
import { listOf, newestFirst, nothingOf, rowsAbout, toUpstreamSymbol } from './normalise.ts'
import {
  toChanges, toConsensus, toConstituents, toHolders, toHoldings, toMajority, toTarget, toTrades, toTrend
} from './ownership-normalise.ts'
import { lineOf, onPage, PAGE_ROWS, pagesOf, partsOf, requestRows, type Fetch } from './requests.ts'

/** Months in a trend of ratings, and how many of them the free plan gives. */
const TREND_MONTHS = 12
const FREE_MONTHS = 10

export const fetchAnalystRatings: Fetch<'analyst_ratings'> = async ({ instrument, limit }, call) => {
  const request = (path: string) =>
    ({ path, query: { symbol: toUpstreamSymbol(instrument) }, plan_line: lineOf([instrument]) })
  const read = async (body: Promise<unknown>) => rowsAbout(await body, instrument, 'ratings')
  const { answers, refusal } = await partsOf([
    read(call.request(request('/grades-consensus'))),
    read(call.request(request('/price-target-consensus'))),
    read(requestRows(call, request('/grades-historical'), TREND_MONTHS, FREE_MONTHS)),
    read(call.request(request('/grades')))
  ])
  const [[counts] = [], [targets] = [], months = [], grades = []] = answers.map(rows => rows ?? [])
  const trend = months.length === 0 && counts
    ? [toTrend(counts)]
    : months.map(row => toTrend(row, 'analystRatings')).sort((a, b) => newestFirst(a.period, b.period))
  const target = toTarget(targets)
  if (trend.length + grades.length === 0 && !target) throw refusal ?? nothingOf('analyst ratings', instrument)
  const currency = currencyOf(instrument)
  return {
    data: {
      symbol: instrument.symbol,
      consensus: toConsensus(counts?.consensus) ?? toMajority(trend[0]),
      currency,
      price_target: target,
      trend: trend.slice(0, TREND_MONTHS),
      changes: toChanges(grades).slice(0, limit)
    },
    as_of: null,
    currency
  }
}

/** Rows of the largest page of insider trades. */
const MOST_TRADES = 1000
const MOST_PAGES = 10
/** A window that ended longer ago lies behind many pages. */
const RECENT_DAYS = 90

export const fetchInsiderTrades: Fetch<'insider_trades'> = async ({ instrument, from, to, limit }, call) => {
  const request = {
    path: '/insider-trading/search',
    query: { symbol: toUpstreamSymbol(instrument) },
    plan_line: lineOf([instrument])
  }
  const trades = (rows: readonly Fields[]) => toTrades(rows, instrument, { from, to })
  const isRecent = addDays(to, RECENT_DAYS) > call.now.toISOString().slice(0, 10)
  const size = isRecent && limit <= PAGE_ROWS ? PAGE_ROWS : MOST_TRADES
  const rows = await pagesOf({
    load: async page => listOf(await requestRows(call, onPage(request, page), size, PAGE_ROWS), 'insider trades'),
    // Lists are by day of filing, and nothing is filed before it happens.
    isEnough: rows => {
      const filed = toDay(rows.at(-1)?.filingDate)
      const least = trades(rows)[limit - 1]?.transaction_date ?? from
      return filed !== null && filed < least
    },
    most: MOST_PAGES
  })
  return { data: trades(rows).slice(0, limit), as_of: null, currency: currencyOf(instrument) }
}

/** Days after a quarter in which institutions must report what they hold. */
const DAYS_TO_REPORT = 45
const MOST_HOLDER_PAGES = 20

export const fetchInstitutionalHolders: Fetch<'institutional_holders'> = async ({ instrument, limit }, call) => {
  for (const quarter of reportedQuarters(call.now)) {
    const request = {
      path: '/institutional-ownership/extract-analytics/holder',
      query: { symbol: toUpstreamSymbol(instrument), ...quarter, limit: PAGE_ROWS },
      plan_line: lineOf([instrument])
    }
    const rows = await pagesOf({
      load: async page => listOf(await call.request(onPage(request, page)), 'institutional holders'),
      isEnough: rows => toHolders(rows, instrument).length >= limit,
      most: MOST_HOLDER_PAGES
    })
    const data = toHolders(rows, instrument).slice(0, limit)
    if (data.length > 0) return { data, as_of: null, currency: 'USD' }
  }
  throw nothingOf('institutional holders', instrument)
}

/** The last quarter that everybody has reported of, and the one before. */
function reportedQuarters (now: Date): { year: number, quarter: number }[] {
  const day = addDays(now.toISOString().slice(0, 10), -DAYS_TO_REPORT)
  const ended = Number(day.slice(0, 4)) * 4 + Math.floor((Number(day.slice(5, 7)) - 1) / 3) - 1
  return [ended, ended - 1].map(count => ({ year: Math.floor(count / 4), quarter: count % 4 + 1 }))
}

export const fetchEtfHoldings: Fetch<'etf_holdings'> = async ({ instrument, limit }, call) => {
  const body = await call.request({
    path: '/etf/holdings', query: { symbol: toUpstreamSymbol(instrument) }, plan_line: lineOf([instrument])
  })
  const { holdings, updated_at: updatedAt } = toHoldings(body, instrument)
  if (holdings.length === 0) throw nothingOf('holdings', instrument)
  return { data: holdings.slice(0, limit), as_of: updatedAt }
}

const INDEX_LISTS: Record<IndexSymbol, string> = {
  'I:SPX': '/sp500-constituent', 'I:NDX': '/nasdaq-constituent', 'I:DJI': '/dowjones-constituent'
}

export const fetchIndexConstituents: Fetch<'index_constituents'> = async ({ index, limit }, call) => {
  const data = toConstituents(await call.request({ path: INDEX_LISTS[index] }))
  if (data.length === 0) throw malformed('fmp', `the constituents of ${index}`)
  return { data: data.slice(0, limit), as_of: null }
}
