import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { Type, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { finnhub } from '../../providers/finnhub/index.ts'
import { fromUpstreamSymbol, toUpstreamSymbol } from '../../providers/finnhub/normalise.ts'
import type { BarsInput, ProviderCall } from '../../providers/types.ts'
import {
  BarSeriesSchema, CompanyProfileSchema, MarketStatusSchema, NewsArticleSchema, QuoteSchema, SymbolMatchSchema
} from '../../schemas/market.ts'
import { fakeCall } from './fake-call.ts'

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/finnhub/${name}.json`, import.meta.url), 'utf8'))
const fits = (schema: TSchema, value: unknown) => Value.Check(schema, value)
const { quote, bars, search, profile, news, market_status: marketStatus } = finnhub.capabilities
const instruments = (...symbols: string[]) => symbols.map(parseSymbol)
const code = (name: string) => ({ code: `FMS_${name}` })
const seconds = (instant: string) => Date.parse(instant) / 1000

const window = (input: Partial<BarsInput> = {}): BarsInput => ({
  instruments: instruments('NOVA'),
  timeframe: '1day',
  start: new Date('2025-03-07T05:00:00Z'),
  end: new Date('2025-03-12T04:00:00Z'),
  adjustment: 'split',
  limit: 100,
  ...input
})

test('symbols go out in Finnhub\'s spelling and come back in ours', async t => {
  for (const [ours, theirs] of [
    ['BRK.B', 'BRK.B'], ['SAP.DE', 'SAP.DE'], ['BTC/USD', 'BINANCE:BTCUSDT'], ['ETH/BTC', 'BINANCE:ETHBTC'],
    ['EUR/USD', 'OANDA:EUR_USD'], ['I:SPX', '^GSPC']
  ] as const) {
    t.equal(toUpstreamSymbol(parseSymbol(ours)), theirs)
    t.equal(fromUpstreamSymbol(theirs), ours)
  }
  t.equal(fromUpstreamSymbol('ELSE:NOVA'), 'ELSE:NOVA')
})

test('a quote has no volume, bid or ask', async t => {
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
          change_percent: 1.2195,
          open: 41.1,
          high: 41.9,
          low: 40.75,
          previous_close: 41,
          volume: null,
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

test('a quote of zeros is an unknown symbol, never a price', async t => {
  const { call } = fakeCall(({ query }) => fixture(query?.symbol === 'GONE' ? 'quote-unknown' : 'quote'))
  const { data } = await quote!.fetch({ instruments: instruments('NOVA', 'GONE') }, call)
  t.same(Object.keys(data.items), ['NOVA'])
  t.match(data.failures.GONE, code('SYMBOL_NOT_FOUND'))
  const noPrice = fakeCall(() => ({ c: 0, d: null, dp: null, h: 0, l: 0, o: 0, pc: 41, t: 0 }))
  await t.rejects(quote!.fetch({ instruments: instruments('NOVA') }, noPrice.call), code('PROVIDER_MALFORMED'))
  const sparse = fakeCall(() => ({ c: 2, h: 0, l: 0, o: 0, pc: 0, t: 0 }))
  const { data: thin } = await quote!.fetch({ instruments: instruments('NOVA') }, sparse.call)
  t.match(thin.items.NOVA, { price: 2, change: null, change_percent: null, open: null, as_of: null })
})

test('quotes run five at once', async t => {
  let running = 0
  let most = 0
  const { call, requests } = fakeCall(async () => {
    most = Math.max(most, ++running)
    await new Promise(resolve => setImmediate(resolve))
    running--
    return fixture('quote')
  })
  await quote!.fetch({ instruments: instruments('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H') }, call)
  t.equal(most, 5)
  t.equal(requests.length, 8)
})

test('a failure of the key is that of the request; one of a symbol is the symbol\'s', async t => {
  const quota = () => problem('PROVIDER_QUOTA', 'used up', { provider: 'finnhub' })
  const dead = fakeCall(() => { throw quota() })
  const eight = instruments('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H')
  await t.rejects(quote!.fetch({ instruments: eight }, dead.call), code('PROVIDER_QUOTA'))
  t.equal(dead.requests.length, 5, 'no more are sent')
  const { call } = fakeCall(({ query }) => {
    if (query?.symbol === 'SAP.DE') throw problem('PROVIDER_NOT_ENTITLED', 'not in the plan', { provider: 'finnhub' })
    return fixture('quote')
  })
  const { data } = await quote!.fetch({ instruments: instruments('NOVA', 'SAP.DE') }, call)
  t.ok(data.items.NOVA)
  t.match(data.failures['SAP.DE'], code('PROVIDER_NOT_ENTITLED'))
})

test('the caller\'s abort reaches the caller', async t => {
  const { call } = fakeCall(() => { throw new DOMException('gone', 'AbortError') })
  await t.rejects(quote!.fetch({ instruments: instruments('A') }, call), { name: 'AbortError' })
  await t.rejects(profile!.fetch({ instrument: parseSymbol('A') }, call), { name: 'AbortError' })
})

test('a pair is quoted by its latest daily candles, with the feed named', async t => {
  const { call, requests } = fakeCall(() => fixture('candles-daily'))
  const { data, feed } = await quote!.fetch({ instruments: instruments('BTC/USD') }, call)
  t.match(requests, [{ path: '/crypto/candle', query: { symbol: 'BINANCE:BTCUSDT', resolution: 'D', to: seconds('2025-03-14T15:00:00Z') - 1 } }])
  t.match(data.items['BTC/USD'], {
    price: 13, open: 12, high: 14, low: 11, previous_close: 11.5, change: 1.5, volume: 30, as_of: null, feed: 'binance', currency: 'USD'
  })
  t.equal(feed, 'binance')
  t.ok(fits(QuoteSchema, data.items['BTC/USD']))
  const none = fakeCall(() => ({ s: 'no_data' }))
  t.match((await quote!.fetch({ instruments: instruments('EUR/USD') }, none.call)).data.failures, { 'EUR/USD': code('SYMBOL_NOT_FOUND') })
})

test('daily candles are stamped in UTC and kept by trading day', async t => {
  const { call, requests } = fakeCall(() => fixture('candles-daily'))
  const answer = await bars!.fetch(window(), call)
  t.same(requests, [{
    path: '/stock/candle',
    query: { symbol: 'NOVA', resolution: 'D', from: seconds('2025-03-06T00:00:00Z'), to: seconds('2025-03-12T04:00:00Z') - 1 },
    plan_line: 'daily stock'
  }])
  const series = answer.data.items.NOVA
  t.match(series, { adjustment: 'split', session: 'regular', currency: 'USD', time_zone: 'America/New_York', feed: null })
  t.same(series?.bars.map(({ time }) => time), ['2025-03-07', '2025-03-10', '2025-03-11'])
  t.same(series?.bars[0], { time: '2025-03-07', open: 10, high: 11, low: 9, close: 10.5, volume: 10, vwap: null, trades: null })
  t.equal(answer.as_of, '2025-03-11T04:00:00Z')
  t.ok(fits(BarSeriesSchema, series))
  const short = await bars!.fetch(window({ start: new Date('2025-03-10T04:00:00Z'), limit: 1 }), call)
  t.same(short.data.items.NOVA?.bars.map(({ time }) => time), ['2025-03-11'])
})

test('weeks are named by their Monday, and a day of forex by the date it ends on', async t => {
  const columns = (stamp: string) => ({ s: 'ok', t: [seconds(stamp)], o: [1], h: [1], l: [1], c: [1] })
  const weekly = fakeCall(() => columns('2025-03-10T00:00:00Z'))
  const { data } = await bars!.fetch(window({ timeframe: '1week', start: new Date('2025-03-11T04:00:00Z') }), weekly.call)
  t.match(data.items.NOVA?.bars, [{ time: '2025-03-10', volume: null }])
  const forex = fakeCall(() => columns('2025-03-09T21:00:00Z'))
  const pair = await bars!.fetch(window({ instruments: instruments('EUR/USD'), adjustment: 'all' }), forex.call)
  t.match(forex.requests[0], { path: '/forex/candle', query: { symbol: 'OANDA:EUR_USD' } })
  t.match(pair.data.items['EUR/USD'], { adjustment: 'raw', session: 'continuous', time_zone: 'UTC', bars: [{ time: '2025-03-10' }] })
})

test('intraday candles are raw and come a month a call, until there are enough', async t => {
  const input = window({ timeframe: '1hour', adjustment: 'raw', start: new Date('2025-01-01T05:00:00Z') })
  const { call, requests } = fakeCall(({ query }) =>
    Number(query?.to) > seconds('2025-03-10T00:00:00Z') ? fixture('candles-hour') : { s: 'no_data' })
  const { data } = await bars!.fetch(input, call)
  t.same(data.items.NOVA?.bars.map(({ time }) => time), ['2025-03-10T13:30:00Z', '2025-03-10T14:30:00Z'])
  t.equal(data.items.NOVA?.adjustment, 'raw')
  t.same(requests.map(({ query }) => [query?.resolution, query?.from, query?.to]), [
    ['60', seconds('2025-02-10T04:00:00Z'), seconds('2025-03-12T04:00:00Z') - 1],
    ['60', seconds('2025-01-11T04:00:00Z'), seconds('2025-02-10T04:00:00Z') - 1]
  ], 'and no further than the first empty month')
  await bars!.fetch({ ...input, limit: 2 }, call)
  t.equal(requests.length, 3, 'one call had enough')
  const old = fakeCall(() => fixture('candles-hour'))
  await t.rejects(bars!.fetch({ ...input, start: new Date('2020-01-01T05:00:00Z') }, old.call), code('PROVIDER_NOT_ENTITLED'))
  t.equal(old.requests.length, 12)
})

test('a request says where a plan draws its line, so that one refusal is not another\'s', async t => {
  const lineOf = async (ask: (call: ProviderCall) => Promise<unknown>) => {
    const { call, requests } = fakeCall(() => { throw problem('PROVIDER_NOT_ENTITLED', 'not in the plan') })
    await ask(call).catch(() => {})
    return [...new Set(requests.map(({ path, plan_line: line }) => `${path} ${line}`))]
  }
  const symbols = (...names: string[]) => ({ instruments: instruments(...names) })
  t.same(await lineOf(call => quote!.fetch(symbols('NOVA', 'SAP.DE', 'BRK.B', 'I:SPX'), call)),
    ['/quote stock', '/quote non-US', '/quote index'])
  t.same(await lineOf(call => quote!.fetch(symbols('BTC/USD', 'EUR/USD'), call)),
    ['/crypto/candle daily crypto', '/forex/candle daily forex'])
  const hour = { timeframe: '1hour', adjustment: 'raw' } as const
  t.same(await lineOf(call => bars!.fetch(window(hour), call)), ['/stock/candle intraday stock'])
  const old = { start: new Date('2019-03-07T05:00:00Z') }
  t.same(await lineOf(call => bars!.fetch(window(old), call)), ['/stock/candle daily stock over 5 years'])
  t.same(await lineOf(call => profile!.fetch({ instrument: parseSymbol('SAP.DE') }, call)),
    ['/stock/profile2 non-US', '/stock/peers non-US'])
  const past = { ...symbols('NOVA'), start: new Date('2024-01-01T05:00:00Z'), limit: 5 }
  t.same(await lineOf(call => news!.fetch(past, call)), ['/company-news stock over 1 year'])
})

test('an adjustment that Finnhub lacks is asked of another provider', async t => {
  const { call, requests } = fakeCall(() => fixture('candles-daily'))
  for (const adjustment of ['raw', 'all'] as const) {
    await t.rejects(bars!.fetch(window({ adjustment }), call), code('PROVIDER_NOT_ENTITLED'))
  }
  await t.rejects(bars!.fetch(window({ timeframe: '5min', adjustment: 'split' }), call), code('PROVIDER_NOT_ENTITLED'))
  t.equal(requests.length, 0)
  const { data } = await bars!.fetch(window({ instruments: instruments('NOVA', 'I:SPX', 'BTC/USD'), adjustment: 'raw' }), call)
  t.match(data.items, { 'I:SPX': { adjustment: 'raw', currency: null }, 'BTC/USD': { adjustment: 'raw', feed: 'binance' } })
  t.match(data.failures, { NOVA: code('PROVIDER_NOT_ENTITLED') })
})

test('candles without data are an unknown symbol; broken columns are malformed', async t => {
  const fetchOf = (body: unknown, input = window()) => bars!.fetch(input, fakeCall(() => body).call)
  t.match((await fetchOf({ s: 'no_data' })).data.failures.NOVA, code('SYMBOL_NOT_FOUND'))
  t.match((await fetchOf({ s: 'no_data' }, window({ timeframe: '5min', adjustment: 'raw' }))).data.failures.NOVA, code('SYMBOL_NOT_FOUND'))
  for (const broken of [
    { s: 'ok', t: [1741564800, 1741651200], o: [1], h: [1], l: [1], c: [1], v: [1] },
    { s: 'ok', t: [1741564800], o: [1], h: [1], l: [1], c: [null], v: [1] },
    { s: 'ok', t: [1741564800], o: [1], h: [1], l: [1], c: [1], v: [1, 2] },
    {}, [], null
  ]) await t.rejects(fetchOf(broken), code('PROVIDER_MALFORMED'))
})

test('a search keeps listings abroad as they are', async t => {
  const { call, requests } = fakeCall(() => fixture('search'))
  const { data } = await search!.fetch({ query: 'nova', limit: 10 }, call)
  t.same(requests, [{ path: '/search', query: { q: 'nova' } }])
  t.same(data[0], {
    symbol: 'NOVA', name: 'NOVA MILLS', asset_class: 'stock', exchange: null, type: 'Common Stock', currency: null, active: null
  })
  t.same(data.map(({ symbol, asset_class: kind }) => [symbol, kind]),
    [['NOVA', 'stock'], ['NOV.ST', 'stock'], ['NOVA/USD', 'crypto'], ['ELSE:NOVA', null]])
  t.ok(fits(Type.Array(SymbolMatchSchema), data))
  t.equal((await search!.fetch({ query: 'nova', limit: 1, asset_class: 'stock' }, call)).data.length, 1)
  await t.rejects(search!.fetch({ query: 'nova', limit: 1 }, fakeCall(() => []).call), code('PROVIDER_MALFORMED'))
})

test('a profile is in units, not in millions, and does without peers', async t => {
  const { call } = fakeCall(({ path }) => fixture(path.replace('/stock/', '')))
  const { data } = await profile!.fetch({ instrument: parseSymbol('NOVA') }, call)
  t.same(data, {
    symbol: 'NOVA',
    name: 'Nova Mills',
    description: null,
    exchange: 'NEW YORK STOCK EXCHANGE',
    sector: null,
    industry: 'Food',
    country: 'US',
    currency: 'USD',
    market_cap: 830250000,
    shares_outstanding: 20006000,
    employees: null,
    ceo: null,
    website: 'https://nova.example/',
    ipo_date: '1999-04-01',
    cik: null,
    peers: ['MILL', 'GRN.A']
  })
  t.ok(fits(CompanyProfileSchema, data))
  const alone = fakeCall(({ path }) => {
    if (path === '/stock/peers') throw problem('PROVIDER_NOT_ENTITLED', 'not in the plan')
    return { ticker: 'NOVA', name: 'Nova Mills' }
  })
  t.match((await profile!.fetch({ instrument: parseSymbol('NOVA') }, alone.call)).data, { peers: null, market_cap: null })
})

test('an empty profile is an unknown symbol, and that of the home listing of an ADR is malformed', async t => {
  await t.rejects(profile!.fetch({ instrument: parseSymbol('GONE') }, fakeCall(() => ({})).call), code('SYMBOL_NOT_FOUND'))
  await t.rejects(profile!.fetch({ instrument: parseSymbol('NOVA') }, fakeCall(() => []).call), code('PROVIDER_MALFORMED'))
  const home = fakeCall(() => ({ ticker: '9999.TW', name: 'Nova', currency: 'TWD', marketCapitalization: 5 }))
  await t.rejects(profile!.fetch({ instrument: parseSymbol('NOVA') }, home.call), code('PROVIDER_MALFORMED'))
})

test('company news is that of a week, newest first, without other companies', async t => {
  const { call, requests } = fakeCall(() => fixture('company-news'))
  const { data, as_of: asOf } = await news!.fetch({ instruments: instruments('NOVA'), limit: 10 }, call)
  t.same(requests, [{ path: '/company-news', query: { symbol: 'NOVA', from: '2025-03-07', to: '2025-03-14' }, plan_line: 'stock' }])
  t.same(data.map(({ title }) => title), ['Nova closes a mill', 'Nova mills more'])
  t.same(data[1], {
    id: '11',
    title: 'Nova mills more',
    summary: 'Flour is up.',
    url: 'https://wire.example/1',
    source: 'Wire',
    author: null,
    published_at: '2025-03-12T09:05:00Z',
    symbols: ['NOVA'],
    sentiment: null
  })
  t.equal(asOf, '2025-03-13T20:00:00Z')
  t.ok(fits(Type.Array(NewsArticleSchema), data))
  const late = { instruments: instruments('NOVA'), start: new Date('2025-03-13T00:00:00Z'), end: new Date('2025-03-14T00:00:00Z'), limit: 10 }
  t.equal((await news!.fetch(late, call)).data.length, 1)
})

test('news of several companies takes a call each, joins an article of two, and hides no failure', async t => {
  const shared = (related: string) => [{ id: 11, headline: 'Both', related, url: 'https://wire.example/1', datetime: 1741770300 }]
  const { call } = fakeCall(({ query }) => shared(String(query?.symbol)))
  const { data } = await news!.fetch({ instruments: instruments('A', 'B'), limit: 5 }, call)
  t.match(data, [{ title: 'Both', symbols: ['A', 'B'] }])
  t.equal(data.length, 1)
  await t.rejects(news!.fetch({ instruments: instruments('A', 'B', 'C', 'D', 'E', 'F'), limit: 5 }, call), code('INVALID_INPUT'))
  const half = fakeCall(({ query }) => {
    if (query?.symbol === 'SAP.DE') throw problem('PROVIDER_NOT_ENTITLED', 'not in the plan')
    return shared('A')
  })
  await t.rejects(news!.fetch({ instruments: instruments('A', 'SAP.DE'), limit: 5 }, half.call), code('PROVIDER_NOT_ENTITLED'))
  await t.rejects(news!.fetch({ instruments: instruments('Z'), limit: 5 }, half.call), code('PROVIDER_MALFORMED'))
})

test('news without symbols is that of the market', async t => {
  const { call, requests } = fakeCall(() => fixture('news'))
  const { data } = await news!.fetch({ instruments: [], limit: 5 }, call)
  t.same(requests, [{ path: '/news', query: { category: 'general' } }])
  t.match(data, [{ id: '21', symbols: ['NOVA', 'MILL'] }])
  await t.rejects(news!.fetch({ instruments: [], limit: 5 }, fakeCall(() => ({})).call), code('PROVIDER_MALFORMED'))
})

test('the state of the market knows its sessions', async t => {
  const stateOf = (changes: object) =>
    marketStatus!.fetch({}, fakeCall(() => ({ ...fixture('market-status') as object, ...changes })).call)
  const { data, as_of: asOf } = await stateOf({})
  t.same(data, { market: 'US', is_open: false, session: 'post', next_open: null, next_close: null, holiday: null, time_zone: 'America/New_York' })
  t.ok(fits(MarketStatusSchema, data))
  t.equal(asOf, '2025-03-13T20:10:00Z')
  t.match((await stateOf({ session: 'pre-market' })).data, { session: 'pre' })
  t.match((await stateOf({ session: 'regular', isOpen: true })).data, { session: 'regular', is_open: true })
  t.match((await stateOf({ session: null, holiday: 'Christmas' })).data, { session: 'closed', holiday: 'Christmas' })
  t.equal((await stateOf({ session: null, isOpen: true, t: null })).as_of, null)
  await t.rejects(stateOf({ isOpen: null }), code('PROVIDER_MALFORMED'))
})

test('an error under a status of success is known by its text, others by their status', async t => {
  const classOf = (status: number, error: string) => finnhub.classify!({ status, body: { error }, text: '' })?.code
  t.equal(classOf(200, 'API limit reached. Please try again later.'), 'PROVIDER_QUOTA')
  t.equal(classOf(200, 'Invalid API key'), 'PROVIDER_REJECTED_KEY')
  t.equal(classOf(200, "You don't have access to this resource."), 'PROVIDER_NOT_ENTITLED')
  t.equal(classOf(200, 'Something else'), 'PROVIDER_UNAVAILABLE')
  t.equal(classOf(403, "You don't have access to this resource."), undefined)
  t.equal(finnhub.classify!({ status: 200, body: fixture('quote'), text: '' }), undefined)
})

test('the key goes in a header, and the cheapest call proves it', async t => {
  t.same(finnhub.authHeaders({ api_key: 'k' }), { 'X-Finnhub-Token': 'k' })
  t.same(finnhub.baseUrls({}, fakeCall(() => []).call.settings), { main: 'https://finnhub.io/api/v1' })
  await finnhub.test(fakeCall(() => fixture('quote')).call)
  await t.rejects(finnhub.test(fakeCall(() => []).call), code('PROVIDER_MALFORMED'))
})
