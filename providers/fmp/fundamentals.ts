import { problem } from '../../errors.ts'
import { addDays } from '../../market/time.ts'
import type { Earnings, StatementKind } from '../../schemas/fundamentals.ts'
import { commonOf, toDay, type Fields } from '../parse.ts'
import type { DayWindow } from '../types.ts'
import { toCalendar, toEarnings, toKeyMetrics, toStatements } from './fundamentals-normalise.ts'
import { listOf, nothingOf, rowsAbout, toUpstreamSymbol } from './normalise.ts'
import { lineOf, orNull, partsOf, requestRows, startOfDay, windowsOf, type Fetch } from './requests.ts'

const STATEMENT_PATHS: Record<StatementKind, string> = {
  income: '/income-statement', balance: '/balance-sheet-statement', cash_flow: '/cash-flow-statement'
}

/** Rows of a company that the free plan gives. */
const FREE_ROWS = 5

export const fetchFinancials: Fetch<'financials'> = async ({ instrument, statement, period, limit }, call) => {
  const isTtm = period === 'ttm'
  const body = await requestRows(call, {
    path: `${STATEMENT_PATHS[statement]}${isTtm ? '-ttm' : ''}`,
    query: { symbol: toUpstreamSymbol(instrument), ...(!isTtm && { period }) },
    plan_line: isTtm ? lineOf([instrument]) : `${lineOf([instrument])}, ${period}`
  }, limit, FREE_ROWS)
  const { statements, accepted_at: acceptedAt } = toStatements(body, instrument, statement, period)
  const data = statements.slice(0, limit)
  return { data, as_of: acceptedAt, currency: commonOf(data.map(({ currency }) => currency)) }
}

/** Growth would be a fourth call, and statements tell it: the profile has what nothing else does. */
export const fetchKeyMetrics: Fetch<'key_metrics'> = async ({ instrument }, call) => {
  const ask = async (path: string): Promise<Fields | undefined> => rowsAbout(await call.request({
    path, query: { symbol: toUpstreamSymbol(instrument) }, plan_line: lineOf([instrument])
  }), instrument, 'key metrics')[0]
  const [{ answers: [metrics, ratios], refusal }, profile] = await Promise.all([
    partsOf([ask('/key-metrics-ttm'), ask('/ratios-ttm')]),
    orNull(ask('/profile'))
  ])
  const data = toKeyMetrics(instrument, metrics, ratios, profile)
  if (!data) throw refusal ?? nothingOf('key metrics', instrument)
  return { data, as_of: null, currency: data.currency }
}

export const fetchEarnings: Fetch<'earnings'> = async ({ instrument, limit }, call) => {
  const request = { path: '/earnings', query: { symbol: toUpstreamSymbol(instrument) }, plan_line: lineOf([instrument]) }
  const data = toEarnings(await requestRows(call, request, limit, FREE_ROWS), instrument)
  return { data: data.slice(0, limit), as_of: null }
}

/** A calendar ends silently at this many rows; the earliest are lost. */
const CALENDAR_ROWS = 4000
/** In a season of reports a week has more rows than that. */
const CALENDAR_DAYS = 7
const MOST_WEEKS = 26
const MOST_PAGES_OF_A_DAY = 3

export const fetchEarningsCalendar: Fetch<'earnings_calendar'> = async ({ from, to, limit }, call) => {
  const ask = async (window: DayWindow, page = 0): Promise<Fields[]> => listOf(await call.request({
    path: '/earnings-calendar',
    query: { ...window, ...(page > 0 && { page }) },
    plan_line: lineOf([], startOfDay(window.from), call.now)
  }), 'a calendar of earnings')
  const data: Earnings[] = []
  let weeks = 0
  for (const window of windowsOf({ from, to }, CALENDAR_DAYS)) {
    if (data.length >= limit) break
    if (++weeks > MOST_WEEKS) {
      throw problem('PROVIDER_NOT_ENTITLED', 'FMP gives its calendar of earnings by the week. ' +
        `Ask for at most ${MOST_WEEKS} weeks, or another provider.`, { provider: 'fmp' })
    }
    data.push(...toCalendar(await reportsIn(window, ask), window))
  }
  return { data: data.slice(0, limit), as_of: null }
}

/** All rows of a window: what was cut off its beginning is asked for again. */
async function reportsIn (window: DayWindow,
  ask: (window: DayWindow, page?: number) => Promise<Fields[]>): Promise<Fields[]> {
  const { from, to } = window
  const rows = await ask(window)
  if (rows.length < CALENDAR_ROWS) return rows
  const cut = rows.flatMap(row => toDay(row.date) ?? []).sort()[0] ?? from
  if (cut < from) return rows
  if (from === to) {
    for (let page = 1; page <= MOST_PAGES_OF_A_DAY && rows.length === page * CALENDAR_ROWS; page++) {
      rows.push(...await ask(window, page))
    }
    return rows
  }
  const last = cut < to ? cut : addDays(to, -1)
  const later = cut < to ? rows.filter(row => String(toDay(row.date)) > cut) : await reportsIn({ from: to, to }, ask)
  return [...await reportsIn({ from, to: last }, ask), ...later]
}
