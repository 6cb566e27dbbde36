import { test } from 'tap'
import { Type } from 'typebox'
import { parseSymbol } from '../../market/symbols.ts'
import { addDays } from '../../market/time.ts'
import { finnhub } from '../../providers/finnhub/index.ts'
import {
  CorporateActionSchema, EconomicEventSchema, EconomicSeriesSchema, FilingSchema, INDICATORS, MarketHolidaySchema
} from '../../schemas/events.ts'
import { code, fits, fixture, NOVA, refused } from '../fixtures/finnhub/setup.ts'
import { fakeCall } from './fake-call.ts'

const {
  corporate_actions: corporateActions, economic_calendar: economicCalendar, economic_indicator: economicIndicator,
  filings, market_calendar: marketCalendar
} = finnhub.capabilities

const ACTIONS: Record<string, unknown> = { '/stock/dividend': fixture('dividend'), '/stock/split': fixture('split') }
const actions = { instrument: NOVA, from: '2024-03-14', to: '2025-03-14', types: ['dividend', 'split'] as const, limit: 10 }

test('dividends are as paid, with payouts a year; splits say old and new shares; the latest come first', async t => {
  const { call, requests } = fakeCall(({ path }) => ACTIONS[path])
  const { data, currency } = await corporateActions!.fetch(actions, call)
  const query = { symbol: 'NOVA', from: '2024-03-14', to: '2025-03-14' }
  t.same(requests, [
    { path: '/stock/dividend', query, plan_line: 'stock' }, { path: '/stock/split', query, plan_line: 'stock' }
  ])
  t.same(data, [{
    type: 'dividend',
    symbol: 'NOVA',
    ex_date: '2025-03-03',
    record_date: '2025-03-04',
    pay_date: '2025-03-20',
    declaration_date: null,
    amount: 0.16,
    currency: 'USD',
    frequency: 4,
    special: null,
    split_from: null,
    split_to: null
  }, {
    type: 'split',
    symbol: 'NOVA',
    ex_date: '2024-09-09',
    record_date: null,
    pay_date: null,
    declaration_date: null,
    amount: null,
    currency: null,
    frequency: null,
    special: null,
    split_from: 1,
    split_to: 2
  }, {
    type: 'dividend',
    symbol: 'NOVA',
    ex_date: '2024-06-03',
    record_date: '2024-06-04',
    pay_date: '2024-06-20',
    declaration_date: '2024-05-10',
    amount: 0.3,
    currency: 'USD',
    frequency: 4,
    special: null,
    split_from: null,
    split_to: null
  }])
  t.equal(currency, 'USD')
  t.ok(fits(Type.Array(CorporateActionSchema), data))
  t.same((await corporateActions!.fetch({ ...actions, limit: 1 }, call)).data.map(row => row.ex_date), ['2025-03-03'])
})

