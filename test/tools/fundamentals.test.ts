import { test } from 'tap'
import {
  BalanceSheetSchema, EarningsSchema, IncomeStatementSchema, KeyMetricsSchema,
  type Earnings, type FinancialStatement, type IncomeStatement, type KeyMetrics
} from '../../schemas/fundamentals.ts'
import { getEarnings, getFinancials, getKeyMetrics } from '../../tools/fundamentals.ts'
import { ask, toRow } from './fake-tool-call.ts'

const yearOf = (year: number, fields: Partial<IncomeStatement> = {}) => toRow<IncomeStatement>(IncomeStatementSchema, {
  symbol: 'AAPL',
  period_end: `${year}-09-30`,
  fiscal_year: year,
  fiscal_period: 'FY',
  currency: 'USD',
  revenue: year * 1e8,
  ...fields
})

test('statements state their symbol and currency once, and no column that is empty throughout', async t => {
  const { asked, fetched, shown, text } = await ask(getFinancials, { symbol: 'aapl' }, {
    financials: () => ({ data: [2025, 2024].map(year => yearOf(year)) })
  })
  t.match(asked, [{
    capability: 'financials',
    input: { instrument: { symbol: 'AAPL' }, statement: 'income', period: 'annual', limit: 5 }
  }])
  t.same(shown.data, {
    symbol: 'AAPL',
    statement: 'income',
    period: 'annual',
    currency: 'USD',
    columns: {
      period_end: ['2025-09-30', '2024-09-30'], fiscal_year: [2025, 2024], fiscal_period: ['FY', 'FY'], revenue: [2025e8, 2024e8]
    }
  })
  t.equal(fetched.meta.currency, 'USD')
  t.match(text, /^Financial statements, symbol AAPL, statement income, period annual, currency USD\nperiod_end,/)
})

test('statements in two currencies keep the column', async t => {
  const { fetched, shown } = await ask(getFinancials, { symbol: 'TSM' }, {
    financials: () => ({ data: [yearOf(2025), yearOf(2024, { currency: 'TWD' })] })
  })
  t.same(shown.data.columns.currency, ['USD', 'TWD'])
  t.notOk('currency' in shown.data)
  t.notOk('currency' in fetched.meta)
})

test('four statements and one more are asked for as five, for free plans refuse more', async t => {
  const limitFor = async (limit: number) => {
    const { asked } = await ask(getFinancials, { symbol: 'AAPL', limit }, { financials: () => ({ data: [] }) })
    return asked[0]!.input['limit']
  }
  t.same(await Promise.all([1, 4, 5, 19, 20, 50, 100].map(limitFor)), [5, 5, 20, 20, 50, 200, 200])
})

test('columns are those of the statement, and fields may name the ones that the header states', async t => {
  const balance = { financials: () => ({ data: [toRow<FinancialStatement>(BalanceSheetSchema, { symbol: 'AAPL', currency: 'USD' })] }) }
  await t.rejects(ask(getFinancials, { symbol: 'AAPL', statement: 'balance', fields: ['revenue'] }, balance),
    { code: 'FMS_INVALID_INPUT', message: /no field "revenue"\. It has period_end, .*total_assets/ })
  const { shown } = await ask(getFinancials, { symbol: 'AAPL', statement: 'balance', fields: ['currency', 'equity'], format: 'records' }, balance)
  t.same(shown.data.statements, [{ currency: 'USD', equity: null }])
})

test('key metrics are one object, in their own currency', async t => {
  const metrics = toRow<KeyMetrics>(KeyMetricsSchema, { symbol: 'AAPL', currency: 'USD', pe: 31.2, net_margin: 0.24 })
  const { fetched, shown } = await ask(getKeyMetrics, { symbol: 'AAPL' }, { key_metrics: () => ({ data: metrics, as_of: '2026-11-19T21:00:00Z' }) })
  t.same(shown.data, metrics)
  t.match(fetched.meta, { provider: 'fmp', as_of: '2026-11-19T21:00:00Z', currency: 'USD' })
})

test('only a company has statements, metrics and earnings', async t => {
  for (const tool of [getFinancials, getKeyMetrics, getEarnings]) {
    await t.rejects(ask(tool, { symbol: 'BTC/USD' }, {}), { code: 'FMS_INVALID_INPUT', message: /BTC\/USD is not a company \(crypto\)/ })
  }
})

test('the next report of earnings has estimates, and null for what is not known yet', async t => {
  const report = (fields: Partial<Earnings>) => toRow<Earnings>(EarningsSchema, { symbol: 'AAPL', currency: 'USD', ...fields })
  const { asked, shown } = await ask(getEarnings, { symbol: 'AAPL' }, {
    earnings: () => ({ data: [report({ date: '2027-01-28', eps_estimate: 2.5 }), report({ date: '2026-10-29', eps_estimate: 1.7, eps_actual: 1.8 })] })
  })
  t.equal(asked[0]!.input['limit'], 50)
  t.same(shown.data, {
    symbol: 'AAPL',
    currency: 'USD',
    columns: { date: ['2027-01-28', '2026-10-29'], eps_estimate: [2.5, 1.7], eps_actual: [null, 1.8] }
  })
})
