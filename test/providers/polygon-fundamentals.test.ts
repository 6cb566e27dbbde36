import { test } from 'tap'
import { polygon } from '../../providers/polygon/index.ts'
import { parseSymbol } from '../../market/symbols.ts'
import {
  BalanceSheetSchema, CashFlowSchema, EarningsSchema, IncomeStatementSchema, KeyMetricsSchema, STATEMENT_SCHEMAS,
  STATEMENTS
} from '../../schemas/fundamentals.ts'
import { ACME, answering, ask, codeThrown, faults, fixture, refused } from '../fixtures/polygon/setup.ts'

const { financials, key_metrics: keyMetrics, earnings, earnings_calendar: calendar } = polygon.capabilities
const income = { instrument: ACME, statement: 'income', period: 'annual', limit: 5 } as const

test('income statements come newest first, as they were filed last, in plain money', async t => {
  const { call, requests } = ask(() => fixture('income-statements'))
  const answer = await financials!.fetch(income, call)
  t.same(requests, [{
    path: '/stocks/financials/v1/income-statements',
    query: { tickers: 'ACME', timeframe: 'annual', sort: 'period_end.desc', limit: 5 },
    plan_line: 'stock'
  }])
  t.same(answer.data[0], {
    symbol: 'ACME',
    period_end: '2025-12-31',
    fiscal_year: 2025,
    fiscal_period: 'FY',
    filed_at: '2026-02-10',
    currency: null,
    revenue: 4_000_000_000,
    cost_of_revenue: 2_400_000_000,
    gross_profit: 1_600_000_000,
    research_and_development: 300_000_000,
    selling_general_admin: 400_000_000,
    operating_expenses: 700_000_000,
    operating_income: 900_000_000,
    interest_expense: 50_000_000,
    pretax_income: 860_000_000,
    income_tax: 160_000_000,
    net_income: 700_000_000,
    eps_basic: 7.05,
    eps_diluted: 7,
    shares_basic: 99_300_000,
    shares_diluted: 100_000_000,
    ebitda: 1_100_000_000
  })
  t.match(answer.data[1], { period_end: '2024-12-31', filed_at: '2025-06-02', revenue: 3_500_000_000, net_income: null, eps_diluted: null })
  t.equal(answer.data.length, 2)
  t.same(faults(IncomeStatementSchema, answer.data), [])
  t.match(answer, { as_of: null, currency: null })
})

test('a limit holds, and what is one figure at Polygon stands for itself', async t => {
  const rows = [{ period_end: '2024-12-31', total_operating_expenses: 5, consolidated_net_income_loss: -2 }, { period_end: '2023-12-31' }]
  const { data } = await financials!.fetch({ ...income, limit: 1 }, answering({ status: 'OK', results: rows }))
  t.match(data, [{ operating_expenses: 5, net_income: -2, fiscal_period: 'FY', filed_at: null }])
  t.equal(data.length, 1)
})

test('a balance sheet of twelve months is that of the quarter, and says so', async t => {
  const { call, requests } = ask(() => fixture('balance-sheets'))
  const { data } = await financials!.fetch({ ...income, statement: 'balance', period: 'ttm' }, call)
  t.match(requests, [{ path: '/stocks/financials/v1/balance-sheets', query: { timeframe: 'quarterly' } }])
  t.same(data, [{
    symbol: 'ACME',
    period_end: '2025-09-30',
    fiscal_year: 2025,
    fiscal_period: 'Q3',
    filed_at: '2025-11-04',
    currency: null,
    cash: 500_000_000,
    short_term_investments: 100_000_000,
    receivables: 300_000_000,
    inventory: 0,
    current_assets: 1_000_000_000,
    property_plant_equipment: 800_000_000,
    goodwill: 150_000_000,
    intangible_assets: 50_000_000,
    total_assets: 2_500_000_000,
    accounts_payable: 250_000_000,
    short_term_debt: 100_000_000,
    current_liabilities: 600_000_000,
    long_term_debt: 400_000_000,
    total_debt: 500_000_000,
    total_liabilities: 1_200_000_000,
    retained_earnings: -30_000_000,
    equity: 1_290_000_000
  }])
  t.same(faults(BalanceSheetSchema, data), [])
})

