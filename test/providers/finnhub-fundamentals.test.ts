import { test } from 'tap'
import { Type } from 'typebox'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { finnhub } from '../../providers/finnhub/index.ts'
import type { Capabilities, ProviderRequest } from '../../providers/types.ts'
import {
  EarningsSchema, KeyMetricsSchema, STATEMENT_SCHEMAS, type BalanceSheet, type CashFlow, type IncomeStatement
} from '../../schemas/fundamentals.ts'
import { code, fits, fixture, NOVA, refused } from '../fixtures/finnhub/setup.ts'
import { fakeCall } from './fake-call.ts'

const { financials, key_metrics: keyMetrics, earnings, earnings_calendar: earningsCalendar } = finnhub.capabilities

type StatementsInput = Capabilities['financials']['input']

function statementsOf (input: Partial<StatementsInput>, answers: (request: ProviderRequest) => unknown) {
  const { call, requests } = fakeCall(answers)
  const wanted: StatementsInput = { instrument: NOVA, statement: 'income', period: 'annual', limit: 10, ...input }
  return { answer: financials!.fetch(wanted, call), requests, wanted }
}

/** The free plan: standardised statements are refused. */
const reported = (input: Partial<StatementsInput>, body: unknown) =>
  statementsOf(input, ({ path }) => {
    if (path === '/stock/financials') throw refused()
    return body
  })

test('standardised statements come in millions and leave in units, newest first', async t => {
  const { answer, requests } = statementsOf({}, () => fixture('financials-ic'))
  const { data, currency, as_of: asOf } = await answer
  t.same(requests, [{
    path: '/stock/financials', query: { symbol: 'NOVA', statement: 'ic', freq: 'annual' }, plan_line: 'stock'
  }])
  t.same(data[0], {
    symbol: 'NOVA',
    period_end: '2024-12-31',
    fiscal_year: 2024,
    fiscal_period: 'FY',
    filed_at: null,
    currency: null,
    revenue: 1034500000,
    cost_of_revenue: 600250000,
    gross_profit: 434250000,
    research_and_development: 40000000,
    selling_general_admin: 120000000,
    operating_expenses: 160000000,
    operating_income: 274250000,
    interest_expense: 12500000,
    pretax_income: 261750000,
    income_tax: 61750000,
    net_income: 200000000,
    eps_basic: null,
    eps_diluted: 9.9,
    shares_basic: null,
    shares_diluted: 20200000,
    ebitda: null
  })
  t.same(data.map(({ period_end: end }) => end), ['2024-12-31', '2023-12-31'], 'rows of zeros and without a period are no rows')
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.income), data))
  t.same([currency, asOf], [null, null])
  t.equal((await statementsOf({ limit: 1 }, () => fixture('financials-ic')).answer).data.length, 1)
})

test('a standardised balance sheet tells cash from investments and adds up what is due', async t => {
  const { answer, requests } = statementsOf({ statement: 'balance', period: 'quarter' }, () => fixture('financials-bs'))
  const [newest, before] = (await answer).data as BalanceSheet[]
  t.match(requests, [{ query: { statement: 'bs', freq: 'quarterly' } }])
  t.match(newest, {
    fiscal_period: 'Q4',
    cash: 80000000,
    short_term_investments: 30000000,
    receivables: 75000000,
    inventory: 41300000,
    short_term_debt: 18000000,
    long_term_debt: 90000000,
    total_debt: 108000000,
    equity: 340000000
  })
  t.match(before, { fiscal_period: 'Q3', cash: 18000000, short_term_debt: null, goodwill: null })
  t.ok(fits(STATEMENT_SCHEMAS.balance, newest))
})

test('money that leaves is negative, and net issues are neither issues nor repayments', async t => {
  const { answer, requests } = statementsOf({ statement: 'cash_flow', period: 'ttm' }, () => fixture('financials-cf'))
  const { data } = await answer
  t.match(requests, [{ query: { statement: 'cf', freq: 'ttm' } }])
  t.match(data[0], {
    fiscal_period: 'TTM',
    operating_cash_flow: 260000000,
    capital_expenditure: -80000000,
    free_cash_flow: 180000000,
    dividends_paid: -24000000,
    debt_issued: null,
    debt_repaid: null,
    shares_repurchased: null,
    net_change_in_cash: 91000000
  })
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.cash_flow), data))
})

