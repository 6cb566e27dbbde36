import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { Type, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { fmp } from '../../providers/fmp/index.ts'
import { fromUpstreamSymbol, toUpstreamSymbol } from '../../providers/fmp/normalise.ts'
import type { ProviderRequest } from '../../providers/types.ts'
import type { BarsInput } from '../../providers/types.ts'
import {
  BarSeriesSchema, CompanyProfileSchema, MarketStatusSchema, NewsArticleSchema, QuoteSchema, SymbolMatchSchema
} from '../../schemas/market.ts'
import { fakeCall } from './fake-call.ts'

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/fmp/${name}.json`, import.meta.url), 'utf8'))
const fits = (schema: TSchema, value: unknown) => Value.Check(schema, value)
const { quote, bars, search, profile, news, market_status: marketStatus } = fmp.capabilities
const instruments = (...symbols: string[]) => symbols.map(parseSymbol)
const code = (name: string) => ({ code: `FMS_${name}` })
const notEntitled = () => problem('PROVIDER_NOT_ENTITLED', 'not in the plan', { provider: 'fmp' })

const window = (input: Partial<BarsInput> = {}): BarsInput => ({
  instruments: instruments('NOVA'),
  timeframe: '1day',
  start: new Date('2025-03-07T05:00:00Z'),
  end: new Date('2025-03-12T04:00:00Z'),
  adjustment: 'split',
  limit: 100,
  ...input
})

test('symbols go out in FMP\'s spelling and come back in ours', async t => {
  for (const [ours, theirs, exchange] of [
    ['BRK.B', 'BRK-B'], ['VOD.L', 'VOD.L'], ['EVO.ST', 'EVO.ST'], ['BTC/USD', 'BTCUSD', 'CRYPTO'],
    ['EUR/USD', 'EURUSD', 'FOREX'], ['I:SPX', '^GSPC'], ['I:COMP', '^IXIC'], ['I:NDX', '^NDX']
  ] as const) {
    t.equal(toUpstreamSymbol(parseSymbol(ours)), theirs)
    t.equal(fromUpstreamSymbol(theirs, exchange), ours)
  }
})

test('one symbol is asked for with quote', async t => {
  const { call, requests } = fakeCall(() => fixture('quote'))
  const answer = await quote!.fetch({ instruments: instruments('NOVA') }, call)
  t.same(requests, [{ path: '/quote', query: { symbol: 'NOVA' }, plan_line: 'stock' }])
  t.same(answer, {
    data: {
      items: {
        NOVA: {
          symbol: 'NOVA',
          price: 41.5,
          currency: 'USD',
          change: 0.5,
          change_percent: 1.21951,
          open: 41.1,
          high: 41.9,
          low: 40.75,
          previous_close: 41,
          volume: 120300,
          bid: null,
          ask: null,
          bid_size: null,
          ask_size: null,
          as_of: '2025-03-13T20:00:00Z',
          feed: null,
          delayed_by_seconds: null
        }
      },
      failures: {}
    },
    as_of: '2025-03-13T20:00:00Z',
    feed: null,
    delayed_by_seconds: null
  })
  t.ok(fits(QuoteSchema, answer.data.items.NOVA))
})

test('several symbols are asked for with batch-quote, and what is missing in it is null or a failure', async t => {
  const { call, requests } = fakeCall(() => fixture('batch-quote'))
  const { data, as_of: asOf } = await quote!.fetch({ instruments: instruments('NOVA', 'BTC/USD', 'NOVA.B', 'GONE') }, call)
  t.same(requests, [{ path: '/batch-quote', query: { symbols: 'NOVA,BTCUSD,NOVA-B,GONE' }, plan_line: 'crypto, stock' }])
  t.match(data.items['BTC/USD'], { price: 81000, currency: 'USD', change: null, change_percent: null, low: null })
  t.equal(data.items['BTC/USD']?.volume, null, 'it is in dollars, not in coins')
  t.match(data.items['NOVA.B'], { price: 44, change: 0, volume: 0, currency: 'USD' })
  t.match(data.failures.GONE, code('SYMBOL_NOT_FOUND'))
  t.equal(asOf, '2025-03-14T14:00:00Z')
  t.ok(Object.values(data.items).every(item => fits(QuoteSchema, item)))
})

test('a batch outside the plan becomes single quotes of five symbols, and failures of the rest', async t => {
  const { call, requests } = fakeCall(({ path, query }: ProviderRequest) => {
    if (path === '/batch-quote') throw notEntitled()
    return [{ symbol: query?.symbol, price: 2 }]
  })
  const { data } = await quote!.fetch({ instruments: instruments('A', 'B', 'C', 'D', 'E', 'F', 'G') }, call)
  t.same(Object.keys(data.items).sort(), ['A', 'B', 'C', 'D', 'E'])
  t.match(data.failures, { F: code('PROVIDER_NOT_ENTITLED'), G: code('PROVIDER_NOT_ENTITLED') })
  t.equal(requests.length, 6)
  t.match(data.items.A, { open: null, volume: null, as_of: null })
})

test('a refused key is not tried again for each symbol', async t => {
  const { call, requests } = fakeCall(({ path }) => {
    throw path === '/batch-quote' ? notEntitled() : problem('PROVIDER_QUOTA', 'used up', { provider: 'fmp' })
  })
  const { data } = await quote!.fetch({ instruments: instruments('A', 'B', 'C', 'D', 'E', 'F') }, call)
    .catch(error => ({ data: error }))
  t.match(data, code('PROVIDER_QUOTA'))
  t.ok(requests.length <= 6)
})

test('the quote of another symbol is malformed, an empty answer an unknown symbol', async t => {
  await t.rejects(quote!.fetch({ instruments: instruments('NOVA') }, fakeCall(() => [{ symbol: 'WRONG', price: 1 }]).call),
    code('PROVIDER_MALFORMED'))
  await t.rejects(quote!.fetch({ instruments: instruments('NOVA') }, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
  await t.rejects(quote!.fetch({ instruments: instruments('NOVA') }, fakeCall(() => [{ symbol: 'NOVA', price: 0 }]).call),
    code('PROVIDER_MALFORMED'))
  const { data } = await quote!.fetch({ instruments: instruments('GONE') }, fakeCall(() => []).call)
  t.match(data.failures.GONE, code('SYMBOL_NOT_FOUND'))
})

test('the caller\'s abort reaches the caller', async t => {
  const gone = new DOMException('gone', 'AbortError')
  const { call } = fakeCall(() => { throw gone })
  await t.rejects(quote!.fetch({ instruments: instruments('A') }, call), { name: 'AbortError' })
  await t.rejects(profile!.fetch({ instrument: parseSymbol('A') }, call), { name: 'AbortError' })
  await t.rejects(search!.fetch({ query: 'a', limit: 3 }, call), { name: 'AbortError' })
})

test('daily bars come oldest first, from the list of their adjustment', async t => {
  const { call, requests } = fakeCall(({ path }) => fixture(path.endsWith('full') ? 'daily' : 'unadjusted'))
  const answer = await bars!.fetch(window(), call)
  t.same(requests, [{
    path: '/historical-price-eod/full', query: { symbol: 'NOVA', from: '2025-03-07', to: '2025-03-11' }, plan_line: 'stock'
  }])
  const series = answer.data.items.NOVA
  t.match(series, { adjustment: 'split', currency: 'USD', session: 'regular', time_zone: 'America/New_York', feed: null })
  t.same(series?.bars.map(({ time }) => time), ['2025-03-07', '2025-03-10', '2025-03-11'])
  t.same(series?.bars[0], { time: '2025-03-07', open: 10, high: 11, low: 9, close: 10.5, volume: 10, vwap: null, trades: null })
  t.equal(answer.as_of, '2025-03-11T04:00:00Z')
  t.ok(fits(BarSeriesSchema, series))

  const raw = await bars!.fetch(window({ adjustment: 'raw' }), call)
  t.match(raw.data.items.NOVA, { adjustment: 'raw', bars: [{ open: 22, volume: null }, { open: 24 }] })
  const all = await bars!.fetch(window({ adjustment: 'all' }), call)
  t.match(all.data.items.NOVA, { adjustment: 'all' })
  t.same(requests.slice(1).map(({ path }) => path.split('/').at(-1)), ['non-split-adjusted', 'dividend-adjusted'])
})

test('the window and the limit hold whatever FMP sends', async t => {
  const { call } = fakeCall(() => fixture('daily'))
  const later = await bars!.fetch(window({ start: new Date('2025-03-10T04:00:00Z'), end: new Date('2025-03-11T04:00:00Z') }), call)
  t.same(later.data.items.NOVA?.bars.map(({ time }) => time), ['2025-03-10'])
  const last = await bars!.fetch(window({ limit: 1 }), call)
  t.same(last.data.items.NOVA?.bars.map(({ time }) => time), ['2025-03-11'])
  const none = await bars!.fetch(window({ start: new Date('2025-03-15T04:00:00Z'), end: new Date('2025-03-17T04:00:00Z') }), call)
  t.same(none.data.items.NOVA?.bars, [], 'known, but nothing in the window')
  t.equal(none.as_of, null)
})

test('weeks and months are made of whole weeks and months of days', async t => {
  const { call, requests } = fakeCall(() => fixture('daily'))
  const weeks = await bars!.fetch(window({ timeframe: '1week', start: new Date('2025-03-05T05:00:00Z') }), call)
  t.match(requests[0]?.query, { from: '2025-03-03', to: '2025-03-16' })
  t.same(weeks.data.items.NOVA?.bars, [
    { time: '2025-03-03', open: 10, high: 11, low: 9, close: 10.5, volume: 10, vwap: null, trades: null },
    { time: '2025-03-10', open: 11, high: 14, low: 10, close: 13, volume: 50, vwap: null, trades: null }
  ])
  const months = await bars!.fetch(window({ timeframe: '1month' }), call)
  t.match(requests[1]?.query, { from: '2025-03-01', to: '2025-03-31' })
  t.match(months.data.items.NOVA?.bars, [{ time: '2025-03-01', open: 10, close: 13, volume: 60 }])
})

test('intraday bars are read in New York, across the change of its clocks', async t => {
  const { call, requests } = fakeCall(() => fixture('intraday'))
  const { data } = await bars!.fetch(window({ timeframe: '1hour', adjustment: 'raw' }), call)
  t.same(requests[0], {
    path: '/historical-chart/1hour',
    query: { symbol: 'NOVA', from: '2025-03-07', to: '2025-03-11', nonadjusted: true },
    plan_line: 'stock'
  })
  t.same(data.items.NOVA?.bars.map(({ time }) => time),
    ['2025-03-07T20:30:00Z', '2025-03-10T13:30:00Z', '2025-03-10T14:30:00Z'])
  t.ok(fits(BarSeriesSchema, data.items.NOVA))
  await bars!.fetch(window({ timeframe: '5min' }), call)
  t.notOk(requests[1]?.query?.nonadjusted)
  await t.rejects(bars!.fetch(window({ timeframe: '1hour', adjustment: 'all' }), call), code('PROVIDER_NOT_ENTITLED'))
})

test('listings abroad, other kinds and old bars lie behind lines of the plan', async t => {
  const { call, requests } = fakeCall(() => [])
  const linesOf = async (ask: Promise<unknown>) => {
    await ask.catch(() => {})
    return [...new Set(requests.splice(0).map(({ plan_line: line }) => line))]
  }
  t.same(await linesOf(quote!.fetch({ instruments: instruments('EVO.ST') }, call)), ['non-US'])
  t.same(await linesOf(quote!.fetch({ instruments: instruments('BRK.B') }, call)), ['stock'])
  t.same(await linesOf(profile!.fetch({ instrument: parseSymbol('EVO.ST') }, call)), ['non-US'])
  t.same(await linesOf(bars!.fetch(window({ start: new Date('2019-01-02T05:00:00Z') }), call)), ['stock over 5 years'])
  t.same(await linesOf(bars!.fetch(window({ instruments: instruments('BTC/USD') }), call)), ['crypto'])
  const start = new Date('2024-01-01T00:00:00Z')
  t.same(await linesOf(news!.fetch({ instruments: instruments('NOVA', 'EVO.ST'), start, limit: 5 }, call)),
    ['non-US over 1 year, stock over 1 year'])
  t.same(await linesOf(news!.fetch({ instruments: [], start, limit: 5 }, call)), ['stock over 1 year'])
})

test('options are left to other providers', async t => {
  const { call, requests } = fakeCall(() => [])
  await t.rejects(search!.fetch({ query: 'nova', limit: 5, asset_class: 'option' }, call), code('PROVIDER_NOT_ENTITLED'))
  t.equal(requests.length, 0)
  t.ok(Object.values(fmp.capabilities).every(({ asset_classes: kinds }) => !kinds?.includes('option')))
})

test('what is no stock is not adjusted', async t => {
  const { call, requests } = fakeCall(({ query }) => [{ symbol: query?.symbol, date: '2025-03-10', open: 1, high: 2, low: 1, close: 2, volume: 9, vwap: 1.5 }])
  const asked = instruments('BTC/USD', 'EUR/USD', 'I:SPX')
  const { data } = await bars!.fetch(window({ instruments: asked, adjustment: 'all' }), call)
  t.ok(requests.every(({ path }) => path === '/historical-price-eod/full'))
  t.match(data.items['BTC/USD'], { adjustment: 'raw', currency: 'USD', session: 'continuous', time_zone: 'UTC', bars: [{ volume: null }] })
  t.match(data.items['EUR/USD'], { currency: 'USD', session: 'continuous', bars: [{ volume: 9 }] })
  t.match(data.items['I:SPX'], { currency: null, session: 'regular', time_zone: 'America/New_York' })
})

test('bars of another symbol, without readable rows or without any are failures', async t => {
  const fetchOf = (body: unknown) => bars!.fetch(window(), fakeCall(() => body).call)
  await t.rejects(fetchOf([{ symbol: 'WRONG', date: '2025-03-10', open: 1, high: 1, low: 1, close: 1 }]), code('PROVIDER_MALFORMED'))
  await t.rejects(fetchOf([{ symbol: 'NOVA', date: '2025-03-10', open: 1, high: 1, low: 1, close: null }]), code('PROVIDER_MALFORMED'))
  await t.rejects(fetchOf({ historical: [] }), code('PROVIDER_MALFORMED'))
  t.match((await fetchOf([])).data.failures.NOVA, code('SYMBOL_NOT_FOUND'))
})

test('a search joins both lists, each symbol once, symbol hits first', async t => {
  const { call, requests } = fakeCall(({ path }) => fixture(path.slice(1)))
  const { data } = await search!.fetch({ query: 'nova', limit: 10 }, call)
  t.same(requests.map(({ path }) => path).sort(), ['/search-name', '/search-symbol'])
  t.same(data[0], {
    symbol: 'NOVA.B', name: 'Nova Mills Class B', asset_class: 'stock', exchange: 'NYSE', type: null, currency: 'USD', active: null
  })
  t.same(data.map(({ symbol, asset_class: kind }) => [symbol, kind]),
    [['NOVA.B', 'stock'], ['NOVA/USD', 'crypto'], ['NOV.ST', 'stock'], ['I:NOVX', 'index']])
  t.ok(fits(Type.Array(SymbolMatchSchema), data))
  t.same((await search!.fetch({ query: 'nova', limit: 1, asset_class: 'crypto' }, call)).data.map(({ symbol }) => symbol), ['NOVA/USD'])
})

test('one of the two lists is enough for a search', async t => {
  const { call } = fakeCall(({ path }) => {
    if (path === '/search-symbol') throw notEntitled()
    return fixture('search-name')
  })
  t.equal((await search!.fetch({ query: 'nova', limit: 2 }, call)).data.length, 2)
  await t.rejects(search!.fetch({ query: 'nova', limit: 2 }, fakeCall(() => { throw notEntitled() }).call), code('PROVIDER_NOT_ENTITLED'))
})

test('a profile has numbers where FMP sends text, and does without peers', async t => {
  const { call } = fakeCall(({ path }) => fixture(path.slice(1)))
  const { data } = await profile!.fetch({ instrument: parseSymbol('NOVA') }, call)
  t.same(data, {
    symbol: 'NOVA',
    name: 'Nova Mills & Sons',
    description: 'Mills grain. Sells flour.',
    exchange: 'NYSE',
    sector: 'Consumer Defensive',
    industry: 'Grain',
    country: 'US',
    currency: 'USD',
    market_cap: 830000000,
    shares_outstanding: null,
    employees: 1200,
    ceo: 'Ada Miller',
    website: 'https://nova.example',
    ipo_date: '1999-04-01',
    cik: '0000999999',
    peers: ['MILL', 'GRN.A']
  })
  t.ok(fits(CompanyProfileSchema, data))
  const alone = fakeCall(({ path }) => {
    if (path === '/stock-peers') throw notEntitled()
    return fixture('profile')
  })
  t.equal((await profile!.fetch({ instrument: parseSymbol('NOVA') }, alone.call)).data.peers, null)
  await t.rejects(profile!.fetch({ instrument: parseSymbol('GONE') }, fakeCall(() => []).call), code('SYMBOL_NOT_FOUND'))
  await t.rejects(profile!.fetch({ instrument: parseSymbol('ELSE') }, call), code('PROVIDER_MALFORMED'))
})

test('news is plain text, newest first, one article a link, about the symbols asked for', async t => {
  const { call, requests } = fakeCall(() => fixture('news-stock'))
  const asked = { instruments: instruments('NOVA', 'NOVA.B'), start: new Date('2025-03-12T00:00:00Z'), end: new Date('2025-03-14T00:00:00Z'), limit: 10 }
  const { data, as_of: asOf } = await news!.fetch(asked, call)
  t.same(requests, [{
    path: '/news/stock',
    query: { symbols: 'NOVA,NOVA-B', limit: 10, from: '2025-03-11', to: '2025-03-13' },
    plan_line: 'stock'
  }])
  t.same(data.map(({ title }) => title), ['Nova closes a mill', 'Nova mills more', 'Undated'])
  t.same(data[0], {
    id: null,
    title: 'Nova closes a mill',
    summary: null,
    url: null,
    source: 'post.example',
    author: null,
    published_at: '2025-03-13T20:00:00Z',
    symbols: ['NOVA'],
    sentiment: null
  })
  t.match(data[1], { source: 'Wire', published_at: '2025-03-12T13:05:00Z', symbols: ['NOVA', 'NOVA.B'] })
  t.equal(data[2]?.published_at, null)
  t.equal(asOf, '2025-03-13T20:00:00Z')
  t.ok(fits(Type.Array(NewsArticleSchema), data))
  t.equal((await news!.fetch({ ...asked, limit: 1 }, call)).data.length, 1)
  await t.rejects(news!.fetch({ instruments: instruments('GONE'), limit: 5 }, call), code('PROVIDER_MALFORMED'))
})

test('news without symbols is that of the market, and pairs have lists of their own', async t => {
  const { call, requests } = fakeCall(() => [{ symbol: null, title: 'Grain', publishedDate: '2025-03-12 09:05:00' }])
  t.match((await news!.fetch({ instruments: [], limit: 5 }, call)).data, [{ title: 'Grain', symbols: [] }])
  t.same(requests[0], { path: '/news/general-latest', query: { limit: 5 }, plan_line: 'stock' })
  const pairs = fakeCall(({ query }) => [{ symbol: query?.symbols, title: String(query?.symbols) }])
  await news!.fetch({ instruments: instruments('BTC/USD', 'EUR/USD'), limit: 5 }, pairs.call)
  t.same(pairs.requests.map(({ path }) => path).sort(), ['/news/crypto', '/news/forex'])
})

test('the state of the market tells the next bell of today only', async t => {
  const row = { ...(fixture('market-hours') as object[])[0] }
  const stateAt = async (now: string, changes: object = {}) => {
    const { call } = fakeCall(() => [{ ...row, ...changes }], { now: new Date(now) })
    return (await marketStatus!.fetch({}, call)).data
  }
  const open = await stateAt('2025-03-14T15:00:00Z')
  t.same(open, {
    market: 'NASDAQ',
    is_open: true,
    session: 'regular',
    next_open: null,
    next_close: '2025-03-14T20:00:00Z',
    holiday: null,
    time_zone: 'America/New_York'
  })
  t.ok(fits(MarketStatusSchema, open))
  t.match(await stateAt('2025-03-14T12:00:00Z', { isMarketOpen: false }),
    { session: 'closed', next_open: '2025-03-14T13:30:00Z', next_close: '2025-03-14T20:00:00Z' })
  t.match(await stateAt('2025-03-15T15:00:00Z', { isMarketOpen: false, openingHour: 'CLOSED', closingHour: 'CLOSED' }),
    { is_open: false, next_open: null, next_close: null })
  await t.rejects(marketStatus!.fetch({}, fakeCall(() => []).call), code('PROVIDER_MALFORMED'))
})

test('errors are known by their text under any status', async t => {
  const classOf = (status: number, body: unknown, text = '') => fmp.classify!({ status, body, text })?.code
  for (const status of [200, 429]) t.equal(classOf(status, { 'Error Message': 'Limit Reach . Please upgrade' }), 'PROVIDER_QUOTA')
  for (const status of [200, 401]) t.equal(classOf(status, { 'Error Message': 'Invalid API KEY. Feel free' }), 'PROVIDER_REJECTED_KEY')
  t.equal(classOf(402, { 'Error Message': 'Exclusive Endpoint : not yours' }), 'PROVIDER_NOT_ENTITLED')
  t.equal(classOf(403, { 'Error Message': 'Legacy Endpoint : gone' }), 'PROVIDER_NOT_ENTITLED')
  t.equal(classOf(200, { error: 'This value is not available under your current subscription' }), 'PROVIDER_NOT_ENTITLED')
  const text = "Premium Query Parameter: 'Special Endpoint'"
  t.same(fmp.classify!({ status: 402, body: undefined, text }), { code: 'PROVIDER_NOT_ENTITLED', message: text })
  for (const about of ["Premium Query Parameter: 'Special Endpoint : This value set for 'symbol' is not available", "Premium Query Parameter: 'symbol'"]) {
    t.match(fmp.classify!({ status: 402, body: undefined, text: about }), { code: 'PROVIDER_NOT_ENTITLED', about: 'symbol' })
  }
  const limit = "Premium Query Parameter: 'Special Parameters : The values for 'limit' must be between 0 and 5"
  t.notOk(fmp.classify!({ status: 402, body: undefined, text: limit })?.about)
  t.equal(classOf(200, { message: 'Something else' }), 'PROVIDER_UNAVAILABLE')
  t.equal(classOf(404, [], '[]'), undefined, 'a wrong path is left to the default')
  t.equal(classOf(200, []), undefined)
})

test('the key goes in a header, and the cheapest call proves it', async t => {
  t.same(fmp.authHeaders({ api_key: 'k' }), { apikey: 'k' })
  t.same(fmp.baseUrls({}, fakeCall(() => []).call.settings), { main: 'https://financialmodelingprep.com/stable' })
  await fmp.test(fakeCall(() => fixture('quote')).call)
  await t.rejects(fmp.test(fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})
