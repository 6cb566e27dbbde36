import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { Type, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { fmp } from '../../providers/fmp/index.ts'
import type { ProviderRequest } from '../../providers/types.ts'
import {
  AnalystRatingsSchema, EtfHoldingSchema, IndexConstituentSchema, INDICES, InsiderTradeSchema, InstitutionalHolderSchema
} from '../../schemas/ownership.ts'
import { MoverSchema } from '../../schemas/trading.ts'
import { fakeCall } from './fake-call.ts'

const fixture = (name: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/fmp/${name}.json`, import.meta.url), 'utf8'))
const fits = (schema: TSchema, value: unknown) => Value.Check(schema, value)
const { analyst_ratings: ratings, insider_trades: insiders, institutional_holders: holders } = fmp.capabilities
const { etf_holdings: holdings, index_constituents: constituents, market_movers: movers } = fmp.capabilities
const nova = parseSymbol('NOVA')
const code = (name: string) => ({ code: `FMS_${name}` })
const notEntitled = () => problem('PROVIDER_NOT_ENTITLED', 'not in the plan', { provider: 'fmp' })
const byPath = ({ path }: ProviderRequest) => fixture(path.slice(1))

test('ratings join what analysts say now, said before and expect', async t => {
  const { call, requests } = fakeCall(byPath)
  const { data, currency } = await ratings!.fetch({ instrument: nova, limit: 2 }, call)
  t.same(requests.map(({ path, query, plan_line: line }) => [path, query?.limit, line]), [
    ['/grades-consensus', undefined, 'stock'], ['/price-target-consensus', undefined, 'stock'],
    ['/grades-historical', 12, 'stock, over 10 rows'], ['/grades', undefined, 'stock']
  ])
  t.same(data, {
    symbol: 'NOVA',
    consensus: 'strong_buy',
    currency: 'USD',
    price_target: { high: 60, low: null, mean: 48.5, median: 47, analysts: null },
    trend: [
      { period: '2025-03-01', strong_buy: 2, buy: 8, hold: 7, sell: 1, strong_sell: null },
      { period: '2025-02-01', strong_buy: 2, buy: 6, hold: 8, sell: 0, strong_sell: 0 }
    ],
    changes: [
      { date: '2025-03-03', firm: 'Grain & Co', action: 'maintain', from: 'Overweight', to: 'Overweight', price_target: null },
      { date: '2025-01-31', firm: 'Mill Research', action: 'upgrade', from: 'Hold', to: 'Buy', price_target: null }
    ]
  })
  t.equal(currency, 'USD')
  t.ok(fits(AnalystRatingsSchema, data))
  t.match((await ratings!.fetch({ instrument: nova, limit: 9 }, call)).data.changes[2], { action: null, from: null })
})

test('ratings do without the lists that are refused', async t => {
  const without = async (...refused: string[]) => {
    const { call } = fakeCall(request => {
      if (refused.includes(request.path)) throw notEntitled()
      return byPath(request)
    })
    return (await ratings!.fetch({ instrument: nova, limit: 5 }, call)).data
  }
  const paths = ['/grades-consensus', '/price-target-consensus', '/grades-historical', '/grades']
  t.match(await without('/grades-consensus'), { consensus: 'buy' }, 'what most of the last month say')
  const now = await without('/grades-historical')
  t.match(now, { trend: [{ period: null, strong_buy: 1, buy: 29, hold: 11 }] }, 'what they say now')
  t.ok(fits(AnalystRatingsSchema, now))
  t.match(await without('/price-target-consensus', '/grades'), { price_target: null, changes: [] })
  t.match(await without('/grades-consensus', '/grades-historical', '/grades'), { consensus: null, trend: [] })
  await t.rejects(without(...paths), code('PROVIDER_NOT_ENTITLED'))
})

test('ratings of nobody, of another company, and nobody\'s', async t => {
  const fetchOf = (answers: (path: string) => unknown) =>
    ratings!.fetch({ instrument: nova, limit: 5 }, fakeCall(({ path }) => answers(path)).call)
  await t.rejects(fetchOf(() => []), { message: 'fmp knows no analyst ratings of NOVA.' })
  await t.rejects(fetchOf(path => { if (path === '/grades') throw notEntitled(); return [] }), code('PROVIDER_NOT_ENTITLED'))
  await t.rejects(fetchOf(() => [{ symbol: 'WRONG' }]), code('PROVIDER_MALFORMED'))
  const { data } = await fetchOf(path => path === '/grades-consensus' ? [{ symbol: 'NOVA', consensus: 'Splendid', buy: 0 }] : [])
  t.match(data, { consensus: null, price_target: null, trend: [{ buy: 0, hold: null }] })
  await t.rejects(fetchOf(() => { throw new DOMException('gone', 'AbortError') }), { name: 'AbortError' })
})

const march = { instrument: nova, from: '2025-01-01', to: '2025-03-14', limit: 10 }

test('insider trades come newest first, with a sign that says whether shares came or went', async t => {
  const { call, requests } = fakeCall(() => fixture('insider-trades'))
  const { data, currency } = await insiders!.fetch(march, call)
  t.same(requests, [{ path: '/insider-trading/search', query: { symbol: 'NOVA', page: 0, limit: 100 }, plan_line: 'stock' }])
  t.same(data.map(({ transaction_date: day, code, type, shares }) => [day, code, type, shares]), [
    ['2025-03-07', 'M', 'exercise', 500.5],
    ['2025-03-04', 'P', 'buy', 10],
    ['2025-03-04', 'S', 'sell', -10],
    ['2025-03-03', 'J', 'other', null],
    ['2025-03-03', null, null, null],
    ['2025-03-01', 'S', 'sell', -1000]
  ])
  t.same(data.at(-1), {
    symbol: 'NOVA',
    filed_at: '2025-03-12',
    transaction_date: '2025-03-01',
    name: 'Miller Ada',
    role: 'director, officer: CEO',
    code: 'S',
    type: 'sell',
    shares: -1000,
    price: 41.5,
    value: 41500,
    shares_after: 9000,
    is_derivative: null,
    url: 'https://www.sec.gov/f4'
  })
  t.match(data[0], { price: null, value: null })
  t.equal(data[3]?.shares_after, 0, 'nothing left')
  t.equal(currency, 'USD')
  t.ok(fits(Type.Array(InsiderTradeSchema), data))
  t.same((await insiders!.fetch({ ...march, limit: 1 }, call)).data.map(({ code }) => code), ['M'])
  t.same((await insiders!.fetch(march, fakeCall(() => []).call)).data, [], 'there may be none')
  await t.rejects(insiders!.fetch(march, fakeCall(() => [{ symbol: 'WRONG' }]).call), code('PROVIDER_MALFORMED'))
})

/** Pages of trades, each filed a day before the one above it, and done two days before. */
const tradesOf = (page: number): object[] => Array.from({ length: 100 }, (_, n) => {
  const filed = new Date(Date.UTC(2025, 2, 14) - (page * 100 + n) * 86_400_000)
  const day = (date: Date) => date.toISOString().slice(0, 10)
  return {
    symbol: 'NOVA', filingDate: day(filed), transactionDate: day(new Date(filed.getTime() - 2 * 86_400_000)), transactionType: 'S-Sale', securitiesTransacted: 1
  }
})

test('trades are asked for as far back as one in the window may have been filed', async t => {
  const askedFor = async (input: object, answers = tradesOf) => {
    const { call, requests } = fakeCall(({ query }) => answers(Number(query?.page)))
    const { data } = await insiders!.fetch({ ...march, ...input }, call)
    return [data.length, requests.length, requests[0]?.query?.limit]
  }
  t.same(await askedFor({ limit: 10 }), [10, 1, 100])
  t.same(await askedFor({ from: '2024-01-01', limit: 98 }), [98, 2, 100], 'a later trade may be filed on the next page')
  t.same(await askedFor({ from: '2024-12-01' }), [10, 1, 100])
  t.same(await askedFor({ from: '2024-12-01', limit: 500 }), [102, 2, 1000])
  t.same(await askedFor({ from: '2024-08-01', to: '2024-08-31' }), [10, 3, 1000], 'long ago lies behind many pages')
  t.same(await askedFor({ from: '2000-01-01', limit: 10_000 }), [1000, 10, 1000])
  t.same(await askedFor({}, () => Array.from({ length: 100 }, (_, n) => ({ symbol: `NOVA${n || ''}`, filingDate: null }))), [0, 2, 100])
})

test('holders are those of shares in the last quarter that all have reported of', async t => {
  const { call, requests } = fakeCall(() => fixture('institutional-holders'))
  const { data, currency } = await holders!.fetch({ instrument: nova, limit: 10 }, call)
  t.same(requests, [{
    path: '/institutional-ownership/extract-analytics/holder',
    query: { symbol: 'NOVA', year: 2024, quarter: 4, limit: 100, page: 0 },
    plan_line: 'stock'
  }])
  t.same(data.map(({ holder }) => holder), ['BIG FUND INC', 'PLAIN FUND', 'SMALL FUND LP'])
  t.same(data[0], {
    symbol: 'NOVA',
    holder: 'BIG FUND INC',
    shares: 9000000,
    change: -900000,
    value: 360000000,
    ownership_percent: 9,
    report_date: '2024-12-31',
    filed_at: '2025-02-11'
  })
  t.equal(currency, 'USD')
  t.ok(fits(Type.Array(InstitutionalHolderSchema), data))
  t.equal((await holders!.fetch({ instrument: nova, limit: 1 }, call)).data.length, 1)
})

test('a quarter is over for holders 45 days later, and the one before stands in for an empty one', async t => {
  const quartersOn = async (day: string) => {
    const { call, requests } = fakeCall(() => [], { now: new Date(`${day}T12:00:00Z`) })
    await t.rejects(holders!.fetch({ instrument: nova, limit: 5 }, call), { message: 'fmp knows no institutional holders of NOVA.' })
    return requests.map(({ query }) => `${query?.year} Q${query?.quarter}`)
  }
  t.same(await quartersOn('2025-02-14'), ['2024 Q3', '2024 Q2'])
  t.same(await quartersOn('2025-02-15'), ['2024 Q4', '2024 Q3'])
  t.same(await quartersOn('2025-05-15'), ['2024 Q4', '2024 Q3'])
  t.same(await quartersOn('2025-05-16'), ['2025 Q1', '2024 Q4'])
  const { call } = fakeCall(({ query }) => query?.quarter === 3 ? fixture('institutional-holders') : [])
  t.equal((await holders!.fetch({ instrument: nova, limit: 5 }, call)).data.length, 3)
})

test('holders fill pages of a hundred', async t => {
  const { call, requests } = fakeCall(({ query }) => Array.from({ length: 100 }, (_, n) =>
    ({ symbol: 'NOVA', investorName: `${query?.page} ${n}`, sharesNumber: 1000 - n })))
  t.equal((await holders!.fetch({ instrument: nova, limit: 250 }, call)).data.length, 250)
  t.same(requests.map(({ query, plan_line: line }) => [query?.page, line]),
    [[0, 'stock'], [1, 'stock, further pages'], [2, 'stock, further pages']])
})

test('holdings of a fund come largest first, as of FMP\'s last update', async t => {
  const { call, requests } = fakeCall(() => fixture('etf-holdings'))
  const { data, as_of: asOf } = await holdings!.fetch({ instrument: parseSymbol('NOVX'), limit: 10 }, call)
  t.same(requests, [{ path: '/etf/holdings', query: { symbol: 'NOVX' }, plan_line: 'stock' }])
  t.same(data, [
    { symbol: 'NOVA', name: 'NOVA MILLS', weight_percent: 18.9, shares: 8000, value: 332000, isin: 'US67066G1040', cusip: null },
    { symbol: 'NOVA.B', name: 'NOVA MILLS B', weight_percent: 2.5, shares: 1000, value: 44000, isin: null, cusip: '67066G104' },
    { symbol: null, name: 'US DOLLARS', weight_percent: null, shares: null, value: 10, isin: null, cusip: null }
  ])
  t.equal(asOf, '2025-03-14T06:04:02Z')
  t.ok(fits(Type.Array(EtfHoldingSchema), data))
  t.equal((await holdings!.fetch({ instrument: parseSymbol('NOVX'), limit: 1 }, call)).data.length, 1)
  await t.rejects(holdings!.fetch({ instrument: nova, limit: 1 }, call), code('PROVIDER_MALFORMED'))
  await t.rejects(holdings!.fetch({ instrument: nova, limit: 1 }, fakeCall(() => []).call), { message: 'fmp knows no holdings of NOVA.' })
})

test('each index has a list of constituents', async t => {
  const { call, requests } = fakeCall(() => fixture('constituents'))
  for (const index of INDICES) t.equal((await constituents!.fetch({ index, limit: 1 }, call)).data.length, 1)
  t.same(requests.map(({ path }) => path), ['/sp500-constituent', '/nasdaq-constituent', '/dowjones-constituent'])
  const { data } = await constituents!.fetch({ index: 'I:SPX', limit: 10 }, call)
  t.same(data[0], {
    symbol: 'NOVA.B',
    name: 'Nova Mills',
    sector: 'Consumer Defensive',
    industry: 'Grain',
    headquarters: 'Omaha, NE',
    date_added: '2024-11-08',
    cik: '0000999999'
  })
  t.match(data[1], { symbol: 'ZINC', date_added: null })
  t.equal(data.length, 2)
  t.ok(fits(Type.Array(IndexConstituentSchema), data))
  await t.rejects(constituents!.fetch({ index: 'I:SPX', limit: 10 }, fakeCall(() => []).call), code('PROVIDER_MALFORMED'))
})

test('movers are stocks, and have no volume', async t => {
  const { call, requests } = fakeCall(() => fixture('biggest-gainers'))
  const { data, currency } = await movers!.fetch({ list: 'gainers', asset_class: 'stock', limit: 10 }, call)
  t.same(data, [
    { symbol: 'ZINC', name: 'Zinc Works', price: 5.1, change: 2.57, change_percent: 101.58103, volume: null, trades: null },
    { symbol: 'NOVA.B', name: 'Nova Mills Class B', price: 44, change: 4, change_percent: 10, volume: null, trades: null }
  ])
  t.equal(currency, 'USD')
  t.ok(fits(Type.Array(MoverSchema), data))
  await movers!.fetch({ list: 'losers', asset_class: 'stock', limit: 1 }, call)
  t.equal((await movers!.fetch({ list: 'most_active', asset_class: 'stock', limit: 1 }, call)).data.length, 1)
  t.same(requests.map(({ path }) => path), ['/biggest-gainers', '/biggest-losers', '/most-actives'])
  await t.rejects(movers!.fetch({ list: 'gainers', asset_class: 'crypto', limit: 1 }, call), code('PROVIDER_NOT_ENTITLED'))
  t.equal(requests.length, 3)
  await t.rejects(movers!.fetch({ list: 'gainers', asset_class: 'stock', limit: 1 }, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})
