import { codeOf } from '../../errors.ts'
import { addDays, DAY_MS, dayIn, NEW_YORK } from '../../market/time.ts'
import type { Earnings, FinancialStatement, Period } from '../../schemas/fundamentals.ts'
import { commonOf, newestOf, toFields, toRows } from '../parse.ts'
import { planLine } from '../plan-line.ts'
import type { Answer, Capabilities, ProviderCall } from '../types.ts'
import { toReportedStatements } from './as-reported.ts'
import {
  isInside, notEntitled, noneKnown, partsOf, planLineOfPast, requestOf, startOfDay, type Fetch
} from './common.ts'
import { toCalendar, toEarnings, toEarningsHistory, toKeyMetrics, toStatements } from './fundamentals-normalise.ts'

type StatementsInput = Capabilities['financials']['input']

const STATEMENTS = { income: 'ic', balance: 'bs', cash_flow: 'cf' } as const
const FREQUENCIES: Record<Period, string> = { annual: 'annual', quarter: 'quarterly', ttm: 'ttm' }

/** Standardised statements need a paid plan; what US companies reported to the SEC does not. */
export const fetchFinancials: Fetch<'financials'> = async (input, call) => {
  const { instrument, statement, period } = input
  if (statement === 'balance' && period === 'ttm') {
    throw notEntitled('Finnhub has no balance sheet of twelve months: one is of a day. Ask for quarter or annual ones.')
  }
  const query = { statement: STATEMENTS[statement], freq: FREQUENCIES[period] }
  try {
    const body = await call.request(requestOf('/stock/financials', instrument, query))
    return toAnswer(toStatements(body, input))
  } catch (error) {
    const isReported = period !== 'ttm' && planLine(instrument) === 'stock'
    if (codeOf(error) !== 'PROVIDER_NOT_ENTITLED' || !isReported) throw error
    return toAnswer(toReportedStatements(await requestReported(input, call), input))
  }
}

/** Whole filings are long, so no more years are asked for than hold the rows: a year has three quarterly reports. */
function requestReported ({ instrument, period, limit }: StatementsInput, call: ProviderCall) {
  const years = (period === 'quarter' ? Math.ceil(limit / 3) : limit) + 1
  const from = addDays(dayIn(NEW_YORK, call.now), -366 * Math.min(years, 50))
  return call.request(requestOf('/stock/financials-reported', instrument, { freq: FREQUENCIES[period], from }))
}

function toAnswer (rows: FinancialStatement[]): Answer<FinancialStatement[]> {
  return {
    data: rows,
    as_of: newestOf(rows.map(({ filed_at: day }) => startOfDay(day))),
    currency: commonOf(rows.map(({ currency }) => currency))
  }
}

export const fetchKeyMetrics: Fetch<'key_metrics'> = async ({ instrument }, call) => {
  const body = await call.request(requestOf('/stock/metric', instrument, { metric: 'all' }))
  return { data: toKeyMetrics(body, instrument), as_of: null }
}

/** The days around today in which the calendar knows the reports of one company; the free plan has a month back. */
const CALENDAR_DAYS = { back: 28, ahead: 120 }

export const fetchEarnings: Fetch<'earnings'> = async ({ instrument, limit }, call) => {
  const today = dayIn(NEW_YORK, call.now)
  const window = { from: addDays(today, -CALENDAR_DAYS.back), to: addDays(today, CALENDAR_DAYS.ahead) }
  const [history, calendar] = await partsOf(
    call.request(requestOf('/stock/earnings', instrument, { limit })).then(body => toEarningsHistory(body, instrument)),
    call.request(requestOf('/calendar/earnings', instrument, window)).then(body => toCalendar(body, instrument))
  )
  const data = toEarnings(history ?? [], calendar ?? []).slice(0, limit)
  if (data.length === 0) throw noneKnown('earnings', instrument)
  return { data, as_of: null }
}

const WEEK = 7
const MOST_WEEKS = 20
/** Rows from which an answer may have lost its earliest ones. */
const CALENDAR_ROWS = 1500

/** A week a call, because a longer answer is cut at its beginning, without a word. */
export const fetchEarningsCalendar: Fetch<'earnings_calendar'> = async ({ from, to, limit }, call) => {
  if (addDays(from, MOST_WEEKS * WEEK) <= to) {
    throw notEntitled(`Finnhub's earnings calendar comes a week a call, and at most ${MOST_WEEKS} calls are made. Ask for a shorter window.`)
  }
  let rows: Earnings[] = []
  for (let first = from; first <= to && rows.length < limit; first = addDays(first, WEEK)) {
    const last = addDays(first, WEEK - 1)
    rows = rows.concat(await calendarOf(first, last < to ? last : to, call))
  }
  return { data: rows.slice(0, limit), as_of: null }
}

/** The reports of some days, earliest first; days whose rows may have been cut are asked for in halves. */
async function calendarOf (from: string, to: string, call: ProviderCall): Promise<Earnings[]> {
  const window = { from, to }
  const line = planLineOfPast(window, call.now)
  const body = await call.request({ path: '/calendar/earnings', query: window, plan_line: line })
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS
  if (countOf(body) < CALENDAR_ROWS || days < 1) return toCalendar(body).filter(({ date }) => isInside(date, window))
  const middle = addDays(from, Math.floor(days / 2))
  return [...await calendarOf(from, middle, call), ...await calendarOf(addDays(middle, 1), to, call)]
}

function countOf (body: unknown): number {
  return toRows(toFields(body).earningsCalendar).length
}
