import { codeOf } from '../../errors.ts'
import type { Earnings, FinancialStatement, KeyMetrics, Period, StatementKind } from '../../schemas/fundamentals.ts'
import { commonOf, newestOf } from '../parse.ts'
import { planLine } from '../plan-line.ts'
import type { Answer, Capabilities, ProviderCall } from '../types.ts'
import { toUpstreamSymbol } from './normalise.ts'
import { toEarnings, toKeyMetrics, toStatement, toStatements, type Dated } from './fundamentals-normalise.ts'
import { assertAbout, fetchRows, knowsNo, MARKET, MAX_ROWS } from './pages.ts'

const NAMES: Record<StatementKind, string> = {
  income: 'income statements', balance: 'balance sheets', cash_flow: 'cash flow statements'
}
const TIMEFRAMES: Record<Period, string> = { annual: 'annual', quarter: 'quarterly', ttm: 'trailing_twelve_months' }
/** The most that the older statements come in at once. */
const MAX_FILED = 100

/** Standardised statements; where the plan has none, the ones read out of the filings. */
export async function fetchFinancials (input: Capabilities['financials']['input'],
  call: ProviderCall): Promise<Answer<FinancialStatement[]>> {
  const { instrument, statement, limit } = input
  // A balance sheet is of one day: that of the last quarter is the latest of any twelve months.
  const period = statement === 'balance' && input.period === 'ttm' ? 'quarter' : input.period
  const rows = await fetchStandardised({ ...input, period }, call).catch(error => {
    if (codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
    return fetchFiled({ ...input, period }, call)
  })
  const data = toStatements(rows).slice(0, limit)
  if (data.length === 0) throw knowsNo(NAMES[statement], instrument)
  return { data, as_of: null, currency: commonOf(data.map(({ currency }) => currency)) }
}

type StatementsInput = Capabilities['financials']['input']

function fetchStandardised (input: StatementsInput, call: ProviderCall): Promise<FinancialStatement[]> {
  const { instrument, statement, period, limit } = input
  return fetchStatements(`/stocks/financials/v1/${NAMES[statement].replaceAll(' ', '-')}`, {
    tickers: toUpstreamSymbol(instrument),
    timeframe: TIMEFRAMES[period],
    sort: 'period_end.desc',
    limit: Math.min(limit, MAX_ROWS)
  }, input, call)
}

function fetchFiled (input: StatementsInput, call: ProviderCall): Promise<FinancialStatement[]> {
  const { instrument, period, limit } = input
  return fetchStatements('/vX/reference/financials', {
    ticker: toUpstreamSymbol(instrument),
    timeframe: period === 'ttm' ? period : TIMEFRAMES[period],
    sort: 'period_of_report_date',
    order: 'desc',
    limit: Math.min(limit, MAX_FILED)
  }, input, call)
}

function fetchStatements (path: string, query: Record<string, string | number>, input: StatementsInput,
  call: ProviderCall): Promise<FinancialStatement[]> {
  return fetchRows({ path, query, plan_line: planLine(input.instrument) }, row => {
    assertAbout(input.instrument, row.tickers)
    return toStatement(row, input)
  }, input.limit, call)
}

export async function fetchKeyMetrics ({ instrument }: Capabilities['key_metrics']['input'],
  call: ProviderCall): Promise<Answer<KeyMetrics>> {
  const request = {
    path: '/stocks/financials/v1/ratios',
    query: { ticker: toUpstreamSymbol(instrument), limit: 1 },
    plan_line: planLine(instrument)
  }
  const [found] = await fetchRows(request, row => {
    assertAbout(instrument, row.ticker)
    return toKeyMetrics(row, instrument, call.now)
  }, 1, call)
  if (!found) throw knowsNo('ratios', instrument)
  return { ...found, currency: found.data.currency }
}

/** Benzinga's reports, which are an add-on of their own. */
export async function fetchEarnings ({ instrument, limit }: Capabilities['earnings']['input'],
  call: ProviderCall): Promise<Answer<Earnings[]>> {
  const request = {
    path: '/benzinga/v1/earnings',
    query: { ticker: toUpstreamSymbol(instrument), sort: 'date.desc', limit: Math.min(limit, MAX_ROWS) },
    plan_line: planLine(instrument)
  }
  const rows = await fetchRows(request, row => {
    assertAbout(instrument, row.ticker)
    return toEarnings(row)
  }, limit, call)
  if (rows.length === 0) throw knowsNo('earnings', instrument)
  return toAnswer(rows.sort((a, b) => compare(b, a)).slice(0, limit))
}

export async function fetchEarningsCalendar ({ from, to, limit }: Capabilities['earnings_calendar']['input'],
  call: ProviderCall): Promise<Answer<Earnings[]>> {
  const request = {
    path: '/benzinga/v1/earnings',
    query: { 'date.gte': from, 'date.lte': to, sort: 'date.asc,ticker.asc', limit: Math.min(limit, MAX_ROWS) },
    plan_line: planLine(MARKET, new Date(from), call.now)
  }
  const rows = await fetchRows(request, row => {
    const earnings = toEarnings(row)
    return earnings?.data.date && earnings.data.date >= from && earnings.data.date <= to ? earnings : null
  }, limit, call)
  return toAnswer(rows.sort(compare).slice(0, limit))
}

/** By day, then by symbol. */
function compare ({ data: a }: Dated<Earnings>, { data: b }: Dated<Earnings>): number {
  const [left, right] = [`${a.date} ${a.symbol}`, `${b.date} ${b.symbol}`]
  return left < right ? -1 : left > right ? 1 : 0
}

function toAnswer (rows: readonly Dated<Earnings>[]): Answer<Earnings[]> {
  return {
    data: rows.map(({ data }) => data),
    as_of: newestOf(rows.map(({ as_of: at }) => at)),
    currency: commonOf(rows.map(({ data }) => data.currency))
  }
}
