import { test } from 'tap'
import { Type } from 'typebox'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { addDays } from '../../market/time.ts'
import { finnhub } from '../../providers/finnhub/index.ts'
import {
  AnalystRatingsSchema, EtfHoldingSchema, IndexConstituentSchema, INDICES, InsiderTradeSchema,
  InstitutionalHolderSchema
} from '../../schemas/ownership.ts'
import { code, fits, fixture, NOVA, refused } from '../fixtures/finnhub/setup.ts'
import { fakeCall } from './fake-call.ts'

const {
  analyst_ratings: analystRatings, insider_trades: insiderTrades, institutional_holders: institutionalHolders,
  etf_holdings: etfHoldings, index_constituents: indexConstituents
} = finnhub.capabilities

const RATINGS: Record<string, unknown> = {
  '/stock/recommendation': fixture('recommendation'),
  '/stock/price-target': fixture('price-target'),
  '/stock/upgrade-downgrade': fixture('upgrade-downgrade')
}
const input = { instrument: NOVA, limit: 10 }

test('ratings are the trend, the targets and the changes, newest first', async t => {
  const { call, requests } = fakeCall(({ path }) => RATINGS[path])
  const { data, as_of: asOf } = await analystRatings!.fetch(input, call)
  t.same(requests, Object.keys(RATINGS).map(path => ({ path, query: { symbol: 'NOVA' }, plan_line: 'stock' })))
  t.same(data, {
    symbol: 'NOVA',
    consensus: 'buy',
    currency: null,
    price_target: { high: 62, low: 27.5, mean: 46.4, median: null, analysts: 39 },
    trend: [
      { period: '2025-03-01', strong_buy: 13, buy: 24, hold: 7, sell: 0, strong_sell: 0 },
      { period: '2025-02-01', strong_buy: 13, buy: 17, hold: 13, sell: 5, strong_sell: 0 }
    ],
    changes: [
      { date: '2025-03-07', firm: 'Grain & Sons', action: 'downgrade', from: 'Hold', to: 'Sell', price_target: null },
      { date: '2025-03-04', firm: 'Mill Street', action: 'initiate', from: null, to: 'Buy', price_target: null },
      { date: null, firm: 'Nobody', action: 'suspended', from: 'Hold', to: 'Hold', price_target: null }
    ]
  })
  t.ok(fits(AnalystRatingsSchema, data))
  t.equal(asOf, '2025-03-06T05:00:00Z')
  t.equal((await analystRatings!.fetch({ ...input, limit: 1 }, call)).data.changes.length, 1)
})

test('a part that is refused or about another company does not lose the rest', async t => {
  const free = fakeCall(({ path }) => {
    if (path !== '/stock/recommendation') throw refused()
    return RATINGS[path]
  })
  const { data } = await analystRatings!.fetch(input, free.call)
  t.match(data, { consensus: 'buy', price_target: null, changes: [] })
  t.ok(fits(AnalystRatingsSchema, data))
  const other = fakeCall(({ path }) =>
    path === '/stock/upgrade-downgrade' ? [{ symbol: 'NOVB', gradeTime: 1741046400 }] : RATINGS[path])
  t.same((await analystRatings!.fetch(input, other.call)).data.changes, [])
  const target = fakeCall(({ path }) => path === '/stock/recommendation' ? [] : path === '/stock/price-target' ? RATINGS[path] : [])
  const { data: targets } = await analystRatings!.fetch(input, target.call)
  t.match(targets, { consensus: null, trend: [], price_target: { mean: 46.4 } })
  const tie = fakeCall(({ path }) => path === '/stock/recommendation' ? [{ buy: 5, hold: 5, sell: 1, period: '2025-03-01' }] : [])
  t.equal((await analystRatings!.fetch(input, tie.call)).data.consensus, null)
})

test('no part is the first one\'s failure, no rating an unknown symbol', async t => {
  const ratingsOf = (answers: (path: string) => unknown) =>
    analystRatings!.fetch(input, fakeCall(({ path }) => answers(path)).call)
  await t.rejects(ratingsOf(path => { throw problem(path === '/stock/recommendation' ? 'PROVIDER_QUOTA' : 'PROVIDER_NOT_ENTITLED', path) }), code('PROVIDER_QUOTA'))
  await t.rejects(ratingsOf(() => { throw new DOMException('gone', 'AbortError') }), { name: 'AbortError' })
  const zeros = { symbol: '', numberAnalysts: 0, targetHigh: 0, targetLow: 0, targetMean: 0, targetMedian: 0, lastUpdated: '' }
  await t.rejects(ratingsOf(path => path === '/stock/price-target' ? zeros : []), code('SYMBOL_NOT_FOUND'))
  await t.rejects(ratingsOf(path => path === '/stock/recommendation' ? [] : { symbol: '9999.TW', targetHigh: 900 }), code('SYMBOL_NOT_FOUND'))
})