test('without a paid plan the statements are those that were filed, concept by concept', async t => {
  const { answer, requests } = reported({}, fixture('reported-annual'))
  const { data, currency, as_of: asOf } = await answer
  t.same(requests.map(({ path, plan_line: line }) => [path, line]),
    [['/stock/financials', 'stock'], ['/stock/financials-reported', 'stock']])
  t.same(requests[1]?.query, { symbol: 'NOVA', freq: 'annual', from: '2014-03-06' })
  t.same(data[0], {
    symbol: 'NOVA',
    period_end: '2024-12-31',
    fiscal_year: 2024,
    fiscal_period: 'FY',
    filed_at: '2025-02-20',
    currency: 'USD',
    revenue: 1034500000,
    cost_of_revenue: 600250000,
    gross_profit: 434250000,
    research_and_development: null,
    selling_general_admin: 120000000,
    operating_expenses: null,
    operating_income: 274250000,
    interest_expense: null,
    pretax_income: null,
    income_tax: 61750000,
    net_income: 200000000,
    eps_basic: 10.1,
    eps_diluted: 9.9,
    shares_basic: null,
    shares_diluted: 20200000,
    ebitda: null
  }, 'a total and not its parts, the parent and not its subsidiary, no share count where classes differ')
  t.match(data[1], { period_end: '2023-12-31', filed_at: '2024-05-02', revenue: 900000000, net_income: 81000000 }, 'as amended')
  t.match(data[2], { period_end: '2022-12-31', currency: null, revenue: 850000000, net_income: null }, 'also without prefixes')
  t.equal(data.length, 3, 'a year of three months is no year')
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.income), data))
  t.equal(asOf, '2025-02-20T05:00:00Z')
  t.equal(currency, null)
})

test('filed balance sheets and cash flows have totals only where all parts are known', async t => {
  const balance = await reported({ statement: 'balance', limit: 1 }, fixture('reported-annual')).answer
  t.match(balance.data, [{
    cash: 80000000,
    total_assets: 600000000,
    short_term_debt: 18000000,
    long_term_debt: 90000000,
    total_debt: 108000000,
    total_liabilities: null
  }])
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.balance), balance.data))
  t.equal(balance.currency, 'USD')
  const oldest = (await reported({ statement: 'balance' }, fixture('reported-annual')).answer).data.at(-1) as BalanceSheet
  t.match(oldest, { period_end: '2022-12-31', total_assets: 500000000, total_debt: null, total_liabilities: null })
  const [flow] = (await reported({ statement: 'cash_flow' }, fixture('reported-annual')).answer).data as CashFlow[]
  t.match(flow, {
    operating_cash_flow: 260000000,
    capital_expenditure: -80000000,
    free_cash_flow: 180000000,
    dividends_paid: -24000000,
    shares_repurchased: -30000000,
    debt_repaid: -20000000,
    debt_issued: null,
    investing_cash_flow: null
  })
  t.ok(fits(STATEMENT_SCHEMAS.cash_flow, flow))
})

test('numbers of the year to date are never shown as those of a quarter', async t => {
  const { answer, requests } = reported({ period: 'quarter', limit: 3 }, fixture('reported-quarterly'))
  const rows = (await answer).data as IncomeStatement[]
  t.match(requests[1]?.query, { freq: 'quarterly', from: '2023-03-13' })
  t.same(rows.map(row => [row.fiscal_period, row.revenue, row.net_income, row.eps_diluted]),
    [['Q3', null, null, null], ['Q2', null, null, null], ['Q1', 240000000, 48000000, 2.4]])
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.income), rows))
  const flows = (await reported({ period: 'quarter', statement: 'cash_flow' }, fixture('reported-quarterly')).answer).data as CashFlow[]
  t.same(flows.map(row => row.operating_cash_flow), [null, null, 60000000])
  const sheets = (await reported({ period: 'quarter', statement: 'balance' }, fixture('reported-quarterly')).answer).data as BalanceSheet[]
  t.same(sheets.map(row => row.total_assets), [590000000, 580000000, 570000000], 'a balance sheet is of a day')
  await t.rejects(reported({ period: 'quarter', limit: 2 }, fixture('reported-quarterly')).answer, code('PROVIDER_NOT_ENTITLED'),
    'nothing but nulls is no answer')
  const undated = { data: [{ quarter: 1, endDate: '2024-03-31', report: { ic: { Revenues: 5 } } }, { quarter: 2, endDate: '2024-06-30', report: { ic: { Revenues: 9 } } }] }
  const bare = (await reported({ period: 'quarter' }, undated).answer).data as IncomeStatement[]
  t.same(bare.map(row => row.revenue), [null, 5], 'without a first day only the first quarter is sure')
})

