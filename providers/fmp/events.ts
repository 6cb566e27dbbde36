import { codeOf, problem } from '../../errors.ts'
import { addDays } from '../../market/time.ts'
import type { ActionKind, EconomicEvent, EconomicIndicator } from '../../schemas/events.ts'
import { malformed, type Fields } from '../parse.ts'
import type { DayWindow, ProviderCall } from '../types.ts'
import {
  toActions, toCurve, toDividends, toEvents, toFilings, toHolidays, toPoint, toSplits
} from './events-normalise.ts'
import { listOf, toUpstreamSymbol } from './normalise.ts'
import {
  lineOf, onPage, PAGE_ROWS, pagesOf, requestRows, startOfDay, windowsOf, type Fetch
} from './requests.ts'

/** FMP cuts an answer about more days than a quarter has; the newest stay. */
const QUARTER_DAYS = 89

/** A company's whole history: the lists of actions know no window. */
const ALL_ACTIONS = 1000

const ACTION_LISTS = {
  dividend: { path: '/dividends', read: toDividends },
  split: { path: '/splits', read: toSplits }
} satisfies Record<ActionKind, object>

export const fetchCorporateActions: Fetch<'corporate_actions'> = async (input, call) => {
  const { instrument, types, from, to, limit } = input
  // One list alone would say that of the other kind there are none.
  const lists = await Promise.all(types.map(async type => {
    const { path, read } = ACTION_LISTS[type]
    const request = { path, query: { symbol: toUpstreamSymbol(instrument) }, plan_line: lineOf([instrument]) }
    return read(await requestRows(call, request, ALL_ACTIONS), instrument, { from, to })
  }))
  return { data: toActions(lists.flat()).slice(0, limit), as_of: null }
}

const MOST_QUARTERS = 20

export const fetchEconomicCalendar: Fetch<'economic_calendar'> = async ({ from, to, country, limit }, call) => {
  const data: EconomicEvent[] = []
  let quarters = 0
  for (const window of windowsOf({ from, to }, QUARTER_DAYS)) {
    if (data.length >= limit) break
    if (++quarters > MOST_QUARTERS) {
      throw problem('PROVIDER_NOT_ENTITLED', 'FMP gives its economic calendar by the quarter. ' +
        `Ask for at most ${MOST_QUARTERS} quarters, or another provider.`, { provider: 'fmp' })
    }
    const body = await call.request({
      path: '/economic-calendar',
      query: { ...window },
      plan_line: lineOf([], startOfDay(window.from), call.now)
    })
    data.push(...toEvents(body, window, country))
  }
  return { data: data.slice(0, limit), as_of: null }
}

interface Series {
  /** FMP's name; none for the curve of the treasury. */
  name?: string
  unit: string
  /** The fewest days from one value to the next. */
  step: number
}

/** FMP hands on FRED's series in FRED's units. `inflationRate` is what the market expects, `inflation` what was. */
const SERIES: Record<EconomicIndicator, Series> = {
  gdp: { name: 'GDP', unit: 'USD bn', step: 90 },
  real_gdp: { name: 'realGDP', unit: 'chained USD bn', step: 90 },
  cpi: { name: 'CPI', unit: 'index', step: 28 },
  inflation: { name: 'inflation', unit: 'percent', step: 365 },
  inflation_expectation: { name: 'inflationRate', unit: 'percent', step: 1 },
  unemployment_rate: { name: 'unemploymentRate', unit: 'percent', step: 28 },
  nonfarm_payrolls: { name: 'totalNonfarmPayroll', unit: 'thousands', step: 28 },
  initial_claims: { name: 'initialClaims', unit: 'claims', step: 7 },
  federal_funds_rate: { name: 'federalFunds', unit: 'percent', step: 28 },
  retail_sales: { name: 'retailSales', unit: 'USD mn', step: 28 },
  industrial_production: { name: 'industrialProductionTotalIndex', unit: 'index', step: 28 },
  durable_goods: { name: 'durableGoods', unit: 'USD mn', step: 28 },
  housing_starts: { name: 'newPrivatelyOwnedHousingUnitsStartedTotalUnits', unit: 'thousands', step: 28 },
  consumer_sentiment: { name: 'consumerSentiment', unit: 'index', step: 28 },
  recession_probability: { name: 'smoothedUSRecessionProbabilities', unit: 'percent', step: 28 },
  mortgage_rate_15y: { name: '15YearFixedRateMortgageAverage', unit: 'percent', step: 6 },
  mortgage_rate_30y: { name: '30YearFixedRateMortgageAverage', unit: 'percent', step: 6 },
  treasury_rates: { unit: 'percent', step: 1 }
}

/** Days on which nothing is released, at most. */
const HOLIDAYS = 7