const month = { instrument: NOVA, from: '2025-02-14', to: '2025-03-14', limit: 100 }

test('insiders\' trades are signed, and a price of zero is none', async t => {
  const { call, requests } = fakeCall(() => fixture('insider-transactions'))
  const { data, currency } = await insiderTrades!.fetch(month, call)
  t.same(requests, [{
    path: '/stock/insider-transactions',
    query: { symbol: 'NOVA', from: '2025-02-14', to: '2025-03-21' },
    plan_line: 'stock'
  }], 'trades are filed after their window')
  t.same(data.map(row => [row.transaction_date, row.type]), [['2025-03-10', 'exercise'], ['2025-03-10', 'other'], ['2025-03-03', 'sell']])
  t.same(data[2], {
    symbol: 'NOVA',
    filed_at: '2025-03-05',
    transaction_date: '2025-03-03',
    name: 'Miller Ada',
    role: null,
    code: 'S',
    type: 'sell',
    shares: -1250,
    price: 41.57,
    value: 51962.5,
    shares_after: 57234,
    is_derivative: false,
    url: null
  })
  t.match(data[0], { shares: 1000, price: null, value: null, is_derivative: true })
  t.match(data[1], { code: 'J', is_derivative: null })
  t.equal(currency, 'USD')
  t.ok(fits(Type.Array(InsiderTradeSchema), data))
  const late = await insiderTrades!.fetch({ ...month, to: '2025-03-20' }, call)
  t.match(late.data[0], { transaction_date: '2025-03-17', code: null, type: null })
  t.equal((await insiderTrades!.fetch({ ...month, limit: 1 }, call)).data.length, 1)
})

/** A company with so many trades a day, as Finnhub cuts them. */
const traded = (perDay: number) => fakeCall(({ query }) => {
  const days = (Date.parse(String(query?.to)) - Date.parse(String(query?.from))) / 86_400_000
  const data = Array.from({ length: (days + 1) * perDay }, (_, row) => {
    const day = addDays(String(query?.from), Math.floor(row / perDay))
    return { name: `${day} ${row % perDay}`, transactionDate: day, filingDate: day, change: 1 }
  })
  return { symbol: 'NOVA', data: data.slice(0, 100) }
})

test('days with more trades than a call answers are asked for in halves, the latest first', async t => {
  const { call, requests } = traded(10)
  const all = await insiderTrades!.fetch({ ...month, limit: 10_000 }, call)
  t.equal(all.data.length, 29 * 10)
  t.equal(new Set(all.data.map(row => row.name)).size, all.data.length)
  t.equal(all.data[0]?.transaction_date, '2025-03-14')
  const calls = requests.length
  const few = await insiderTrades!.fetch({ ...month, limit: 20 }, call)
  t.same([...new Set(few.data.map(row => row.transaction_date))], ['2025-03-14', '2025-03-13'])
  t.ok(requests.length - calls < calls, 'and no further than needed')
  const busy = traded(200)
  t.equal((await insiderTrades!.fetch({ ...month, from: '2025-03-13', limit: 10_000 }, busy.call)).data.length, 200, 'a day cannot be halved')
  const endless = traded(100)
  await insiderTrades!.fetch({ ...month, from: '2020-01-01', limit: 10_000 }, endless.call)
  t.equal(endless.requests.length, 40)
  t.equal(endless.requests[0]?.plan_line, 'stock over 5 years')
})

test('no trades are a fact; those in the home listing are malformed', async t => {
  const tradesOf = (body: unknown) => insiderTrades!.fetch(month, fakeCall(() => body).call)
  t.same((await tradesOf({ data: [], symbol: '' })).data, [])
  t.same((await tradesOf({ data: null, symbol: 'NOVA' })).data, [])
  for (const body of [{ data: [], symbol: '9999.TW' }, { data: [{ symbol: 'NOVB' }] }, {}, []]) {
    await t.rejects(tradesOf(body), code('PROVIDER_MALFORMED'))
  }
})