test('money that leaves is negative in a cash flow, and net debt is neither issued nor repaid', async t => {
  const { call, requests } = ask(() => fixture('cash-flow-statements'))
  const { data } = await financials!.fetch({ ...income, statement: 'cash_flow', period: 'ttm' }, call)
  t.match(requests, [{ path: '/stocks/financials/v1/cash-flow-statements', query: { timeframe: 'trailing_twelve_months' } }])
  t.match(data[0], {
    fiscal_period: 'TTM',
    operating_cash_flow: 950_000_000,
    capital_expenditure: -300_000_000,
    free_cash_flow: 650_000_000,
    dividends_paid: -100_000_000,
    debt_issued: null,
    debt_repaid: null,
    shares_repurchased: null,
    net_change_in_cash: 230_000_000
  })
  t.match(data[1], { fiscal_year: null, filed_at: null, capital_expenditure: null, free_cash_flow: null })
  t.same(faults(CashFlowSchema, data), [])
})

test('a plan without standardised statements gets the ones read out of filings', async t => {
  const { call, requests } = ask(({ path }) => {
    if (path !== '/vX/reference/financials') throw refused()
    return fixture('filed-financials')
  })
  for (const statement of STATEMENTS) {
    const { data } = await financials!.fetch({ instrument: ACME, statement, period: 'quarter', limit: 500 }, call)
    t.same(faults(STATEMENT_SCHEMAS[statement], data), [])
    t.match(data[0], { symbol: 'ACME', period_end: '2025-09-30', fiscal_year: 2025, fiscal_period: 'Q3', filed_at: '2025-11-04', currency: 'USD' })
    if (statement !== 'income') t.equal(data.length, 1)
  }
  t.match(requests[1], { path: '/vX/reference/financials', query: { ticker: 'ACME', timeframe: 'quarterly', sort: 'period_of_report_date', order: 'desc', limit: 100 } })
  const { data, currency } = await financials!.fetch({ ...income, period: 'ttm' }, call)
  t.equal(requests.at(-1)?.query?.timeframe, 'ttm')
  t.match(data, [
    {
      revenue: 1_000_000_000,
      net_income: 180_000_000,
      operating_expenses: 170_000_000,
      interest_expense: 12_000_000,
      eps_diluted: 1.8,
      shares_diluted: 100_000_000
    },
    { revenue: 950_000_000, fiscal_year: null, fiscal_period: null, currency: 'CAD' }
  ])
  t.equal(currency, null)
})