test('what filings cannot give is refused', async t => {
  const ttm = reported({ period: 'ttm' }, fixture('reported-annual'))
  await t.rejects(ttm.answer, code('PROVIDER_NOT_ENTITLED'))
  t.equal(ttm.requests.length, 1)
  const abroad = reported({ instrument: parseSymbol('SAP.DE') }, fixture('reported-annual'))
  await t.rejects(abroad.answer, code('PROVIDER_NOT_ENTITLED'))
  t.same(abroad.requests.map(({ plan_line: line }) => line), ['non-US'], 'only US companies file with the SEC')
  const sheet = statementsOf({ statement: 'balance', period: 'ttm' }, () => fixture('financials-bs'))
  await t.rejects(sheet.answer, code('PROVIDER_NOT_ENTITLED'))
  t.equal(sheet.requests.length, 0)
  const used = statementsOf({}, () => { throw problem('PROVIDER_QUOTA', 'used up') })
  await t.rejects(used.answer, code('PROVIDER_QUOTA'))
  t.equal(used.requests.length, 1, 'a used up key is not asked again')
})

test('no statements are an unknown symbol, those of the home listing malformed', async t => {
  for (const body of [{ symbol: '', financials: [] }, { symbol: 'NOVA', financials: null }, { symbol: 'NOVA', financials: [{ period: '2024-12-31', revenue: 0 }] }]) {
    await t.rejects(statementsOf({}, () => body).answer, code('SYMBOL_NOT_FOUND'))
  }
  for (const body of [{ cik: '', data: [], symbol: '' }, { data: null }, { data: [{ endDate: '2024-12-31 00:00:00', report: { ic: [], bs: [], cf: [] } }] }]) {
    await t.rejects(reported({}, body).answer, code('SYMBOL_NOT_FOUND'))
  }
  for (const body of [{ symbol: '9999.TW', financials: [{ period: '2024-12-31', revenue: 5 }] }, { symbol: 'NOVA' }, [], null]) {
    await t.rejects(statementsOf({}, () => body).answer, code('PROVIDER_MALFORMED'))
  }
  for (const body of [{ symbol: 'NOVB', data: [] }, { data: [{ symbol: 'NOVB', endDate: '2024-12-31' }] }, {}]) {
    await t.rejects(reported({}, body).answer, code('PROVIDER_MALFORMED'))
  }
})

test('percentages become fractions, millions units, and zero multiples nothing', async t => {
  const { call, requests } = fakeCall(() => fixture('metric'))
  const { data } = await keyMetrics!.fetch({ instrument: NOVA }, call)
  t.same(requests, [{ path: '/stock/metric', query: { symbol: 'NOVA', metric: 'all' }, plan_line: 'stock' }])
  t.same(data, {
    symbol: 'NOVA',
    currency: null,
    market_cap: 830250000,
    enterprise_value: 902250000,
    pe: 4.19,
    forward_pe: 11.2,
    peg: null,
    pb: 2.41,
    ps: 0.8,
    ev_to_ebitda: 2.78,
    ev_to_sales: 0.87,
    eps: 9.9,
    book_value_per_share: 17.2,
    dividend_yield: 0.003428,
    dividend_per_share: 0,
    payout_ratio: 0.1269,
    gross_margin: 0.4786,
    operating_margin: 0.265,
    net_margin: 0.193,
    roe: 1.4669,
    roa: 0.3402,
    roic: 0.6907,
    current_ratio: 1.85,
    quick_ratio: 1.4,
    debt_to_equity: 0.3176,
    interest_coverage: 21.9,
    revenue_growth: 0.1276,
    eps_growth: -0.2901,
    beta: 0.84,
    high_52w: 49.5,
    low_52w: 31.25
  })
  t.ok(fits(KeyMetricsSchema, data))
})