export const fetchEconomicIndicator: Fetch<'economic_indicator'> = async (input, call) => {
  const { indicator, from, limit } = input
  const series = SERIES[indicator]
  const today = call.now.toISOString().slice(0, 10)
  const window = { from, to: input.to < today ? input.to : today }
  const rows = await walkBack(window => seriesRows(series, window, call), window, series.step, limit)
  const points = rows.flatMap(row => (series.name ? toPoint(row) : toCurve(row)) ?? [])
  // A series with a value a month has one in every year: FMP lacks it, and others may not.
  if (points.length === 0 && addDays(from, 2 * series.step + HOLIDAYS) <= window.to) {
    throw problem('PROVIDER_NOT_ENTITLED', `FMP has no values of ${indicator} from ${from} to ${window.to}. ` +
      'Ask for other days, or another provider.', { provider: 'fmp' })
  }
  return { data: { indicator, unit: series.unit, country: 'US', points: points.slice(0, limit) }, as_of: null }
}

/** @throws PROVIDER_MALFORMED, also where all rows are of another series */
async function seriesRows ({ name }: Series, window: DayWindow, call: ProviderCall): Promise<Fields[]> {
  const what = name ?? 'treasury rates'
  const rows = listOf(await call.request({
    path: name ? '/economic-indicators' : '/treasury-rates',
    query: { ...(name && { name }), ...window },
    plan_line: lineOf([], startOfDay(window.from), call.now)
  }), what)
  const own = rows.filter(row => (row.name ?? name) === name)
  if (rows.length > 0 && own.length === 0) throw malformed('fmp', what)
  return own
}

const MOST_EMPTY_QUARTERS = 5

/**
 * The rows of a window by their day, newest first: the whole window at once, then quarter by quarter what was cut off.
 * Of some series FMP answers nothing at all to more than a quarter. What is too old for the plan is left out.
 * @param step the fewest days between two rows
 */
async function walkBack (ask: (window: DayWindow) => Promise<Fields[]>, { from, to }: DayWindow, step: number,
  limit: number): Promise<Fields[]> {
  const rows = new Map<string, Fields>()
  const load = async (window: DayWindow) => {
    const fresh = (await ask(window)).filter(({ date }) => isDayIn(date, window) && !rows.has(String(date)))
    for (const row of fresh) rows.set(String(row.date), row)
    return fresh.length > 0
  }
  if (from <= to) await load({ from, to })
  const oldest = [...rows.keys()].sort()[0]
  const isShort = addDays(from, QUARTER_DAYS) > to || step > 2 * QUARTER_DAYS
  const isWhole = oldest !== undefined && addDays(from, step) > oldest
  let last = isShort || isWhole ? from : oldest ?? addDays(to, 1)
  for (let asked = 1, empty = 0; asked < MOST_QUARTERS && empty < MOST_EMPTY_QUARTERS; asked++) {
    if (last <= from || rows.size >= limit) break
    const first = addDays(last, -QUARTER_DAYS)
    const window = { from: first > from ? first : from, to: addDays(last, -1) }
    const found = await load(window).catch((error: unknown) => {
      if (rows.size === 0 || codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
      return null
    })
    if (found === null) break
    empty = found ? 0 : empty + 1
    last = window.from
  }
  return [...rows.values()].sort((a, b) => String(a.date) > String(b.date) ? -1 : 1)
}

function isDayIn (day: unknown, { from, to }: DayWindow): boolean {
  return typeof day === 'string' && day.slice(0, 10) >= from && day.slice(0, 10) <= to
}

/** Rows of the largest page of filings. */
const MOST_FILINGS = 1000
const MOST_PAGES = 20
/** The upstream window is of days of acceptance: what comes in the evening counts as filed on the next working day. */
const DAYS_TO_FILE = 5

export const fetchFilings: Fetch<'filings'> = async ({ instrument, from, to, form, limit }, call) => {
  const request = {
    path: '/sec-filings-search/symbol',
    query: { symbol: toUpstreamSymbol(instrument), from: addDays(from, -DAYS_TO_FILE), to },
    plan_line: lineOf([instrument], startOfDay(from), call.now)
  }
  const filings = (rows: readonly Fields[]) => toFilings(rows, instrument, { from, to }, form)
  const size = form !== undefined || limit > PAGE_ROWS ? MOST_FILINGS : PAGE_ROWS
  const rows = await pagesOf({
    load: async page => listOf(await requestRows(call, onPage(request, page), size, PAGE_ROWS), 'filings'),
    isEnough: rows => filings(rows).length >= limit,
    most: MOST_PAGES
  })
  const data = filings(rows).slice(0, limit)
  return { data, as_of: data[0]?.accepted_at ?? null }
}

export const fetchMarketCalendar: Fetch<'market_calendar'> = async ({ from, to }, call) => {
  // FMP leaves out the first day of the window.
  const body = await call.request({
    path: '/holidays-by-exchange', query: { exchange: 'NYSE', from: addDays(from, -1), to }
  })
  return { data: toHolidays(body, { from, to }), as_of: null }
}