test('statements that the plan has in no way, or that failed, are thrown', async t => {
  const { call, requests } = ask(() => { throw refused() })
  t.equal(await codeThrown(financials!.fetch(income, call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(requests.length, 2)
  const aborted = ask(() => { throw new Error('aborted') })
  t.equal(await codeThrown(financials!.fetch(income, aborted.call)), 'INTERNAL')
  t.equal(aborted.requests.length, 1)
})

test('a company without fundamentals is not known, and one of another name is malformed', async t => {
  const none = answering({ status: 'OK', results: [] })
  const other = answering({ status: 'OK', results: [{ tickers: ['WRONG'], ticker: 'WRONG', period_end: '2025-12-31', date: '2025-12-31' }] })
  for (const [call, code] of [[none, 'SYMBOL_NOT_FOUND'], [other, 'PROVIDER_MALFORMED'], [answering([]), 'PROVIDER_MALFORMED']] as const) {
    t.equal(await codeThrown(financials!.fetch(income, call)), code)
    t.equal(await codeThrown(keyMetrics!.fetch({ instrument: ACME }, call)), code)
    t.equal(await codeThrown(earnings!.fetch({ instrument: ACME, limit: 5 }, call)), code)
  }
  await t.rejects(financials!.fetch({ ...income, statement: 'balance' }, none), { message: 'Polygon knows no balance sheets of ACME.' })
})

test('ratios are fractions, of a day’s close', async t => {
  const { call, requests } = ask(() => fixture('ratios'))
  const answer = await keyMetrics!.fetch({ instrument: ACME }, call)
  t.same(requests, [{ path: '/stocks/financials/v1/ratios', query: { ticker: 'ACME', limit: 1 }, plan_line: 'stock' }])
  t.match(answer.data, {
    symbol: 'ACME',
    currency: 'USD',
    market_cap: 14_000_000_000,
    pe: 20,
    eps: 7,
    dividend_yield: 0.0071,
    roe: 0.54,
    current_ratio: 1.67,
    quick_ratio: 1.2,
    debt_to_equity: 0.39,
    gross_margin: null,
    beta: null
  })
  t.match(answer, { as_of: '2026-03-03T21:00:00Z', currency: 'USD' })
  t.same(faults(KeyMetricsSchema, [answer.data]), [])
  const today = await keyMetrics!.fetch({ instrument: ACME }, answering({ status: 'OK', results: [{ date: '2026-03-04', price_to_earnings: 0 }] }))
  t.match(today, { as_of: '2026-03-04T15:00:00Z', data: { pe: null, market_cap: null } })
  t.equal((await keyMetrics!.fetch({ instrument: ACME }, answering({ status: 'OK', results: [{}] }))).as_of, null)
})

test('earnings come with the next report, and their surprise in percent', async t => {
  const { call, requests } = ask(() => fixture('benzinga-earnings'))
  const own = fixture('benzinga-earnings').results.slice(0, 3)
  const answer = await earnings!.fetch({ instrument: ACME, limit: 3 }, answering({ status: 'OK', results: own }))
  t.same(answer.data[0], {
    symbol: 'ACME',
    date: '2026-04-28',
    time: 'amc',
    period_end: null,
    fiscal_year: 2026,
    fiscal_quarter: 1,
    eps_estimate: 1.6,
    eps_actual: null,
    eps_surprise_percent: null,
    revenue_estimate: 980_000_000,
    revenue_actual: null,
    currency: 'USD'
  })
  t.match(answer.data[1], { time: 'bmo', fiscal_quarter: 4, eps_actual: 1.8, eps_surprise_percent: 20 })
  t.match(answer.data[2], { time: null, fiscal_quarter: null, eps_estimate: 0, eps_surprise_percent: null })
  t.match(answer, { as_of: '2026-03-01T09:00:00Z', currency: 'USD' })
  t.same(faults(EarningsSchema, answer.data), [])
  t.equal(await codeThrown(earnings!.fetch({ instrument: ACME, limit: 3 }, call)), 'PROVIDER_MALFORMED')
  t.same(requests, [{ path: '/benzinga/v1/earnings', query: { ticker: 'ACME', sort: 'date.desc', limit: 3 }, plan_line: 'stock' }])
})

test('a calendar of earnings is by day and symbol, over as many pages as it takes', async t => {
  const page = (cursor: string, ...rows: object[]) =>
    ({ status: 'OK', results: rows, next_url: `https://api.massive.com/benzinga/v1/earnings?cursor=${cursor}` })
  const on = (date: string, ticker: string, time = '12:00') => ({ date, ticker, time, currency: ticker === 'B' ? 'EUR' : 'odd' })
  const { call, requests } = ask(({ query }) => query?.cursor
    ? page('2', on('2026-03-05', 'C'), on('2026-03-06', 'D'))
    : page('1', on('2026-03-05', 'B'), on('2026-03-05', 'A'), on('2026-03-04', 'Z'), on('2026-03-05', 'ACMEpA'), { ticker: 'N' }))
  const answer = await calendar!.fetch({ from: '2026-03-05', to: '2026-03-06', limit: 3 }, call)
  t.same(answer.data.map(({ symbol }) => symbol), ['A', 'B', 'C'])
  t.match(answer.data[0], { time: 'dmh', currency: null })
  t.match(answer, { as_of: null, currency: null })
  t.same(requests, [
    { path: '/benzinga/v1/earnings', query: { 'date.gte': '2026-03-05', 'date.lte': '2026-03-06', sort: 'date.asc,ticker.asc', limit: 3 }, plan_line: 'stock' },
    { path: '/benzinga/v1/earnings', query: { cursor: '1' }, plan_line: 'stock' }
  ])
  t.same((await calendar!.fetch({ from: '2026-03-05', to: '2026-03-06', limit: 3 }, answering({ status: 'OK', results: null }))).data, [])
})

test('a next page of something else is not followed', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', results: [], next_url: 'https://api.massive.com/benzinga/v1/guidance?cursor=1' }))
  t.equal(await codeThrown(earnings!.fetch({ instrument: parseSymbol('ACME'), limit: 3 }, call)), 'PROVIDER_MALFORMED')
  t.equal(requests.length, 1)
})