test('no metrics, or zeros, are an unknown symbol; those of the home listing are malformed', async t => {
  const metricsOf = (body: unknown) => keyMetrics!.fetch({ instrument: NOVA }, fakeCall(() => body).call)
  for (const body of [{}, null, { metric: {}, series: {}, symbol: '' }, { metric: { beta: 0, peTTM: 0, roeTTM: 0 }, symbol: 'NOVA' }]) {
    await t.rejects(metricsOf(body), code('SYMBOL_NOT_FOUND'))
  }
  await t.rejects(metricsOf({ metric: { beta: 1 }, symbol: '9999.TW' }), code('PROVIDER_MALFORMED'))
  await t.rejects(metricsOf([]), code('PROVIDER_MALFORMED'))
  await t.rejects(metricsOf('metrics'), code('PROVIDER_MALFORMED'))
})

const EARNINGS: Record<string, unknown> = { '/stock/earnings': fixture('earnings'), '/calendar/earnings': fixture('earnings-calendar') }

test('past quarters and the next report are one list in two calls', async t => {
  const { call, requests } = fakeCall(({ path }) => EARNINGS[path])
  const { data } = await earnings!.fetch({ instrument: NOVA, limit: 10 }, call)
  t.same(requests, [
    { path: '/stock/earnings', query: { symbol: 'NOVA', limit: 10 }, plan_line: 'stock' },
    { path: '/calendar/earnings', query: { symbol: 'NOVA', from: '2025-02-14', to: '2025-07-12' }, plan_line: 'stock' }
  ])
  t.same(data.slice(0, 2), [{
    symbol: 'NOVA',
    date: '2025-05-01',
    time: 'bmo',
    period_end: null,
    fiscal_year: 2025,
    fiscal_quarter: 1,
    eps_estimate: 2.7,
    eps_actual: null,
    eps_surprise_percent: null,
    revenue_estimate: 271500000,
    revenue_actual: null,
    currency: null
  }, {
    symbol: 'NOVA',
    date: '2025-02-20',
    time: 'amc',
    period_end: '2024-12-31',
    fiscal_year: 2024,
    fiscal_quarter: 4,
    eps_estimate: 2.5,
    eps_actual: 2.6,
    eps_surprise_percent: 4,
    revenue_estimate: 260000000,
    revenue_actual: 268000000,
    currency: null
  }], 'the calendar lends the day, the hour and the revenue')
  t.same(data.slice(2).map(row => [row.date, row.period_end, row.eps_actual]), [[null, '2024-09-30', 2.4], [null, '2024-06-30', 2.3]])
  t.ok(fits(Type.Array(EarningsSchema), data))
  t.same((await earnings!.fetch({ instrument: NOVA, limit: 1 }, call)).data.map(row => row.date), ['2025-05-01'])
})

test('a report is one row where the two lists number its quarter differently', async t => {
  const history = [
    { actual: 2.6, estimate: 2.5, period: '2024-12-31', quarter: 1, year: 2025, symbol: 'NOVA' },
    { actual: 2.6, estimate: 2, period: '2024-09-30', quarter: 4, year: 2024 }
  ]
  const { call } = fakeCall(({ path }) => path === '/stock/earnings' ? history : EARNINGS[path])
  const { data } = await earnings!.fetch({ instrument: NOVA, limit: 10 }, call)
  t.same(data.map(row => [row.date, row.period_end, row.revenue_actual]),
    [['2025-05-01', null, null], ['2025-02-20', '2024-12-31', 268000000], [null, '2024-09-30', null]])
})

