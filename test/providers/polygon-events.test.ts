import { test } from 'tap'
import { polygon } from '../../providers/polygon/index.ts'
import type { ProviderRequest } from '../../providers/types.ts'
import {
  CorporateActionSchema, EconomicSeriesSchema, FilingSchema, INDICATORS, MarketHolidaySchema, type EconomicIndicator
} from '../../schemas/events.ts'
import { ACME, answering, ask, codeThrown, faults, fixture, refused } from '../fixtures/polygon/setup.ts'

const {
  corporate_actions: actions, economic_indicator: indicator, filings, market_calendar: calendar
} = polygon.capabilities
const year = { from: '2025-01-01', to: '2025-12-31' }
const both = { instrument: ACME, ...year, types: ['dividend', 'split'] as const, limit: 10 }
const actionsOf = ({ path }: ProviderRequest) => fixture(path.split('/').at(-1)!)

test('dividends and splits come newest first, as they were paid', async t => {
  const { call, requests } = ask(actionsOf)
  const answer = await actions!.fetch(both, call)
  t.same(requests, [
    {
      path: '/stocks/v1/dividends',
      query: { ticker: 'ACME', 'ex_dividend_date.gte': '2025-01-01', 'ex_dividend_date.lte': '2025-12-31', sort: 'ex_dividend_date.desc', limit: 10 },
      plan_line: 'stock over 1 year'
    },
    {
      path: '/stocks/v1/splits',
      query: { ticker: 'ACME', 'execution_date.gte': '2025-01-01', 'execution_date.lte': '2025-12-31', sort: 'execution_date.desc', limit: 10 },
      plan_line: 'stock over 1 year'
    }
  ])
  t.same(answer.data.map(({ type, ex_date: day }) => [type, day]), [
    ['dividend', '2025-08-11'], ['split', '2025-06-02'], ['dividend', '2025-03-03'], ['dividend', '2025-02-03']
  ])
  t.same(answer.data[0], {
    type: 'dividend',
    symbol: 'ACME',
    ex_date: '2025-08-11',
    record_date: '2025-08-11',
    pay_date: '2025-08-20',
    declaration_date: '2025-07-20',
    amount: 0.5,
    currency: 'USD',
    frequency: 4,
    special: false,
    split_from: null,
    split_to: null
  })
  t.match(answer.data[1], { split_from: 1, split_to: 2, amount: null })
  t.same(answer.data.slice(2).map(({ special, frequency }) => [special, frequency]), [[true, 0], [null, null]])
  t.equal(answer.currency, 'USD')
  t.same(faults(CorporateActionSchema, answer.data), [])
})

test('only the kinds asked for are asked for, and a limit holds for both together', async t => {
  const { call, requests } = ask(actionsOf)
  t.same((await actions!.fetch({ ...both, types: ['split'] }, call)).data.map(({ type }) => type), ['split'])
  t.same((await actions!.fetch({ ...both, types: ['dividend'], limit: 1 }, call)).data.map(({ amount }) => amount), [0.5])
  t.same(requests.map(({ path }) => path), ['/stocks/v1/splits', '/stocks/v1/dividends'])
  t.same((await actions!.fetch({ ...both, limit: 2 }, call)).data.map(({ type }) => type), ['dividend', 'split'])
  t.same((await actions!.fetch(both, answering({ status: 'OK', results: [] }))).data, [])
})

