import { test } from 'tap'
import { codeOf, problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { polygon } from '../../providers/polygon/index.ts'
import { fromUpstreamSymbol } from '../../providers/polygon/normalise.ts'
import type { BarsInput } from '../../providers/types.ts'
import {
  BarSeriesSchema, CompanyProfileSchema, MarketStatusSchema, NewsArticleSchema, QuoteSchema, SymbolMatchSchema
} from '../../schemas/market.ts'
import { ask, codeThrown, faults, fixture, instruments, refused } from '../fixtures/polygon/setup.ts'

const { quote, bars, search, profile, news, market_status: marketStatus } = polygon.capabilities

test('quotes of every kind come in one call', async t => {
  const { call, requests } = ask(() => fixture('snapshot'))
  const answer = await quote!.fetch({ instruments: instruments('AAPL', 'EUR/USD', 'I:SPX', 'ZZZZ', 'YYYY') }, call)
  t.same(requests, [{
    path: '/v3/snapshot',
    query: { 'ticker.any_of': 'AAPL,C:EURUSD,I:SPX,ZZZZ,YYYY', limit: 250 },
    plan_line: 'forex and index and stock'
  }])
  t.same(answer.data.items.AAPL, {
    symbol: 'AAPL',
    price: 250.3,
    currency: 'USD',
    change: 2.1,
    change_percent: 0.846092,
    open: 248.5,
    high: 251,
    low: 248.1,
    previous_close: 248.2,
    volume: 41000000,
    bid: 250.28,
    ask: 250.32,
    bid_size: null,
    ask_size: null,
    as_of: '2026-03-04T14:59:58.123Z',
    feed: null,
    delayed_by_seconds: 0
  })
  t.match(answer.data.items['EUR/USD'], { price: 1.085, currency: 'USD', change: 0.005, delayed_by_seconds: 900, as_of: '2026-03-04T14:59:50Z' })
  t.match(answer.data.items['I:SPX'], { price: 6890.5, currency: null, previous_close: 6880, delayed_by_seconds: 900 })
  t.same(faults(QuoteSchema, answer.data.items), [])
  t.same(Object.values(answer.data.failures).map(codeOf), ['SYMBOL_NOT_FOUND', 'SYMBOL_NOT_FOUND'])
  t.match(answer, { as_of: '2026-03-04T14:59:58.123Z', feed: null, delayed_by_seconds: null })
})

test('more symbols than a call takes are asked for in two', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', results: [] }))
  const many = Array.from({ length: 251 }, (_, index) => `S${index}`)
  const { data } = await quote!.fetch({ instruments: instruments(...many) }, call)
  t.same(requests.map(({ query }) => String(query?.['ticker.any_of']).split(',').length), [250, 1])
  t.equal(Object.keys(data.failures).length, 251)
})

test('a plan without snapshots gets the last close of five symbols, named so', async t => {
  const { call, requests } = ask(({ path }) => {
    if (path === '/v3/snapshot') throw refused()
    if (path.includes('MSFT')) return { status: 'OK', ticker: 'MSFT', queryCount: 0, resultsCount: 0 }
    const ticker = decodeURIComponent(path.split('/')[4]!)
    const t = ticker === 'AAPL' ? Date.parse('2026-03-03T21:00:00Z') : ticker === 'X:BTCUSD' ? Date.parse('2026-03-03T00:00:00Z') : Date.parse('2026-03-03T05:00:00Z')
    return { status: 'OK', ticker, results: [{ T: ticker, o: 9, h: 11, l: 8, c: 10, v: 5, t }] }
  })
  const answer = await quote!.fetch({ instruments: instruments('AAPL', 'BTC/USD', 'I:SPX', 'MSFT', 'BRK.B', 'TSLA') }, call)
  t.equal(requests.length, 6)
  t.same(requests[1], { path: '/v2/aggs/ticker/AAPL/prev', query: { adjusted: true }, plan_line: 'stock' })
  t.same(requests[3], { path: '/v2/aggs/ticker/I%3ASPX/prev', query: { adjusted: undefined }, plan_line: 'index' })
  t.same(answer.data.items.AAPL, {
    symbol: 'AAPL',
    price: 10,
    currency: 'USD',
    change: null,
    change_percent: null,
    open: 9,
    high: 11,
    low: 8,
    previous_close: null,
    volume: 5,
    bid: null,
    ask: null,
    bid_size: null,
    ask_size: null,
    as_of: '2026-03-03T21:00:00Z',
    feed: 'eod',
    delayed_by_seconds: null
  })
  t.equal(answer.data.items['BTC/USD']?.as_of, '2026-03-03T23:59:59.999Z')
  t.match(answer.data.items['I:SPX'], { as_of: '2026-03-03T21:00:00Z', currency: null })
  t.same(faults(QuoteSchema, answer.data.items), [])
  t.equal(codeOf(answer.data.failures.MSFT), 'SYMBOL_NOT_FOUND')
  t.equal(codeOf(answer.data.failures.TSLA), 'PROVIDER_NOT_ENTITLED')
  t.equal(answer.feed, 'eod')
})