test('one of the two calls is enough, and none is the first one\'s failure', async t => {
  const without = (refusedPath: string) => fakeCall(({ path }) => {
    if (path === refusedPath) throw refused()
    return EARNINGS[path]
  }).call
  const input = { instrument: NOVA, limit: 10 }
  t.same((await earnings!.fetch(input, without('/calendar/earnings'))).data.map(row => row.date), [null, null, null])
  t.same((await earnings!.fetch(input, without('/stock/earnings'))).data.map(row => row.date), ['2025-05-01', '2025-02-20'])
  await t.rejects(earnings!.fetch(input, fakeCall(() => { throw refused() }).call), code('PROVIDER_NOT_ENTITLED'))
  const gone = fakeCall(() => { throw new DOMException('gone', 'AbortError') })
  await t.rejects(earnings!.fetch(input, gone.call), { name: 'AbortError' })
  const unknown = fakeCall(({ path }) => path === '/stock/earnings' ? [] : { earningsCalendar: [] })
  await t.rejects(earnings!.fetch(input, unknown.call), code('SYMBOL_NOT_FOUND'))
  const other = fakeCall(({ path }) => path === '/stock/earnings' ? [{ symbol: '9999.TW', period: '2024-12-31', actual: 1 }] : {})
  await t.rejects(earnings!.fetch(input, other.call), code('PROVIDER_MALFORMED'))
})

const report = (date: string, symbol: string) => ({ date, symbol, hour: '', quarter: 1, year: 2025, epsEstimate: null, epsActual: null })

test('the calendar comes week by week, earliest first, until there are enough', async t => {
  const { call, requests } = fakeCall(({ query }) => ({
    earningsCalendar: [
      report(String(query?.to), 'NOVA'),
      report(String(query?.from), 'MILL'),
      report(String(query?.from), 'GRN.A'),
      report('2024-01-01', 'OLD')
    ]
  }))
  const { data } = await earningsCalendar!.fetch({ from: '2025-03-01', to: '2025-03-17', limit: 100 }, call)
  t.same(requests.map(({ path, query, plan_line: line }) => [path, query?.from, query?.to, line]), [
    ['/calendar/earnings', '2025-03-01', '2025-03-07', undefined],
    ['/calendar/earnings', '2025-03-08', '2025-03-14', undefined],
    ['/calendar/earnings', '2025-03-15', '2025-03-17', undefined]
  ])
  t.same(data.slice(0, 4).map(row => [row.date, row.symbol, row.time]),
    [['2025-03-01', 'GRN.A', null], ['2025-03-01', 'MILL', null], ['2025-03-07', 'NOVA', null], ['2025-03-08', 'GRN.A', null]])
  t.equal(data.length, 9)
  t.ok(fits(Type.Array(EarningsSchema), data))
  const few = await earningsCalendar!.fetch({ from: '2025-03-01', to: '2025-03-17', limit: 2 }, call)
  t.equal(few.data.length, 2)
  t.equal(requests.length, 4, 'one week had enough')
})

test('days whose rows may have been cut are asked for again in halves', async t => {
  const day = (date: string, count: number) => Array.from({ length: count }, (_, row) => report(date, `S${row}`))
  const all = [...day('2025-03-03', 900), ...day('2025-03-05', 700), ...day('2025-03-07', 20)]
  const { call, requests } = fakeCall(({ query: { from, to } = {} }) =>
    ({ earningsCalendar: all.filter(({ date }) => date >= String(from) && date <= String(to)).slice(-1500) }))
  const { data } = await earningsCalendar!.fetch({ from: '2025-03-03', to: '2025-03-09', limit: 10_000 }, call)
  t.equal(data.length, 1620)
  t.same(requests.map(({ query }) => `${query?.from} ${query?.to}`), [
    '2025-03-03 2025-03-09', '2025-03-03 2025-03-06', '2025-03-03 2025-03-04', '2025-03-05 2025-03-06', '2025-03-07 2025-03-09'
  ])
})

test('a calendar of the past is behind a line of its own, and one of a year too long', async t => {
  const { call, requests } = fakeCall(() => ({ earningsCalendar: null }))
  t.same((await earningsCalendar!.fetch({ from: '2025-01-06', to: '2025-01-08', limit: 5 }, call)).data, [])
  t.equal(requests[0]?.plan_line, 'over 1 month ago')
  await t.rejects(earningsCalendar!.fetch({ from: '2025-01-01', to: '2025-12-31', limit: 5 }, call), code('PROVIDER_NOT_ENTITLED'))
  t.equal(requests.length, 1)
  await t.rejects(earningsCalendar!.fetch({ from: '2025-03-03', to: '2025-03-04', limit: 5 }, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})
