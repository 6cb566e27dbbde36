import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { Type, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { fmp } from '../../providers/fmp/index.ts'
import type { ProviderRequest } from '../../providers/types.ts'
import { EarningsSchema, KeyMetricsSchema, STATEMENT_SCHEMAS } from '../../schemas/fundamentals.ts'
import { fakeCall } from './fake-call.ts'

const fixture = (name: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/fmp/${name}.json`, import.meta.url), 'utf8'))
const fits = (schema: TSchema, value: unknown) => Value.Check(schema, value)
const { financials, key_metrics: keyMetrics, earnings, earnings_calendar: calendar } = fmp.capabilities
const nova = parseSymbol('NOVA')
const code = (name: string) => ({ code: `FMS_${name}` })
const notEntitled = () => problem('PROVIDER_NOT_ENTITLED', 'not in the plan', { provider: 'fmp' })
const byPath = ({ path }: ProviderRequest) => fixture(path.slice(1))
const annual = { instrument: nova, statement: 'income', period: 'annual', limit: 4 } as const

test('statements come newest first, without the empty and the undated', async t => {
  const { call, requests } = fakeCall(byPath)
  const answer = await financials!.fetch(annual, call)
  t.same(requests, [{ path: '/income-statement', query: { symbol: 'NOVA', period: 'annual', limit: 4 }, plan_line: 'stock, annual' }])
  t.same(answer.data.map(({ period_end: end }) => end), ['2024-12-31', '2023-12-31'])
  t.same(answer.data[0], {
    symbol: 'NOVA',
    period_end: '2024-12-31',
    fiscal_year: 2024,
    fiscal_period: 'FY',
    filed_at: '2025-02-19',
    currency: 'USD',
    revenue: 1000000000,
    cost_of_revenue: 610000000,
    gross_profit: 390000000,
    research_and_development: null,
    selling_general_admin: 120000000,
    operating_expenses: 150000000,
    operating_income: 240000000,
    interest_expense: null,
    pretax_income: 245000000,
    income_tax: 0,
    net_income: 245000000,
    eps_basic: 2.45,
    eps_diluted: 2.4,
    shares_basic: 100000000,
    shares_diluted: 102000000,
    ebitda: 285000000
  })
  t.equal(answer.as_of, '2025-02-19T21:30:05Z', 'accepted at, by the clock of New York')
  t.equal(answer.currency, 'USD')
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.income), answer.data))
  t.equal((await financials!.fetch({ ...annual, limit: 1 }, call)).data.length, 1)
})

test('a balance sheet without debt says so, and lines that it lacks are null', async t => {
  const { call } = fakeCall(byPath)
  const { data } = await financials!.fetch({ ...annual, statement: 'balance' }, call)
  t.match(data, [{
    total_debt: 0, long_term_debt: null, goodwill: null, inventory: null, equity: 4e8, retained_earnings: -12e6
  }])
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.balance), data))
})

test('twelve months have lists of their own, without a period to ask for', async t => {
  const { call, requests } = fakeCall(byPath)
  const { data } = await financials!.fetch({ ...annual, statement: 'cash_flow', period: 'ttm' }, call)
  t.same(requests, [{ path: '/cash-flow-statement-ttm', query: { symbol: 'NOVA', limit: 4 }, plan_line: 'stock' }])
  t.match(data, [{ fiscal_period: 'TTM', fiscal_year: 2024, capital_expenditure: -70000000, acquisitions: null }])
  t.ok(fits(Type.Array(STATEMENT_SCHEMAS.cash_flow), data))
})

test('where a plan refuses many rows, five are asked for', async t => {
  const { call, requests } = fakeCall(request => {
    if (Number(request.query?.limit) > 5) throw notEntitled()
    return byPath(request)
  })
  t.equal((await financials!.fetch({ ...annual, limit: 20 }, call)).data.length, 2)
  t.same(requests.map(({ query, plan_line: line }) => [query?.limit, line]),
    [[20, 'stock, annual, over 5 rows'], [5, 'stock, annual']])
  const used = problem('PROVIDER_QUOTA', 'used up', { provider: 'fmp' })
  const quota = fakeCall(() => { throw used })
  await t.rejects(financials!.fetch({ ...annual, limit: 20 }, quota.call), code('PROVIDER_QUOTA'))
  t.equal(quota.requests.length, 1)
})

test('statements of nobody, of another company or of an odd shape', async t => {
  const fetchOf = (body: unknown, symbol = 'NOVA') =>
    financials!.fetch({ ...annual, instrument: parseSymbol(symbol) }, fakeCall(() => body).call)
  await t.rejects(fetchOf([]), { ...code('SYMBOL_NOT_FOUND'), message: 'fmp knows no income statements of NOVA.' })
  await t.rejects(fetchOf([{ symbol: 'NOVA', date: '2024-12-31', revenue: 0 }]), code('SYMBOL_NOT_FOUND'))
  await t.rejects(fetchOf(fixture('income-statement'), 'ELSE'), code('PROVIDER_MALFORMED'))
  await t.rejects(fetchOf({}), code('PROVIDER_MALFORMED'))
  const { data, as_of: asOf } = await fetchOf([{ date: '2024-12-31', revenue: '5', fiscalYear: 'FY24', period: 'H1' }])
  t.match(data, [{ symbol: 'NOVA', revenue: 5, fiscal_year: null, fiscal_period: null, currency: null }])
  t.equal(asOf, null)
})

const profile = (changes: object = {}) => [{ ...fixture('profile')[0], range: '28.5-60', beta: 0.8, ...changes }]

test('metrics join three lists', async t => {
  const { call, requests } = fakeCall(request => request.path === '/profile' ? profile() : byPath(request))
  const { data, currency } = await keyMetrics!.fetch({ instrument: nova }, call)
  t.same(requests.map(({ path }) => path).sort(), ['/key-metrics-ttm', '/profile', '/ratios-ttm'])
  t.ok(requests.every(({ plan_line: line }) => line === 'stock'))
  t.same(data, {
    symbol: 'NOVA',
    currency: 'USD',
    market_cap: 4150000000,
    enterprise_value: 4070000000,
    pe: 16.94,
    forward_pe: null,
    peg: 1.7,
    pb: 10.4,
    ps: 4.15,
    ev_to_ebitda: 14.28,
    ev_to_sales: 4.07,
    eps: 2.45,
    book_value_per_share: 4,
    dividend_yield: 0.0072,
    dividend_per_share: 0.3,
    payout_ratio: 0.12,
    gross_margin: 0.39,
    operating_margin: 0.24,
    net_margin: 0.245,
    roe: 0.61,
    roa: 0.52,
    roic: 0.55,
    current_ratio: 2.33,
    quick_ratio: 2.1,
    debt_to_equity: 0,
    interest_coverage: null,
    revenue_growth: null,
    eps_growth: null,
    beta: 0.8,
    high_52w: 60,
    low_52w: 28.5
  })
  t.equal(currency, 'USD')
  t.ok(fits(KeyMetricsSchema, data))
})

test('metrics do without a list that is refused, but not without both', async t => {
  const without = (...refused: string[]) => keyMetrics!.fetch({ instrument: nova }, fakeCall(request => {
    if (refused.includes(request.path)) throw notEntitled()
    return request.path === '/profile' ? profile() : byPath(request)
  }).call)
  t.match((await without('/key-metrics-ttm')).data, { market_cap: 830000000, enterprise_value: 4070000000, pe: 16.94, roe: null })
  const alone = (await without('/ratios-ttm', '/profile')).data
  t.match(alone, { roe: 0.61, pe: null, beta: null, high_52w: null, currency: null })
  t.ok(fits(KeyMetricsSchema, alone))
  await t.rejects(without('/key-metrics-ttm', '/ratios-ttm'), code('PROVIDER_NOT_ENTITLED'))
})

test('metrics of nobody, of another company and of a depositary receipt', async t => {
  const fetchOf = (answers: (path: string) => unknown) =>
    keyMetrics!.fetch({ instrument: nova }, fakeCall(({ path }) => answers(path)).call)
  await t.rejects(fetchOf(() => []), { message: 'fmp knows no key metrics of NOVA.' })
  await t.rejects(fetchOf(path => path === '/profile' ? profile() : [{ symbol: 'NOVA', marketCap: 0 }]), code('SYMBOL_NOT_FOUND'))
  await t.rejects(fetchOf(() => [{ symbol: 'WRONG', marketCap: 5 }]), code('PROVIDER_MALFORMED'))
  await t.rejects(fetchOf(path => {
    if (path === '/ratios-ttm') throw notEntitled()
    return []
  }), code('PROVIDER_NOT_ENTITLED'), 'what was refused may have had some')
  const { data } = await fetchOf(path => path === '/profile' ? profile({ isAdr: true, range: null }) : fixture(path.slice(1)))
  t.match(data, { currency: null, low_52w: null })
  const gone = new DOMException('gone', 'AbortError')
  await t.rejects(fetchOf(() => { throw gone }), { name: 'AbortError' })
  await t.rejects(fetchOf(path => { if (path === '/profile') throw gone; return fixture(path.slice(1)) }), { name: 'AbortError' })
})

test('earnings begin with the next report, and surprises are in percent of the estimate', async t => {
  const { call, requests } = fakeCall(byPath)
  const { data } = await earnings!.fetch({ instrument: nova, limit: 3 }, call)
  t.same(requests, [{ path: '/earnings', query: { symbol: 'NOVA', limit: 3 }, plan_line: 'stock' }])
  t.same(data[0], {
    symbol: 'NOVA',
    date: '2025-05-06',
    time: null,
    period_end: null,
    fiscal_year: null,
    fiscal_quarter: null,
    eps_estimate: 0.55,
    eps_actual: null,
    eps_surprise_percent: null,
    revenue_estimate: 262000000,
    revenue_actual: null,
    currency: null
  })
  t.match(data[1], { eps_surprise_percent: 10, revenue_estimate: null, revenue_actual: 270000000 })
  t.match(data[2], { eps_surprise_percent: -50 }, 'a loss that is larger than expected')
  t.ok(fits(Type.Array(EarningsSchema), data))
  t.equal((await earnings!.fetch({ instrument: nova, limit: 1 }, call)).data.length, 1)
  const fetchOf = (body: unknown) => earnings!.fetch({ instrument: nova, limit: 9 }, fakeCall(() => body).call)
  await t.rejects(fetchOf([]), { message: 'fmp knows no earnings of NOVA.' })
  await t.rejects(fetchOf([{ symbol: 'WRONG', date: '2025-05-06' }]), code('PROVIDER_MALFORMED'))
})

test('the calendar of earnings is asked for by the week, and holds to its window', async t => {
  const { call, requests } = fakeCall(({ query }) => query?.from === '2025-03-15' ? fixture('earnings-calendar') : [])
  const { data } = await calendar!.fetch({ from: '2025-03-15', to: '2025-03-25', limit: 100 }, call)
  t.same(requests, [
    { path: '/earnings-calendar', query: { from: '2025-03-15', to: '2025-03-21' }, plan_line: 'stock' },
    { path: '/earnings-calendar', query: { from: '2025-03-22', to: '2025-03-25' }, plan_line: 'stock' }
  ])
  t.same(data.map(({ date, symbol }) => [date, symbol]),
    [['2025-03-18', 'GRN.ST'], ['2025-03-18', 'NOVA.B'], ['2025-03-20', 'ZINC']])
  t.ok(fits(Type.Array(EarningsSchema), data))
  requests.length = 0
  t.equal((await calendar!.fetch({ from: '2025-03-15', to: '2025-12-31', limit: 2 }, call)).data.length, 2)
  t.equal(requests.length, 1, 'enough is enough')
  await t.rejects(calendar!.fetch({ from: '2023-01-01', to: '2024-12-31', limit: 5 }, call), code('PROVIDER_NOT_ENTITLED'))
  t.match(requests[1], { plan_line: 'stock over 2 years' })
  await t.rejects(calendar!.fetch({ from: '2025-03-15', to: '2025-03-15', limit: 2 }, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})

/** A calendar of `perDay` reports a day, which cuts as FMP does: 4000 rows a page, the latest days first. */
function seasonOf (perDay: number) {
  return fakeCall(({ query }) => {
    const rows: { symbol: string, date: string }[] = []
    for (let day = Date.parse(String(query?.to)); day >= Date.parse(String(query?.from)); day -= 86_400_000) {
      const date = new Date(day).toISOString().slice(0, 10)
      for (let n = 0; n < perDay; n++) rows.push({ symbol: `S${n}`, date })
    }
    const page = Number(query?.page ?? 0)
    return rows.slice(page * 4000, (page + 1) * 4000)
  })
}

test('days that a full calendar has lost are asked for again', async t => {
  const week = { from: '2025-04-28', to: '2025-05-04', limit: 10_000 }
  const busy = seasonOf(900)
  const { data } = await calendar!.fetch(week, busy.call)
  t.equal(data.length, 6300)
  t.equal(new Set(data.map(({ date, symbol }) => `${date} ${symbol}`)).size, 6300)
  t.same(busy.requests.map(({ query }) => [query?.from, query?.to]),
    [['2025-04-28', '2025-05-04'], ['2025-04-28', '2025-04-30']])

  const crowded = seasonOf(4500)
  const twoDays = await calendar!.fetch({ from: '2025-04-28', to: '2025-04-29', limit: 10_000 }, crowded.call)
  t.equal(twoDays.data.length, 9000)
  t.same(crowded.requests.map(({ query }) => [query?.from, query?.to, query?.page]), [
    ['2025-04-28', '2025-04-29', undefined],
    ['2025-04-29', '2025-04-29', undefined],
    ['2025-04-29', '2025-04-29', 1],
    ['2025-04-28', '2025-04-28', undefined],
    ['2025-04-28', '2025-04-28', 1]
  ])

  const early = fakeCall(() => Array.from({ length: 4000 }, (_, n) => ({ symbol: `S${n}`, date: n === 0 ? '2025-04-27' : '2025-04-28' })))
  t.equal((await calendar!.fetch(week, early.call)).data.length, 3999)
  t.equal(early.requests.length, 1, 'the cut lies before the window')
  const undated = fakeCall(() => Array.from({ length: 4000 }, () => ({ symbol: 'S' })))
  t.same((await calendar!.fetch({ ...week, to: week.from }, undated.call)).data, [])
})