test('a refusal of every way to a price is thrown, and another failure is not tried around', async t => {
  const { call } = ask(() => { throw refused() })
  t.equal(await codeThrown(quote!.fetch({ instruments: instruments('AAPL') }, call)), 'PROVIDER_NOT_ENTITLED')
  const { call: busy, requests } = ask(() => { throw problem('PROVIDER_QUOTA', 'later') })
  t.equal(await codeThrown(quote!.fetch({ instruments: instruments('AAPL') }, busy)), 'PROVIDER_QUOTA')
  t.equal(requests.length, 1)
})

test('a symbol without a price, or with zeros, falls back alone', async t => {
  const { call } = ask(({ path }) => {
    if (path !== '/v3/snapshot') throw refused()
    return {
      status: 'DELAYED',
      results: [
        { ticker: 'AAPL', session: { price: 0, close: 250 } },
        { ticker: 'X:BTCUSD', error: 'NOT_ENTITLED', message: 'not in the plan' },
        { ticker: 'MSFT', session: { price: 0, close: 0, open: 0 } }
      ]
    }
  })
  const { data } = await quote!.fetch({ instruments: instruments('AAPL', 'BTC/USD', 'MSFT') }, call)
  t.match(data.items, { AAPL: { price: 250, change: null, as_of: null, delayed_by_seconds: 900 } })
  t.same(Object.keys(data.items), ['AAPL'])
  t.same(Object.values(data.failures).map(codeOf), ['PROVIDER_NOT_ENTITLED', 'PROVIDER_NOT_ENTITLED'])
})