test('half an answer about actions is none: it would say that the other half did not happen', async t => {
  const { call } = ask(request => {
    if (request.path.endsWith('splits')) throw refused()
    return actionsOf(request)
  })
  t.equal(await codeThrown(actions!.fetch(both, call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(await codeThrown(actions!.fetch(both, answering({ status: 'OK', results: [{ ticker: 'WRONG' }] }))), 'PROVIDER_MALFORMED')
})

const ask1 = (name: EconomicIndicator) => ({ indicator: name, from: '2026-01-01', to: '2026-12-31', limit: 10 })

test('treasury rates are a curve of what is known on a day', async t => {
  const { call, requests } = ask(() => fixture('treasury-yields'))
  const { data } = await indicator!.fetch(ask1('treasury_rates'), call)
  t.same(requests, [{
    path: '/fed/v1/treasury-yields',
    query: { 'date.gte': '2026-01-01', 'date.lte': '2026-12-31', sort: 'date.desc', limit: 10 },
    plan_line: 'stock'
  }])
  t.match(data, { indicator: 'treasury_rates', unit: 'percent', country: 'US' })
  t.same(data.points.map(({ date }) => date), ['2026-03-03', '2026-02-27'])
  t.match(data.points[0], { '1m': 4.1, '2m': null, '3m': 4.05, '1y': 3.9, '10y': 4.2, '30y': null })
  t.same(faults(EconomicSeriesSchema, [data]), [])
})

test('a series has the points that have its value', async t => {
  const { call, requests } = ask(({ path }) => path.endsWith('inflation')
    ? fixture('inflation')
    : { status: 'OK', results: [{ date: '2026-02-01', unemployment_rate: 4.2, market_10_year: 2.36 }, { date: '2026-03-01', unemployment_rate: 4.3, market_10_year: 2.4 }, { value: 1 }] })
  const pointsOf = async (name: EconomicIndicator) => {
    const { data } = await indicator!.fetch({ ...ask1(name), from: '2025-01-01' }, call)
    t.same(faults(EconomicSeriesSchema, [data]), [])
    return [data.unit, ...data.points.map(({ date, value }) => [date, value])]
  }
  t.same(await pointsOf('cpi'), ['index', ['2026-01-01', 325.1], ['2025-12-01', 324.2]])
  t.same(await pointsOf('inflation'), ['percent', ['2026-01-01', 2.7]])
  t.same(await pointsOf('unemployment_rate'), ['percent', ['2026-03-01', 4.3], ['2026-02-01', 4.2]])
  t.same(await pointsOf('inflation_expectation'), ['percent', ['2026-03-01', 2.4], ['2026-02-01', 2.36]])
  t.same(requests.map(({ path }) => path.slice(8)), ['inflation', 'inflation', 'labor-market', 'inflation-expectations'])
  t.same((await indicator!.fetch(ask1('cpi'), answering({ status: 'OK' }))).data.points, [])
})

test('series that Polygon lacks are left to others', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', results: [] }))
  const codes = await Promise.all(INDICATORS.map(name => codeThrown(indicator!.fetch(ask1(name), call))))
  t.equal(codes.filter(code => code === 'PROVIDER_NOT_ENTITLED').length, INDICATORS.length - 5)
  t.equal(requests.length, 5)
})

test('filings are those of the form and the window, newest first', async t => {
  const { call, requests } = ask(() => fixture('edgar-index'))
  const { data } = await filings!.fetch({ instrument: ACME, from: '2026-01-01', to: '2026-12-31', form: '10-K', limit: 20_000 }, call)
  t.same(requests, [{
    path: '/stocks/filings/vX/index',
    query: { ticker: 'ACME', form_type: '10-K', 'filing_date.gte': '2026-01-01', 'filing_date.lte': '2026-12-31', sort: 'filing_date.desc', limit: 10_000 },
    plan_line: 'stock'
  }])
  t.same(data.map(({ form, filed_at: at }) => [form, at]), [['8-K', '2026-02-12'], ['10-K', '2026-02-10']])
  t.same(data[1], {
    symbol: 'ACME',
    form: '10-K',
    filed_at: '2026-02-10',
    accepted_at: null,
    period_end: null,
    accession: '0000001234-26-000010',
    cik: '0000001234',
    url: 'https://www.sec.gov/Archives/edgar/data/1234/0000001234-26-000010.txt'
  })
  t.same(faults(FilingSchema, data), [])
  const window = { instrument: ACME, from: '2026-01-01', to: '2026-12-31', limit: 5 }
  t.same((await filings!.fetch(window, answering({ status: 'OK', results: [] }))).data, [])
  t.equal(await codeThrown(filings!.fetch(window, answering({ status: 'OK', results: [{ ticker: 'WRONG' }] }))), 'PROVIDER_MALFORMED')
})

test('the calendar has each closing once, in New York’s hours', async t => {
  const { call, requests } = ask(() => fixture('upcoming'))
  const { data } = await calendar!.fetch({ from: '2026-11-01', to: '2026-12-31' }, call)
  t.same(requests, [{ path: '/v1/marketstatus/upcoming' }])
  t.same(data, [
    { date: '2026-11-26', name: 'Thanksgiving Day', status: 'closed', open: null, close: null },
    { date: '2026-11-27', name: 'Thanksgiving', status: 'early_close', open: '09:30', close: '13:00' },
    { date: '2026-12-24', name: 'Christmas Eve', status: 'early_close', open: null, close: null }
  ])
  t.same(faults(MarketHolidaySchema, data), [])
  t.same((await calendar!.fetch({ from: '2026-01-01', to: '2026-01-31' }, call)).data, [])
  t.equal(await codeThrown(calendar!.fetch(year, answering({ status: 'OK' }))), 'PROVIDER_MALFORMED')
})