test('holders come largest first, at the date of their report', async t => {
  const { call, requests } = fakeCall(() => fixture('ownership'))
  const { data } = await institutionalHolders!.fetch(input, call)
  t.same(requests, [{ path: '/stock/ownership', query: { symbol: 'NOVA', limit: 10 }, plan_line: 'stock' }])
  t.same(data, [['Bread & Butter Trust', 329323, 1809], ['Flour Fund', 245155, -3683]].map(([holder, shares, change]) => ({
    symbol: 'NOVA',
    holder,
    shares,
    change,
    value: null,
    ownership_percent: null,
    report_date: '2024-12-31',
    filed_at: null
  })))
  t.ok(fits(Type.Array(InstitutionalHolderSchema), data))
  t.equal((await institutionalHolders!.fetch({ ...input, limit: 1 }, call)).data.length, 1)
  const holdersOf = (body: unknown) => institutionalHolders!.fetch(input, fakeCall(() => body).call)
  await t.rejects(holdersOf({ symbol: '', ownership: [] }), code('SYMBOL_NOT_FOUND'))
  await t.rejects(holdersOf({ symbol: '9999.TW', ownership: [] }), code('PROVIDER_MALFORMED'))
  await t.rejects(holdersOf({}), code('PROVIDER_MALFORMED'))
})

test('a fund\'s holdings come largest first, what has no symbol included', async t => {
  const fund = { instrument: parseSymbol('GRNS'), limit: 10 }
  const { call, requests } = fakeCall(() => fixture('etf-holdings'))
  const { data, as_of: asOf } = await etfHoldings!.fetch(fund, call)
  t.same(requests, [{ path: '/etf/holdings', query: { symbol: 'GRNS' }, plan_line: 'stock' }])
  t.same(data[0], {
    symbol: 'NOVA',
    name: 'NOVA MILLS',
    weight_percent: 10.54,
    shares: 3971,
    value: 763381.9,
    isin: 'US88160R1014',
    cusip: '88160R101'
  })
  t.match(data.slice(1), [{ symbol: 'MILL.B' }, { symbol: null, name: 'US DOLLAR', shares: null, isin: null }])
  t.equal(data.length, 3)
  t.equal(asOf, '2025-03-13T04:00:00Z')
  t.ok(fits(Type.Array(EtfHoldingSchema), data))
  t.equal((await etfHoldings!.fetch({ ...fund, limit: 2 }, call)).data.length, 2)
  await t.rejects(etfHoldings!.fetch(input, call), code('PROVIDER_MALFORMED'), 'of another fund')
  const holdingsOf = (body: unknown) => etfHoldings!.fetch(fund, fakeCall(() => body).call)
  await t.rejects(holdingsOf({ symbol: '', holdings: [], atDate: '', numberOfHoldings: 0 }), code('SYMBOL_NOT_FOUND'))
  await t.rejects(holdingsOf({}), code('PROVIDER_MALFORMED'))
})

test('an index has members by name, or by symbol alone', async t => {
  const { call, requests } = fakeCall(({ query }) => ({ ...fixture('index-constituents') as object, symbol: query?.symbol }))
  for (const index of INDICES) await indexConstituents!.fetch({ index, limit: 10 }, call)
  t.same(requests, ['^GSPC', '^NDX', '^DJI'].map(symbol => ({ path: '/index/constituents', query: { symbol } })))
  const membersOf = (body: unknown) => indexConstituents!.fetch({ index: 'I:DJI', limit: 10 }, fakeCall(() => body).call)
  const { data } = await membersOf(fixture('index-constituents'))
  const none = { sector: null, industry: null, headquarters: null, date_added: null, cik: null }
  t.same(data, [{ symbol: 'NOVA', name: 'Nova Mills', ...none }, { symbol: 'MILL.B', name: 'Mill Holdings', ...none }])
  t.ok(fits(Type.Array(IndexConstituentSchema), data))
  const plain = await membersOf({ symbol: '^DJI', constituents: ['NOVA', '', 'MILL.B'] })
  t.same(plain.data, [{ symbol: 'NOVA', name: null, ...none }, { symbol: 'MILL.B', name: null, ...none }])
  t.equal((await indexConstituents!.fetch({ index: 'I:DJI', limit: 1 }, fakeCall(() => fixture('index-constituents')).call)).data.length, 1)
  for (const body of [{ symbol: '^GSPC', constituents: ['NOVA'] }, { symbol: '^DJI', constituents: [] }, {}, null]) {
    await t.rejects(membersOf(body), code('PROVIDER_MALFORMED'))
  }
})