test('an answer about another symbol is malformed', async t => {
  const input = { instruments: instruments('AAPL') }
  const wrong = { status: 'OK', ticker: 'WRONG', results: [{ ticker: 'WRONG', T: 'WRONG', value: 1, title: 'x', tickers: ['WRONG'] }] }
  const { call } = ask(() => wrong)
  t.equal(await codeThrown(quote!.fetch(input, call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(bars!.fetch(barsInput({}), call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(news!.fetch({ ...input, limit: 1 }, call)), 'PROVIDER_MALFORMED')
  const { call: other } = ask(() => ({ status: 'OK', results: { ticker: 'WRONG' } }))
  t.equal(await codeThrown(profile!.fetch({ instrument: parseSymbol('AAPL') }, other)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(quote!.fetch(input, other)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(bars!.fetch(barsInput({}), ask(() => ({})).call)), 'PROVIDER_MALFORMED')
})

function barsInput (input: Partial<BarsInput>): BarsInput {
  return {
    instruments: instruments('AAPL'),
    timeframe: '1day',
    start: new Date('2026-03-02T05:00:00Z'),
    end: new Date('2026-03-04T15:00:00Z'),
    adjustment: 'split',
    limit: 10,
    ...input
  }
}

const bar = (t: string, c: number) => ({ t: Date.parse(t), o: c, h: c + 1, l: c - 1, c, v: 100, n: 5, vw: c })

test('pages are followed below the base address, and bars come oldest first', async t => {
  const { call, requests } = ask(({ query }) => query?.cursor
    ? { status: 'OK', ticker: 'AAPL', adjusted: true, results: [bar('2026-03-02T05:00:00Z', 10), bar('2026-02-27T05:00:00Z', 9)] }
    : {
        status: 'DELAYED',
        ticker: 'AAPL',
        adjusted: true,
        results: [bar('2026-03-04T05:00:00Z', 12), bar('2026-03-03T05:00:00Z', 11)],
        next_url: 'https://api.polygon.io:443/v2/aggs/ticker/AAPL/range/1/day/1/2?cursor=abc&apiKey=secret'
      })
  const answer = await bars!.fetch(barsInput({}), call)
  t.same(requests, [
    {
      path: '/v2/aggs/ticker/AAPL/range/1/day/2026-03-02/2026-03-04',
      query: { adjusted: true, sort: 'desc', limit: 12 },
      plan_line: 'stock until today'
    },
    { path: '/v2/aggs/ticker/AAPL/range/1/day/1/2', query: { cursor: 'abc' }, plan_line: 'stock until today' }
  ])
  t.same(answer.data.items.AAPL, {
    symbol: 'AAPL',
    timeframe: '1day',
    currency: 'USD',
    adjustment: 'split',
    feed: null,
    session: 'regular',
    time_zone: 'America/New_York',
    bars: [
      { time: '2026-03-02', open: 10, high: 11, low: 9, close: 10, volume: 100, vwap: 10, trades: 5 },
      { time: '2026-03-03', open: 11, high: 12, low: 10, close: 11, volume: 100, vwap: 11, trades: 5 },
      { time: '2026-03-04', open: 12, high: 13, low: 11, close: 12, volume: 100, vwap: 12, trades: 5 }
    ]
  })
  t.same(faults(BarSeriesSchema, answer.data.items), [])
  t.match(answer, { as_of: '2026-03-04T05:00:00Z', delayed_by_seconds: 900 })
})

test('a next page elsewhere is not followed', async t => {
  for (const nextUrl of ['https://api.massive.com/v1/other', 'no address', 7]) {
    const { call, requests } = ask(() => ({ status: 'OK', results: [], next_url: nextUrl }))
    t.equal(await codeThrown(bars!.fetch(barsInput({}), call)), 'PROVIDER_MALFORMED')
    t.equal(requests.length, 1)
  }
})

test('pages without end are not followed for ever', async t => {
  const next = (cursor: number) => `https://api.massive.com/v2/aggs/ticker/AAPL/x?cursor=${cursor}`
  const { call, requests } = ask(({ query }) => ({ status: 'OK', results: [], next_url: next(Number(query?.cursor ?? 0) + 1) }))
  const { data } = await bars!.fetch(barsInput({}), call)
  t.equal(requests.length, 20)
  t.equal(codeOf(data.failures.AAPL), 'SYMBOL_NOT_FOUND')
  const circle = ask(() => ({ status: 'OK', results: [], next_url: next(1) }))
  await bars!.fetch(barsInput({}), circle.call)
  t.equal(circle.requests.length, 2)
})

test('weeks are stamped with their Sunday and named by their Monday', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', results: [bar('2026-03-01T05:00:00Z', 11), bar('2026-02-22T05:00:00Z', 10)] }))
  const { data } = await bars!.fetch(barsInput({ timeframe: '1week', start: new Date('2026-02-23T05:00:00Z') }), call)
  t.equal(requests[0]?.path, '/v2/aggs/ticker/AAPL/range/1/week/2026-02-22/2026-03-10')
  t.equal(requests[0]?.query?.limit, 84)
  t.same(data.items.AAPL?.bars.map(({ time }) => time), ['2026-02-23', '2026-03-02'])
})

test('intraday bars end with a whole bar, and the one after the window is left out', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', adjusted: false, results: [bar('2026-03-04T15:00:00Z', 12), bar('2026-03-04T14:30:00Z', 11)] }))
  const { data } = await bars!.fetch(barsInput({ timeframe: '30min', adjustment: 'raw', limit: 5000 }), call)
  t.match(requests[0], { path: `/v2/aggs/ticker/AAPL/range/30/minute/${Date.parse('2026-03-02T05:00:00Z')}/${Date.parse('2026-03-04T15:30:00Z')}` })
  t.match(requests[0]?.query, { adjusted: false, limit: 50_000 })
  t.match(data.items.AAPL, { adjustment: 'raw', session: 'extended', bars: [{ time: '2026-03-04T14:30:00Z' }] })
})

test('crypto, forex and indices are asked for by prefix and named raw', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', results: [bar('2026-03-03T00:00:00Z', 5)] }))
  const input = barsInput({ instruments: instruments('BTC/EUR', 'EUR/USD', 'I:SPX'), adjustment: 'all' })
  const { data } = await bars!.fetch({ ...input, start: new Date('2026-03-02T00:00:00Z') }, call)
  t.same(requests.map(({ path }) => path.split('/')[4]), ['X%3ABTCEUR', 'C%3AEURUSD', 'I%3ASPX'])
  t.ok(requests.every(({ query }) => query?.adjusted === undefined))
  t.match(data.items['BTC/EUR'], { currency: 'EUR', adjustment: 'raw', session: 'continuous', time_zone: 'UTC' })
  t.match(data.items['I:SPX'], { currency: null, adjustment: 'raw', session: 'regular', bars: [{ time: '2026-03-02' }] })
})

test('dividend-adjusted bars are left to others', async t => {
  const { call, requests } = ask(() => ({}))
  t.equal(await codeThrown(bars!.fetch(barsInput({ adjustment: 'all' }), call)), 'PROVIDER_NOT_ENTITLED')
  t.same(requests, [])
})

test('search ranks what Polygon sorts by ticker, and drops what cannot be asked for', async t => {
  const { call, requests } = ask(() => fixture('tickers'))
  const { data } = await search!.fetch({ query: 'aapl', limit: 3, asset_class: 'stock' }, call)
  t.same(requests[0]?.query, { search: 'aapl', market: 'stocks', active: true, limit: 1000 })
  t.same(data.map(({ symbol }) => symbol), ['AAPL', 'AAPLW', 'I:AAPLX'])
  t.same(data[0], { symbol: 'AAPL', name: 'Apple Inc.', asset_class: 'stock', exchange: 'XNAS', type: 'CS', currency: 'USD', active: true })
  const all = await search!.fetch({ query: 'token', limit: 9 }, call)
  t.match(all.data[0], { symbol: 'AAPL/USD', asset_class: 'crypto', currency: 'USD' })
  t.equal(all.data.length, 4)
  t.same(faults(SymbolMatchSchema, all.data), [])
  t.same((await search!.fetch({ query: 'none', limit: 9 }, ask(() => ({ status: 'OK', count: 0 })).call)).data, [])
})

test('a profile comes with its peers, or without them', async t => {
  let peers: () => unknown = () => fixture('related')
  const { call } = ask(({ path }) => path.includes('related') ? peers() : fixture('ticker'))
  const instrument = parseSymbol('AAPL')
  const expected = {
    symbol: 'AAPL',
    name: 'Apple Inc.',
    description: 'Makes phones & computers.',
    exchange: 'XNAS',
    sector: null,
    industry: 'ELECTRONIC COMPUTERS',
    country: null,
    currency: 'USD',
    market_cap: 3_700_000_000_000,
    shares_outstanding: 14_800_000_000,
    employees: 164_000,
    ceo: null,
    website: 'https://www.apple.com',
    ipo_date: '1980-12-12',
    cik: '0000320193',
    peers: ['MSFT', 'BRK.B']
  }
  t.same((await profile!.fetch({ instrument }, call)).data, expected)
  t.same(faults(CompanyProfileSchema, [expected]), [])
  peers = () => { throw refused() }
  t.same((await profile!.fetch({ instrument }, call)).data, { ...expected, peers: null })
  peers = () => ({ status: 'OK', stock_symbol: 'WRONG', results: [] })
  t.equal((await profile!.fetch({ instrument }, call)).data.peers, null)
  peers = () => { throw new Error('aborted') }
  t.equal(await codeThrown(profile!.fetch({ instrument }, call)), 'INTERNAL')
  t.equal(await codeThrown(profile!.fetch({ instrument }, ask(() => ({ status: 'OK' })).call)), 'SYMBOL_NOT_FOUND')
})

test('news of several symbols is one call each, newest first and each article once', async t => {
  const { call, requests } = ask(({ query }) => query?.ticker === 'MSFT'
    ? { status: 'OK', results: [{ id: 'n2', title: 'Later', published_utc: '2026-03-04T13:00:00Z', tickers: ['MSFT', 'BACpK'] }, { id: 'n3' }] }
    : fixture('news'))
  const range = { start: new Date('2026-03-01'), end: new Date('2026-03-05') }
  const answer = await news!.fetch({ instruments: instruments('AAPL', 'MSFT', 'BTC/USD'), ...range, limit: 10 }, call)
  t.same(requests.map(({ query }) => query?.ticker), ['AAPL', 'MSFT', 'X:BTCUSD'])
  t.match(requests[0]?.query, { 'published_utc.gte': '2026-03-01T00:00:00Z', 'published_utc.lt': '2026-03-05T00:00:00Z', order: 'desc', limit: 10 })
  t.same(answer.data.map(({ id, symbols }) => [id, symbols]), [['n2', ['MSFT']], ['n1', ['AAPL', 'BTC/USD']]])
  t.equal(answer.as_of, '2026-03-04T13:00:00Z')
  t.same(faults(NewsArticleSchema, answer.data), [])
})

test('the sentiment of an article is that about the symbol asked for', async t => {
  const { call } = ask(() => fixture('news'))
  const { data } = await news!.fetch({ instruments: instruments('AAPL'), limit: 10 }, call)
  t.same(data, [{
    id: 'n1',
    title: 'Phones & more',
    summary: 'Summary',
    url: 'https://news.example/n1',
    source: 'News Example',
    author: 'A Writer',
    published_at: '2026-03-04T12:00:00Z',
    symbols: ['AAPL', 'BTC/USD'],
    sentiment: 'positive'
  }])
  t.match((await news!.fetch({ instruments: [], limit: 10 }, call)).data, [{ id: 'n1', sentiment: null }])
})

test('the market is open, before or after hours, or closed', async t => {
  const statusOf = (body: unknown) => marketStatus!.fetch({}, ask(() => body).call)
  t.same(await statusOf({ market: 'open', serverTime: '2026-03-04T10:00:00-05:00', earlyHours: false, afterHours: false }), {
    data: { market: 'US', is_open: true, session: 'regular', next_open: null, next_close: null, holiday: null, time_zone: 'America/New_York' },
    as_of: '2026-03-04T15:00:00Z'
  })
  t.equal((await statusOf({ market: 'extended-hours', earlyHours: true })).data.session, 'pre')
  t.equal((await statusOf({ market: 'extended-hours', afterHours: true })).data.session, 'post')
  const closed = await statusOf({ market: 'closed' })
  t.match(closed, { data: { session: 'closed', is_open: false }, as_of: null })
  t.same(faults(MarketStatusSchema, [closed.data]), [])
  t.equal(await codeThrown(statusOf({ status: 'OK' })), 'PROVIDER_MALFORMED')
})

test('tickers without a canonical spelling have none', t => {
  t.same(['X:BTCUSDT', 'C:XAUUSD', 'I:SPX', 'BRK.B', 'O:AAPL240621C00150000'].map(ticker => fromUpstreamSymbol(ticker)?.symbol),
    ['BTC/USDT', 'XAU/USD', 'I:SPX', 'BRK.B', 'AAPL240621C00150000'])
  t.same(['BACpK', 'O:AAPL240621C000150000', 'O:AAPL', 7].map(fromUpstreamSymbol), [null, null, null, null])
  t.end()
})

test('refusals are told apart by the word in the body', t => {
  const codeFor = (status: number, body: unknown) => polygon.classify!({ status, body, text: '' })?.code
  t.equal(codeFor(403, { status: 'NOT_AUTHORIZED', message: 'You are not entitled' }), 'PROVIDER_NOT_ENTITLED')
  t.equal(codeFor(200, { status: 'NOT_AUTHORIZED' }), 'PROVIDER_NOT_ENTITLED')
  t.equal(codeFor(404, { status: 'NOT_FOUND' }), 'SYMBOL_NOT_FOUND')
  t.equal(codeFor(404, undefined), undefined)
  t.equal(codeFor(200, { status: 'ERROR', error: "You've exceeded the maximum requests per minute" }), 'PROVIDER_QUOTA')
  t.equal(codeFor(200, { status: 'ERROR', error: 'Unknown API Key' }), 'PROVIDER_REJECTED_KEY')
  t.equal(codeFor(200, { status: 'ERROR', error: 'Something broke' }), 'PROVIDER_UNAVAILABLE')
  t.equal(codeFor(200, { status: 'DELAYED' }), undefined)
  t.end()
})

test('the key travels in a header, to one host, and is proved by the market status', async t => {
  t.same(polygon.authHeaders({ api_key: 'a' }), { authorization: 'Bearer a' })
  t.same(polygon.authHeaders({ key_id: 'a', secret_key: 'b' }), {})
  const settings = { alpaca_feed: 'iex', alpaca_environment: 'paper' } as const
  t.same(polygon.baseUrls({}, settings), { main: 'https://api.massive.com' })
  t.same(polygon.baseUrls({ polygon: 'http://p' }, settings), { main: 'http://p' })
  const { call, requests } = ask(() => ({ market: 'open' }))
  await polygon.test(call)
  t.same(requests, [{ path: '/v1/marketstatus/now' }])
})