test('only the kinds that are wanted are asked for, and one that is refused is not an empty one', async t => {
  const { call, requests } = fakeCall(({ path }) => ACTIONS[path])
  const { data } = await corporateActions!.fetch({ ...actions, types: ['dividend'], from: '2015-01-01' }, call)
  t.same(requests.map(({ path, plan_line: line }) => [path, line]), [['/stock/dividend', 'stock over 10 years']])
  t.same(data.map(row => [row.ex_date, row.frequency]), [['2025-03-03', 4], ['2024-06-03', 4], ['2019-03-03', 1]])
  const half = fakeCall(({ path }) => {
    if (path === '/stock/dividend') throw refused()
    return ACTIONS[path]
  })
  await t.rejects(corporateActions!.fetch(actions, half.call), code('PROVIDER_NOT_ENTITLED'))
  t.same((await corporateActions!.fetch(actions, fakeCall(() => []).call)).data, [], 'none is a fact')
  const other = fakeCall(() => [{ symbol: '9999.TW', date: '2025-03-03', amount: 3 }])
  await t.rejects(corporateActions!.fetch(actions, other.call), code('PROVIDER_MALFORMED'))
  await t.rejects(corporateActions!.fetch(actions, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})

test('releases are in UTC, earliest first, of one country where that is wanted', async t => {
  const { call, requests } = fakeCall(() => fixture('economic-calendar'))
  const input = { from: '2025-03-11', to: '2025-03-17', limit: 10 }
  const { data } = await economicCalendar!.fetch(input, call)
  t.match(requests, [{ path: '/calendar/economic', query: { from: '2025-03-11', to: '2025-03-17' } }])
  t.equal(requests[0]?.plan_line, undefined)
  t.same(data, [{
    time: '2025-03-11T00:30:00Z',
    country: 'AU',
    event: 'Current Account',
    impact: 'low',
    actual: 8.4,
    estimate: 6.9,
    previous: 1,
    unit: 'AUD'
  }, {
    time: '2025-03-12T00:00:00Z',
    country: 'GB',
    event: 'Bank Rate',
    impact: null,
    actual: 4.5,
    estimate: null,
    previous: 4.5,
    unit: '%'
  }, {
    time: '2025-03-12T12:30:00Z',
    country: 'US',
    event: 'CPI YoY',
    impact: 'high',
    actual: null,
    estimate: 3.1,
    previous: 3,
    unit: '%'
  }])
  t.ok(fits(Type.Array(EconomicEventSchema), data))
  t.same((await economicCalendar!.fetch({ ...input, country: 'us' }, call)).data.map(row => row.event), ['CPI YoY'])
  t.equal((await economicCalendar!.fetch({ ...input, limit: 1 }, call)).data.length, 1)
  await economicCalendar!.fetch({ ...input, from: '2024-03-11' }, call)
  t.equal(requests.at(-1)?.plan_line, 'over 1 month ago', 'history is another plan\'s')
  t.same((await economicCalendar!.fetch(input, fakeCall(() => ({ economicCalendar: [] })).call)).data, [])
  await t.rejects(economicCalendar!.fetch(input, fakeCall(() => []).call), code('PROVIDER_MALFORMED'))
})

const SERIES: Record<string, unknown> = { '/economic': fixture('economic'), '/economic/code': fixture('economic-codes') }
const window = { from: '2025-01-01', to: '2025-03-14', limit: 10 }

test('a series has its unit from the list of codes, newest first', async t => {
  const { call, requests } = fakeCall(({ path }) => SERIES[path])
  const { data } = await economicIndicator!.fetch({ ...window, indicator: 'housing_starts' }, call)
  t.same(requests, [{ path: '/economic', query: { code: 'MA-USA-72838484' } }, { path: '/economic/code' }])
  t.same(data, {
    indicator: 'housing_starts',
    unit: 'thousand units',
    country: 'US',
    points: [{ date: '2025-02-28', value: null }, { date: '2025-01-31', value: 1366 }]
  })
  t.ok(fits(EconomicSeriesSchema, data))
  const few = await economicIndicator!.fetch({ ...window, indicator: 'housing_starts', limit: 1 }, call)
  t.same(few.data.points, [{ date: '2025-02-28', value: null }])
  const later = await economicIndicator!.fetch({ ...window, indicator: 'housing_starts', from: '2025-03-01' }, call)
  t.same(later.data.points, [], 'nothing in the window is a fact')
})

test('a unit that the name fixes is not asked for, and numbers are worth having without one', async t => {
  const { call, requests } = fakeCall(() => ({ code: 'MA-USA-857882', data: [{ date: '2025-02-28', value: 4.1 }] }))
  const { data } = await economicIndicator!.fetch({ ...window, indicator: 'unemployment_rate' }, call)
  t.match(data, { unit: 'percent', points: [{ date: '2025-02-28', value: 4.1 }] })
  t.equal(requests.length, 1)
  const bare = fakeCall(({ path }) => {
    if (path === '/economic/code') throw refused()
    return SERIES[path]
  })
  t.equal((await economicIndicator!.fetch({ ...window, indicator: 'housing_starts' }, bare.call)).data.unit, null)
  const gone = fakeCall(({ path }) => {
    if (path === '/economic/code') throw new DOMException('gone', 'AbortError')
    return SERIES[path]
  })
  await t.rejects(economicIndicator!.fetch({ ...window, indicator: 'housing_starts' }, gone.call), { name: 'AbortError' })
})

test('a series that Finnhub has not is asked of another provider', async t => {
  const asked: string[] = []
  for (const indicator of INDICATORS) {
    const { call, requests } = fakeCall(() => ({ data: [] }))
    await t.rejects(economicIndicator!.fetch({ ...window, indicator }, call), code('PROVIDER_NOT_ENTITLED'))
    if (requests.length > 0) asked.push(indicator)
  }
  t.same(asked, ['real_gdp', 'cpi', 'inflation', 'unemployment_rate', 'initial_claims', 'federal_funds_rate',
    'housing_starts', 'consumer_sentiment'])
  for (const body of [{ code: 'MA-USA-656880', data: [] }, { code: 'MA-USA-678073' }, []]) {
    await t.rejects(economicIndicator!.fetch({ ...window, indicator: 'cpi' }, fakeCall(() => body).call), code('PROVIDER_MALFORMED'))
  }
})

test('a day without hours is closed, one with hours closes early', async t => {
  const { call, requests } = fakeCall(() => fixture('market-holiday'))
  const { data } = await marketCalendar!.fetch({ from: '2025-07-03', to: '2025-12-31' }, call)
  t.same(requests, [{ path: '/stock/market-holiday', query: { exchange: 'US' } }])
  t.same(data, [
    { date: '2025-07-03', name: 'Independence Day', status: 'early_close', open: '09:30', close: '13:00' },
    { date: '2025-07-04', name: 'Independence Day', status: 'closed', open: null, close: null },
    { date: '2025-12-25', name: 'Christmas', status: 'closed', open: null, close: null }
  ])
  t.ok(fits(Type.Array(MarketHolidaySchema), data))
  t.same((await marketCalendar!.fetch({ from: '2025-08-01', to: '2025-08-31' }, call)).data, [])
})

test('years that are not listed may have holidays all the same', async t => {
  const { call } = fakeCall(() => fixture('market-holiday'))
  for (const days of [{ from: '2023-12-01', to: '2025-01-31' }, { from: '2025-12-01', to: '2026-01-31' }]) {
    await t.rejects(marketCalendar!.fetch(days, call), code('PROVIDER_NOT_ENTITLED'))
  }
  const days = { from: '2025-01-01', to: '2025-12-31' }
  for (const body of [{ data: [], exchange: 'US' }, { data: [{ atDate: '2025-05-01' }], exchange: 'L' }, {}, []]) {
    await t.rejects(marketCalendar!.fetch(days, fakeCall(() => body).call), code('PROVIDER_MALFORMED'))
  }
})

const year = { instrument: NOVA, from: '2024-03-14', to: '2025-03-14', limit: 10 }

test('a filing is accepted at the time of New York', async t => {
  const { call, requests } = fakeCall(() => fixture('filings'))
  const { data, as_of: asOf } = await filings!.fetch(year, call)
  t.same(requests, [{
    path: '/stock/filings',
    query: { symbol: 'NOVA', form: undefined, from: '2024-03-14', to: '2025-03-14' },
    plan_line: 'stock'
  }])
  t.same(data[0], {
    symbol: 'NOVA',
    form: '8-K',
    filed_at: '2025-02-20',
    accepted_at: '2025-02-20T21:31:02Z',
    period_end: null,
    accession: '0000777000-25-000011',
    cik: '0000777000',
    url: 'https://sec.example/ix?doc=/777000/nova8k.htm'
  })
  t.match(data.slice(1), [
    { form: '4', accepted_at: null, cik: null, url: null },
    { form: '10-Q', accepted_at: '2024-08-02T10:05:00Z', url: 'https://sec.example/777000/87/index.html' }
  ])
  t.equal(asOf, '2025-02-20T21:31:02Z')
  t.ok(fits(Type.Array(FilingSchema), data))
  t.same((await filings!.fetch({ ...year, form: '10-q' }, call)).data.map(row => row.form), ['10-Q'])
  t.equal(requests[1]?.query?.form, '10-q')
})

/** A company that files three times on each day, as Finnhub pages it. */
function manyFilings (from: string, to: string): unknown[] {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000
  return Array.from({ length: (days + 1) * 3 }, (_, row) => {
    const day = addDays(to, -Math.floor(row / 3))
    return { accessNumber: `${day}-${row % 3}`, form: '4', filedDate: `${day} 00:00:00`, acceptedDate: `${day} 1${row % 3}:00:00` }
  }).slice(0, 250)
}

test('filings are followed from page to page, the days that a page cuts included', async t => {
  const { call, requests } = fakeCall(({ query }) => manyFilings(String(query?.from), String(query?.to)))
  const { data } = await filings!.fetch({ ...year, from: '2024-09-14', limit: 10_000 }, call)
  t.equal(data.length, 182 * 3)
  t.equal(new Set(data.map(row => row.accession)).size, data.length)
  t.same(requests.map(({ query }) => query?.to), ['2025-03-14', '2024-12-21', '2024-09-29'])
  await filings!.fetch({ ...year, limit: 250 }, call)
  t.equal(requests.length, 4, 'one page had enough')
})

test('no filings are a fact, a day that fills a page is left behind, and those of others are malformed', async t => {
  t.same((await filings!.fetch(year, fakeCall(() => []).call)).data, [])
  const full = (day: string) => Array.from({ length: 250 }, (_, row) => ({ accessNumber: `${day}-${row}`, filedDate: `${day} 00:00:00` }))
  const { call, requests } = fakeCall(({ query }) => query?.to === '2025-03-12' ? [] : full(String(query?.to)))
  t.equal((await filings!.fetch({ ...year, limit: 1000 }, call)).data.length, 500)
  t.same(requests.map(({ query }) => query?.to), ['2025-03-14', '2025-03-13', '2025-03-12'])
  const endless = fakeCall(({ query }) => full(String(query?.to)))
  await filings!.fetch({ ...year, from: '2020-01-01', form: '10-K', limit: 10 }, endless.call)
  t.equal(endless.requests.length, 40)
  t.equal(endless.requests[0]?.plan_line, 'stock over 5 years')
  await t.rejects(filings!.fetch(year, fakeCall(() => [{ symbol: 'NOVB' }]).call), code('PROVIDER_MALFORMED'))
  await t.rejects(filings!.fetch(year, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
  const abroad = fakeCall(() => [])
  await filings!.fetch({ ...year, instrument: parseSymbol('SAP.DE') }, abroad.call)
  t.equal(abroad.requests[0]?.plan_line, 'non-US')
})
