import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { Type, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { addDays } from '../../market/time.ts'
import { fmp } from '../../providers/fmp/index.ts'
import type { ProviderRequest } from '../../providers/types.ts'
import {
  CorporateActionSchema, EconomicEventSchema, EconomicSeriesSchema, FilingSchema, INDICATORS, MarketHolidaySchema
} from '../../schemas/events.ts'
import { fakeCall } from './fake-call.ts'

const fixture = (name: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/fmp/${name}.json`, import.meta.url), 'utf8'))
const fits = (schema: TSchema, value: unknown) => Value.Check(schema, value)
const { corporate_actions: actions, economic_calendar: calendar, economic_indicator: indicator } = fmp.capabilities
const { filings, market_calendar: holidays } = fmp.capabilities
const nova = parseSymbol('NOVA')
const code = (name: string) => ({ code: `FMS_${name}` })
const notEntitled = () => problem('PROVIDER_NOT_ENTITLED', 'not in the plan', { provider: 'fmp' })
const byPath = ({ path }: ProviderRequest) => fixture(path.slice(1))
const both = { instrument: nova, types: ['dividend', 'split'], from: '2024-01-01', to: '2025-12-31', limit: 10 } as const

test('dividends and splits come in one list, newest first, within the window', async t => {
  const { call, requests } = fakeCall(byPath)
  const { data } = await actions!.fetch(both, call)
  t.same(requests, ['/dividends', '/splits'].map(path => ({ path, query: { symbol: 'NOVA', limit: 1000 }, plan_line: 'stock, with a limit' })))
  t.same(data.map(({ type, ex_date: day }) => [type, day]),
    [['dividend', '2025-06-10'], ['split', '2025-02-03'], ['dividend', '2025-01-15'], ['dividend', '2024-12-10']])
  t.same(data[0], {
    type: 'dividend',
    symbol: 'NOVA',
    ex_date: '2025-06-10',
    record_date: '2025-06-10',
    pay_date: '2025-06-24',
    declaration_date: '2025-03-01',
    amount: 0.08,
    currency: 'USD',
    frequency: 4,
    special: false,
    split_from: null,
    split_to: null
  })
  t.match(data[1], { split_from: 1, split_to: 2, amount: null, currency: null, special: null })
  t.match(data[2], { frequency: 0, special: true, amount: 1, record_date: null, declaration_date: null })
  t.match(data[3], { frequency: null, special: null })
  t.ok(fits(Type.Array(CorporateActionSchema), data))
  t.equal((await actions!.fetch({ ...both, limit: 1 }, call)).data.length, 1)
})

test('a list of actions that is refused refuses all, and without a limit it may not be', async t => {
  const { call, requests } = fakeCall(request => {
    if (request.path === '/splits' || request.query?.limit) throw notEntitled()
    return byPath(request)
  })
  const { data } = await actions!.fetch({ ...both, types: ['dividend'] }, call)
  t.same(data.map(({ type }) => type), ['dividend', 'dividend', 'dividend'])
  t.same(requests.filter(({ path }) => path === '/dividends')[1], { path: '/dividends', query: { symbol: 'NOVA' }, plan_line: 'stock' })
  await t.rejects(actions!.fetch(both, call), code('PROVIDER_NOT_ENTITLED'), 'dividends alone would say that there was no split')
  t.same((await actions!.fetch(both, fakeCall(() => []).call)).data, [], 'a company may pay and split nothing')
  await t.rejects(actions!.fetch(both, fakeCall(() => [{ symbol: 'WRONG', date: '2025-01-01' }]).call), code('PROVIDER_MALFORMED'))
})

test('releases come earliest first, in UTC, with countries by ISO', async t => {
  const { call, requests } = fakeCall(() => fixture('economic-calendar'))
  const { data } = await calendar!.fetch({ from: '2025-03-10', to: '2025-03-14', limit: 100 }, call)
  t.same(requests, [{ path: '/economic-calendar', query: { from: '2025-03-10', to: '2025-03-14' }, plan_line: 'stock' }])
  t.same(data.map(({ time, country, impact }) => [time, country, impact]), [
    ['2025-03-13T07:00:00Z', 'GB', 'medium'], ['2025-03-13T07:00:00Z', 'IL', null],
    ['2025-03-14T12:30:00Z', 'US', 'high'], ['2025-03-14T23:50:00Z', 'JP', 'low']
  ])
  t.same(data[2], {
    time: '2025-03-14T12:30:00Z',
    country: 'US',
    event: 'Initial Jobless Claims (Mar/08)',
    impact: 'high',
    actual: null,
    estimate: 225,
    previous: 221,
    unit: 'K'
  })
  t.equal(data[0]?.actual, 0, 'a number that happens to be 0')
  t.ok(fits(Type.Array(EconomicEventSchema), data))
  t.same((await calendar!.fetch({ from: '2025-03-10', to: '2025-03-14', country: 'gb', limit: 9 }, call)).data.map(({ country }) => country), ['GB'])
})

test('the economic calendar is asked for by the quarter, no further than needed', async t => {
  const { call, requests } = fakeCall(({ query }) => [{ date: `${query?.from} 08:30:00`, country: 'US', event: 'CPI' }])
  const year = { from: '2024-01-01', to: '2024-12-31', limit: 100 }
  t.equal((await calendar!.fetch(year, call)).data.length, 5)
  for (const { query } of requests) t.ok(addDays(String(query?.from), 90) > String(query?.to))
  t.match(requests[0], { plan_line: 'stock over 1 year' })
  requests.length = 0
  t.equal((await calendar!.fetch({ ...year, limit: 2 }, call)).data.length, 2)
  t.equal(requests.length, 2)
  await t.rejects(calendar!.fetch({ ...year, from: '2015-01-01' }, call), code('PROVIDER_NOT_ENTITLED'))
  await t.rejects(calendar!.fetch(year, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})

interface Habits { every: number, cut?: boolean, nothingOverAQuarter?: boolean, ends?: string }

/** A series that answers as FMP does: at most the newest quarter of a window, or nothing. */
function seriesOf ({ every, cut = true, nothingOverAQuarter = false, ends = '2025-03-14' }: Habits) {
  return fakeCall(({ query }) => {
    const { name, from, to } = query as Record<string, string>
    if (nothingOverAQuarter && addDays(from!, 95) < to!) return []
    const rows: object[] = []
    for (let day = '2015-01-01'; day <= to! && day <= ends; day = addDays(day, every)) {
      if (day >= from!) rows.unshift({ ...(name && { name }), date: day, value: rows.length, year10: 4.2 })
    }
    const newest = (rows[0] as { date: string } | undefined)?.date ?? to!
    return cut ? rows.filter(row => (row as { date: string }).date > addDays(newest, -91)) : rows
  })
}

test('a series is asked for whole, and for what was cut off it', async t => {
  const window = { indicator: 'cpi', from: '2024-01-01', to: '2025-03-14', limit: 1000 } as const
  const whole = seriesOf({ every: 30, cut: false })
  const { data } = await indicator!.fetch(window, whole.call)
  t.same(whole.requests, [{
    path: '/economic-indicators', query: { name: 'CPI', from: '2024-01-01', to: '2025-03-14' }, plan_line: 'stock over 1 year'
  }])
  t.match(data, { indicator: 'cpi', unit: 'index', country: 'US' })
  t.ok(fits(EconomicSeriesSchema, data))

  const cut = seriesOf({ every: 30 })
  const again = (await indicator!.fetch(window, cut.call)).data
  t.same(again.points.map(({ date }) => date), data.points.map(({ date }) => date))
  t.ok(cut.requests.length <= 6)
  for (const { query } of cut.requests.slice(1)) t.ok(addDays(String(query?.from), 90) > String(query?.to))

  const february = fakeCall(({ query }) => ['2024-03-01', '2024-02-01']
    .filter((day, n) => day >= String(query?.from) && day <= String(query?.to) && (n === 0 || query?.to !== window.to))
    .map(date => ({ name: 'CPI', date, value: 1 })))
  t.equal((await indicator!.fetch({ ...window, from: '2024-02-01' }, february.call)).data.points.length, 2)

  const few = seriesOf({ every: 30 })
  t.equal((await indicator!.fetch({ ...window, limit: 6 }, few.call)).data.points.length, 6)
  t.equal(few.requests.length, 2)
  const short = seriesOf({ every: 30 })
  await indicator!.fetch({ ...window, from: '2025-01-01' }, short.call)
  t.equal(short.requests.length, 1)
})

test('a series that FMP answers nothing of in a long window is asked for by the quarter', async t => {
  const window = { indicator: 'gdp', from: '2024-01-01', to: '2025-12-31', limit: 1000 } as const
  const { call, requests } = seriesOf({ every: 91, nothingOverAQuarter: true })
  const { data } = await indicator!.fetch(window, call)
  t.same(data.points.map(({ date }) => date), ['2024-12-19', '2024-09-19', '2024-06-20', '2024-03-21'])
  t.match(requests[0]?.query, { to: '2025-03-14' }, 'no later than today')

  const ended = seriesOf({ every: 91, nothingOverAQuarter: true, ends: '2020-01-01' })
  await t.rejects(indicator!.fetch({ ...window, from: '2016-01-01' }, ended.call), code('PROVIDER_NOT_ENTITLED'))
  t.equal(ended.requests.length, 6, 'it gives up where nothing comes')
  const far = seriesOf({ every: 30 })
  await indicator!.fetch({ ...window, indicator: 'cpi', from: '2015-01-01' }, far.call)
  t.equal(far.requests.length, 20)
})

test('what is too old for the plan does not lose the rest of a series', async t => {
  const window = { indicator: 'cpi', from: '2020-01-01', to: '2025-03-14', limit: 1000 } as const
  const countOf = async (error: Error, rows: object[]) => {
    let asked = 0
    const { call } = fakeCall(() => {
      if (++asked > 1) throw error
      return rows
    })
    return (await indicator!.fetch(window, call)).data.points.length
  }
  const recent = [{ name: 'CPI', date: '2025-02-01', value: 1 }, { name: 'CPI', date: '2025-01-01', value: 1 }]
  t.equal(await countOf(notEntitled(), recent), 2)
  await t.rejects(countOf(notEntitled(), []), code('PROVIDER_NOT_ENTITLED'))
  await t.rejects(countOf(problem('PROVIDER_QUOTA', 'used up'), recent), code('PROVIDER_QUOTA'))
})

test('an empty answer is a fact of a few days, and a lack of many', async t => {
  const { call, requests } = fakeCall(() => [])
  const days = { indicator: 'cpi', from: '2025-03-02', to: '2025-03-05', limit: 10 } as const
  t.same((await indicator!.fetch(days, call)).data.points, [])
  t.same((await indicator!.fetch({ ...days, from: '2026-01-01', to: '2026-02-01' }, call)).data.points, [])
  t.equal(requests.length, 1, 'the future is not asked for')
  await t.rejects(indicator!.fetch({ ...days, indicator: 'inflation', from: '2020-01-01' }, call), code('PROVIDER_NOT_ENTITLED'))
  t.equal(requests.length, 2, 'a yearly series has no quarters')
  const other = fakeCall(() => [{ name: 'GDP', date: '2025-03-03', value: 29000 }])
  await t.rejects(indicator!.fetch(days, other.call), code('PROVIDER_MALFORMED'))
  const odd = fakeCall(() => [{ name: 'CPI', date: '2025-03-03', value: null }, { name: 'CPI', date: 'soon' }, { name: 'CPI', date: '2025-02-01', value: 1 }])
  t.same((await indicator!.fetch(days, odd.call)).data.points, [{ date: '2025-03-03', value: null }])
})

test('rates of the treasury are a curve a day', async t => {
  const { call, requests } = fakeCall(byPath)
  const { data } = await indicator!.fetch({ indicator: 'treasury_rates', from: '2025-03-10', to: '2025-03-14', limit: 10 }, call)
  t.match(requests, [{ path: '/treasury-rates', query: { from: '2025-03-10', to: '2025-03-14' } }])
  t.same(data.points[0], {
    date: '2025-03-13', '1m': 4.37, '2m': 4.34, '3m': 4.33, '6m': 4.28, '1y': 4.09, '2y': 3.96, '3y': 3.97, '5y': 4.03, '7y': 4.15, '10y': 4.27, '20y': 4.63, '30y': 4.59
  })
  t.match(data.points, [{}, { date: '2025-03-12', '2m': null }])
  t.equal(data.points.length, 2, 'a day without any rate is left out')
  t.ok(fits(EconomicSeriesSchema, data))
})

test('each indicator has a series of FMP\'s', async t => {
  const names = await Promise.all(INDICATORS.map(async name => {
    const { call, requests } = fakeCall(() => [])
    await indicator!.fetch({ indicator: name, from: '2025-03-14', to: '2025-03-14', limit: 1 }, call)
    return requests[0]?.query?.name ?? requests[0]?.path
  }))
  t.equal(new Set(names).size, INDICATORS.length)
  t.equal(names[INDICATORS.indexOf('inflation_expectation')], 'inflationRate')
  t.equal(names[INDICATORS.indexOf('inflation')], 'inflation')
})

const filed = { instrument: nova, from: '2025-02-01', to: '2025-03-14', limit: 10 }

test('filings come newest first by the day they count as filed on', async t => {
  const { call, requests } = fakeCall(() => fixture('filings'))
  const { data, as_of: asOf } = await filings!.fetch(filed, call)
  t.same(requests, [{
    path: '/sec-filings-search/symbol', query: { symbol: 'NOVA', from: '2025-01-27', to: '2025-03-14', page: 0, limit: 100 }, plan_line: 'stock'
  }])
  t.same(data.map(({ form, filed_at: day, accepted_at: at }) => [form, day, at]), [
    ['4', '2025-03-10', '2025-03-10T20:10:00Z'], ['8-K', '2025-03-10', '2025-03-08T02:43:41Z'],
    ['10-K', '2025-02-19', '2025-02-19T21:30:05Z'], ['4', '2025-02-03', '2025-02-01T00:30:00Z']
  ])
  t.same(data[2], {
    symbol: 'NOVA',
    form: '10-K',
    filed_at: '2025-02-19',
    accepted_at: '2025-02-19T21:30:05Z',
    period_end: null,
    accession: '0000999999-25-000020',
    cik: '0000999999',
    url: 'https://www.sec.gov/Archives/edgar/data/999999/000099999925000020/0000999999-25-000020-index.htm'
  })
  t.match(data[0], { accession: null, url: 'https://www.sec.gov/Archives/edgar/data/999999/000099999925000032/form4.xml' })
  t.equal(asOf, '2025-03-10T20:10:00Z')
  t.ok(fits(Type.Array(FilingSchema), data))
  t.equal((await filings!.fetch({ ...filed, limit: 2 }, call)).data.length, 2)
})

test('a form is looked for in pages as large as the plan gives', async t => {
  const { call, requests } = fakeCall(({ query }) => {
    if (Number(query?.limit) > 100) throw notEntitled()
    return query?.page === 2
      ? fixture('filings')
      : Array.from({ length: 100 }, (_, n) => ({ symbol: 'NOVA', formType: '4', filingDate: '2025-03-14', link: `${query?.page}-${n}` }))
  })
  const { data } = await filings!.fetch({ ...filed, form: '10-k' }, call)
  t.same(data.map(({ form }) => form), ['10-K'])
  t.same(requests.map(({ query, plan_line: line }) => [query?.page, query?.limit, line]), [
    [0, 1000, 'stock, over 100 rows'], [0, 100, 'stock'],
    [1, 1000, 'stock, further pages, over 100 rows'], [1, 100, 'stock, further pages'],
    [2, 1000, 'stock, further pages, over 100 rows'], [2, 100, 'stock, further pages']
  ])
})

test('pages end with an empty one, one that was there before, or the plan', async t => {
  const full = Array.from({ length: 100 }, (_, n) => ({ symbol: 'NOVA', formType: '4', filingDate: '2025-03-14', link: `${n}` }))
  const countOf = async (answer: (page: number) => unknown) => {
    const { call, requests } = fakeCall(({ query }) => answer(Number(query?.page)))
    return [(await filings!.fetch({ ...filed, limit: 500 }, call)).data.length, requests.length]
  }
  t.same(await countOf(page => page === 0 ? full : []), [100, 2])
  t.same(await countOf(() => full), [100, 2])
  t.same(await countOf(page => { if (page > 0) throw notEntitled(); return full }), [100, 3])
  t.same(await countOf(page => full.map(row => ({ ...row, link: `${page} ${row.link}` }))), [500, 5])
  await t.rejects(countOf(page => { if (page > 0) throw problem('PROVIDER_QUOTA', 'used up'); return full }), code('PROVIDER_QUOTA'))
  await t.rejects(countOf(() => { throw notEntitled() }), code('PROVIDER_NOT_ENTITLED'))
  t.same(await countOf(() => []), [0, 1], 'there may be no filings')
  await t.rejects(countOf(() => [{ symbol: 'WRONG' }]), code('PROVIDER_MALFORMED'))
  await t.rejects(countOf(() => ({})), code('PROVIDER_MALFORMED'))
})

test('holidays are closed days and early closes, the first day of the window included', async t => {
  const { call, requests } = fakeCall(() => fixture('holidays'))
  const { data } = await holidays!.fetch({ from: '2025-09-01', to: '2025-12-31' }, call)
  t.same(requests, [{ path: '/holidays-by-exchange', query: { exchange: 'NYSE', from: '2025-08-31', to: '2025-12-31' } }])
  t.same(data, [
    { date: '2025-11-27', name: 'Thanksgiving Day', status: 'closed', open: null, close: null },
    { date: '2025-11-28', name: 'Thanksgiving Day', status: 'early_close', open: '10:00', close: '13:00' },
    { date: '2025-12-24', name: 'Christmas', status: 'early_close', open: '09:30', close: '13:00' },
    { date: '2025-12-25', name: 'Christmas', status: 'closed', open: null, close: null }
  ])
  t.ok(fits(Type.Array(MarketHolidaySchema), data))
  await t.rejects(holidays!.fetch({ from: '2025-09-01', to: '2025-12-31' }, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})
