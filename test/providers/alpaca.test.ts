import { test } from 'tap'
import { Type } from 'typebox'
import { codeOf, problem } from '../../errors.ts'
import { createSearch } from '../../providers/alpaca/endpoints.ts'
import { alpaca } from '../../providers/alpaca/index.ts'
import type { ProviderRequest } from '../../providers/types.ts'
import {
  BarSeriesSchema, MarketStatusSchema, NewsArticleSchema, QuoteSchema, SymbolMatchSchema
} from '../../schemas/market.ts'
import { ask, barsInput, codeThrown, faults, fixture, instruments, now, settings } from '../fixtures/alpaca/world.ts'

const { quote, bars, news, market_status: marketStatus } = alpaca.capabilities

test('a stock quote is the latest trade beside the day and the day before', async t => {
  const { call, requests } = ask(() => fixture('snapshots'))
  const answer = await quote!.fetch({ instruments: instruments('AAPL', 'BRK.B', 'ZZZZ') }, call)
  t.same(requests, [{ host: 'data', path: '/v2/stocks/snapshots', query: { symbols: 'AAPL,BRK.B,ZZZZ', feed: 'iex' } }])
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
    volume: 120000,
    bid: null,
    ask: 250.32,
    bid_size: null,
    ask_size: 100,
    as_of: '2026-03-04T14:59:58.123Z',
    feed: 'iex',
    delayed_by_seconds: 0
  })
  t.same(faults(QuoteSchema, answer.data.items), [])
  t.equal(codeOf(answer.data.failures.ZZZZ), 'SYMBOL_NOT_FOUND')
  t.match(answer, { as_of: '2026-03-04T14:59:58.123Z', feed: 'iex', delayed_by_seconds: 0 })
})

test('without a trade the price is that of the day, made in its last minute', async t => {
  const { call } = ask(() => fixture('snapshots'))
  const { data } = await quote!.fetch({ instruments: instruments('AAPL', 'BRK.B', 'ZZZZ') }, call)
  t.match(data.items['BRK.B'], { price: 480, previous_close: null, change: null, as_of: '2026-03-04T14:58:00Z' })
})

test('before the first bar of a day the close of the day before is the one to compare with', async t => {
  const { call } = ask(() => ({
    AAPL: {
      latestTrade: { t: '2026-03-05T10:00:00Z', p: 255 },
      dailyBar: { t: '2026-03-04T05:00:00Z', o: 248, h: 252, l: 247, c: 250, v: 10 },
      prevDailyBar: { t: '2026-03-03T05:00:00Z', c: 240 }
    }
  }))
  const { data } = await quote!.fetch({ instruments: instruments('AAPL') }, call)
  t.match(data.items.AAPL, { price: 255, previous_close: 250, change: 5, change_percent: 2, open: null, volume: null })
})

test('zeros are no data, never a price', async t => {
  const { call } = ask(() => ({ AAPL: { latestTrade: { p: 0 }, dailyBar: { c: 0 }, prevDailyBar: { c: 0 } } }))
  const { data } = await quote!.fetch({ instruments: instruments('AAPL') }, call)
  t.same(data.items, {})
  t.equal(codeOf(data.failures.AAPL), 'SYMBOL_NOT_FOUND')
})

test('the delayed feed says so', async t => {
  const { call } = ask(() => fixture('snapshots'), { settings: { ...settings, alpaca_feed: 'delayed_sip' } })
  const answer = await quote!.fetch({ instruments: instruments('AAPL', 'BRK.B', 'ZZZZ') }, call)
  t.match(answer, { feed: 'delayed_sip', delayed_by_seconds: 900 })
})

test('each kind of instrument is asked for where it is, and one refused fails alone', async t => {
  const { call, requests } = ask(({ path }) => {
    if (path.includes('forex')) return { rates: { EURUSD: { bp: 1.0849, mp: 1.085, ap: 1.0851, t: '2026-03-04T14:59:00Z' } } }
    if (path.includes('crypto')) return { snapshots: { 'BTC/USD': { latestTrade: { p: 65000, t: '2026-03-04T14:59:30Z' } } } }
    throw problem('PROVIDER_NOT_ENTITLED', 'no indices', { provider: 'alpaca' })
  })
  const answer = await quote!.fetch({ instruments: instruments('BTC/USD', 'EUR/USD', 'I:SPX') }, call)
  t.same(requests.map(({ query }) => query), [
    { symbols: 'BTC/USD', feed: undefined },
    { currency_pairs: 'EURUSD', feed: undefined },
    { symbols: 'SPX', feed: undefined }
  ])
  t.match(answer.data.items['EUR/USD'],
    { price: 1.085, currency: 'USD', change: null, bid: 1.0849, ask: 1.0851, as_of: '2026-03-04T14:59:00Z', feed: null })
  t.match(answer.data.items['BTC/USD'], { price: 65000, currency: 'USD', feed: 'us' })
  t.equal(codeOf(answer.data.failures['I:SPX']), 'PROVIDER_NOT_ENTITLED')
  t.same(faults(QuoteSchema, answer.data.items), [])
  t.equal(await codeThrown(quote!.fetch({ instruments: instruments('I:SPX') }, call)), 'PROVIDER_NOT_ENTITLED')
})

test('an index has a value and no currency', async t => {
  const { call } = ask(() => ({ values: { SPX: { t: '2026-03-04T14:59:00Z', v: 6890.5 } } }))
  const { data } = await quote!.fetch({ instruments: instruments('I:SPX') }, call)
  t.match(data.items['I:SPX'], { price: 6890.5, currency: null, as_of: '2026-03-04T14:59:00Z' })
})

test('an answer about another symbol is malformed', async t => {
  const { call } = ask(({ path }) => path.includes('bars') ? { bars: { WRONG: [] } } : { WRONG: { latestTrade: { p: 1 } } })
  t.equal(await codeThrown(quote!.fetch({ instruments: instruments('AAPL') }, call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(bars!.fetch(barsInput({}), call)), 'PROVIDER_MALFORMED')
  const { call: bare } = ask(() => ({}))
  t.equal(await codeThrown(quote!.fetch({ instruments: instruments('BTC/USD') }, bare)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(bars!.fetch(barsInput({}), bare)), 'PROVIDER_MALFORMED')
})

test('a symbol that Alpaca calls invalid does not fail the others', async t => {
  const { call, requests } = ask(({ query }) => {
    if (String(query?.symbols).includes('0700.HK')) throw problem('SYMBOL_NOT_FOUND', 'It said: "invalid symbol: 0700.HK".')
    return fixture('snapshots')
  })
  const { data } = await quote!.fetch({ instruments: instruments('AAPL', '0700.HK', 'BRK.B', 'ZZZZ') }, call)
  t.equal(requests.length, 2)
  t.same(Object.keys(data.items), ['AAPL', 'BRK.B'])
  t.same(Object.keys(data.failures).sort(), ['0700.HK', 'ZZZZ'])
})

const bar = (t: string, c: number) => ({ t, o: c, h: c + 1, l: c - 1, c, v: 100, n: 5, vw: c })

test('daily bars are the latest of the window, oldest first, with their basis', async t => {
  const { call, requests } = ask(() => ({
    bars: { AAPL: [bar('2026-03-04T05:00:00Z', 12), bar('2026-03-03T05:00:00Z', 11), bar('2026-03-02T05:00:00Z', 0)] },
    currency: 'USD',
    next_page_token: 'more'
  }))
  const answer = await bars!.fetch(barsInput({}), call)
  t.same(requests, [{
    host: 'data',
    path: '/v2/stocks/bars',
    query: {
      symbols: 'AAPL',
      timeframe: '1Day',
      start: '2026-03-02T05:00:00Z',
      end: '2026-03-04T14:59:59.999Z',
      feed: 'iex',
      adjustment: 'split',
      sort: 'desc',
      limit: 2,
      page_token: undefined
    }
  }])
  t.same(answer.data.items.AAPL, {
    symbol: 'AAPL',
    timeframe: '1day',
    currency: 'USD',
    adjustment: 'split',
    feed: 'iex',
    session: 'regular',
    time_zone: 'America/New_York',
    bars: [
      { time: '2026-03-03', open: 11, high: 12, low: 10, close: 11, volume: 100, vwap: 11, trades: 5 },
      { time: '2026-03-04', open: 12, high: 13, low: 11, close: 12, volume: 100, vwap: 12, trades: 5 }
    ]
  })
  t.same(faults(BarSeriesSchema, answer.data.items), [])
  t.match(answer, { as_of: '2026-03-04T05:00:00Z', feed: 'iex', delayed_by_seconds: 0 })
})

test('symbols that fit in one page share it, and pages are followed', async t => {
  const { call, requests } = ask(({ query }) => query?.page_token
    ? { bars: { MSFT: [bar('2026-03-04T05:00:00Z', 20)] }, next_page_token: null }
    : { bars: { AAPL: [bar('2026-03-04T05:00:00Z', 10)] }, next_page_token: 'two' })
  const { data } = await bars!.fetch(barsInput({ instruments: instruments('AAPL', 'MSFT', 'ZZZZ') }), call)
  t.same(requests.map(({ query }) => [query?.symbols, query?.limit, query?.page_token]),
    [['AAPL,MSFT,ZZZZ', 10000, undefined], ['AAPL,MSFT,ZZZZ', 10000, 'two']])
  t.same(Object.keys(data.items), ['AAPL', 'MSFT'])
  t.equal(codeOf(data.failures.ZZZZ), 'SYMBOL_NOT_FOUND')
})

test('symbols whose bars could fill pages are asked for one by one', async t => {
  const { call, requests } = ask(({ query }) => ({ bars: { [String(query?.symbols)]: [bar('2026-03-03T15:00:00Z', 10)] } }))
  const input = barsInput({ instruments: instruments('AAPL', 'MSFT'), timeframe: '1min', start: new Date('2026-02-01T05:00:00Z') })
  const { data } = await bars!.fetch(input, call)
  t.same(requests.map(({ query }) => [query?.symbols, query?.limit]), [['AAPL', 2], ['MSFT', 2]])
  t.match(data.items.AAPL, { session: 'extended', bars: [{ time: '2026-03-03T15:00:00Z' }] })
})

test('page tokens without end are not followed for ever, nor is one that leads to itself', async t => {
  const { call, requests } = ask(({ query }) => ({ bars: {}, next_page_token: `${query?.page_token ?? ''}x` }))
  const { data } = await bars!.fetch(barsInput({}), call)
  t.equal(requests.length, 20)
  t.equal(codeOf(data.failures.AAPL), 'SYMBOL_NOT_FOUND')
  const circle = ask(() => ({ bars: {}, next_page_token: 'again' }))
  await bars!.fetch(barsInput({}), circle.call)
  t.equal(circle.requests.length, 2)
})

test('delayed bars are consolidated ones up to a quarter of an hour ago', async t => {
  const { call, requests } = ask(() => ({ bars: { AAPL: [bar('2026-03-04T14:40:00Z', 10)] } }),
    { settings: { ...settings, alpaca_feed: 'delayed_sip' } })
  const answer = await bars!.fetch(barsInput({ timeframe: '5min', end: now }), call)
  t.match(requests[0]?.query, { feed: 'sip', end: '2026-03-04T14:43:59.999Z' })
  t.match(answer, { feed: 'sip', delayed_by_seconds: 900 })
  const none = await bars!.fetch(barsInput({ timeframe: '1min', start: new Date(now.getTime() - 60_000), end: now }), call)
  t.equal(codeOf(none.data.failures.AAPL), 'SYMBOL_NOT_FOUND')
  t.equal(requests.length, 1)
})

test('crypto bars are raw, around the clock and without a feed parameter', async t => {
  const { call, requests } = ask(() => ({ bars: { 'BTC/EUR': [bar('2026-03-02T00:00:00Z', 60000)] } }))
  const input = barsInput({ instruments: instruments('BTC/EUR'), timeframe: '1week', start: new Date('2026-03-02T00:00:00Z'), adjustment: 'all' })
  const { data } = await bars!.fetch(input, call)
  t.equal(requests[0]?.path, '/v1beta3/crypto/us/bars')
  t.notOk(['feed', 'adjustment'].some(name => name in (requests[0]?.query ?? {})))
  t.match(data.items['BTC/EUR'], { currency: 'EUR', adjustment: 'raw', session: 'continuous', time_zone: 'UTC', bars: [{ time: '2026-03-02' }] })
})

const assets = ({ query }: ProviderRequest) => fixture(query?.asset_class === 'crypto' ? 'crypto-assets' : 'assets')

test('search ranks the symbol before its beginning, before words of the name, before parts', async t => {
  const { call, requests } = ask(assets)
  const find = createSearch()
  const { data } = await find({ query: 'aap', limit: 10 }, call)
  t.same(data.map(({ symbol }) => symbol), ['AAP', 'AAPL'])
  t.same(data[0], { symbol: 'AAP', name: 'Advance Auto Parts & Co', asset_class: 'stock', exchange: 'NASDAQ', type: null, currency: 'USD', active: true })
  t.same((await find({ query: 'apple', limit: 10 }, call)).data.map(({ symbol }) => symbol), ['AAPL', 'APLE', 'DOLE'])
  t.match((await find({ query: 'btcusd', limit: 1, asset_class: 'crypto' }, call)).data, [{ symbol: 'BTC/USD', asset_class: 'crypto' }])
  t.same(faults(SymbolMatchSchema, data), [])
  t.same(requests.map(({ host, path, query }) => [host, path, query?.asset_class]),
    [['trading', '/v2/assets', 'us_equity'], ['trading', '/v2/assets', 'crypto']])
})

test('the list of assets is asked for once a day, and by each caller again where it failed', async t => {
  let refuse = true
  const { call, requests } = ask(request => {
    if (refuse) throw problem('PROVIDER_REJECTED_KEY', 'refused')
    return assets(request)
  })
  const other = ask(assets)
  const find = createSearch()
  const input = { query: 'apple', limit: 1, asset_class: 'stock' } as const
  const outcomes = await Promise.allSettled([call, other.call, other.call].map(each => find(input, each)))
  t.same(outcomes.map(({ status }) => status), ['rejected', 'fulfilled', 'fulfilled'])
  t.equal(other.requests.length, 1)
  refuse = false
  await find(input, { ...call, now: new Date(now.getTime() + 23 * 3_600_000) })
  t.equal(requests.length, 1)
  await find(input, { ...call, now: new Date(now.getTime() + 25 * 3_600_000) })
  t.equal(requests.length, 2)
})

test('search leaves what Alpaca does not list to others, and refuses what is no list', async t => {
  const find = createSearch()
  t.equal(await codeThrown(find({ query: 'spx', limit: 1, asset_class: 'index' }, ask(assets).call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(await codeThrown(find({ query: 'spx', limit: 1 }, ask(() => ({ message: 'no' })).call)), 'PROVIDER_MALFORMED')
})

test('news is plain text about the symbols asked for', async t => {
  const { call, requests } = ask(() => fixture('news'))
  const answer = await news!.fetch({ instruments: instruments('BTC/USD'), limit: 10 }, call)
  t.match(requests[0]?.query, { symbols: 'BTCUSD', sort: 'desc', limit: 10, include_content: false, start: '2025-03-04T15:00:00Z' })
  t.same(answer, {
    data: [{
      id: '4242',
      title: 'Apple & Bitcoin up',
      summary: null,
      url: null,
      source: 'benzinga',
      author: 'A Writer',
      published_at: '2026-03-04T12:00:00Z',
      symbols: ['AAPL', 'BTC/USD'],
      sentiment: null
    }],
    as_of: '2026-03-04T12:00:00Z'
  })
  t.same(faults(Type.Array(NewsArticleSchema), [answer.data]), [])
  t.equal(await codeThrown(news!.fetch({ instruments: instruments('TSLA'), limit: 10 }, call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(news!.fetch({ instruments: [], limit: 10 }, ask(() => ({})).call)), 'PROVIDER_MALFORMED')
})

test('news of the whole market follows pages up to the limit', async t => {
  const page = (id: number) => ({ news: [{ id, headline: `Article ${id}`, created_at: '2026-03-01T00:00:00Z', symbols: [] }], next_page_token: String(id + 1) })
  const { call, requests } = ask(({ query }) => page(Number(query?.page_token ?? 1)))
  const { data } = await news!.fetch({ instruments: [], limit: 3, start: new Date('2026-03-01'), end: new Date('2026-03-02') }, call)
  t.same(data.map(({ id }) => id), ['1', '2', '3'])
  t.same(requests.map(({ query }) => [query?.symbols, query?.end, query?.limit]),
    [[undefined, '2026-03-02T00:00:00Z', 3], [undefined, '2026-03-02T00:00:00Z', 2], [undefined, '2026-03-02T00:00:00Z', 1]])
})

const clock = (timestamp: string, isOpen: boolean) =>
  ({ timestamp, is_open: isOpen, next_open: '2026-03-05T09:30:00-05:00', next_close: '2026-03-05T16:00:00-05:00' })

test('an open market is the regular session', async t => {
  const { call, requests } = ask(() => clock('2026-03-04T10:00:00-05:00', true))
  const answer = await marketStatus!.fetch({}, call)
  t.same(requests, [{ host: 'trading', path: '/v2/clock' }])
  t.same(answer, {
    data: {
      market: 'US',
      is_open: true,
      session: 'regular',
      next_open: '2026-03-05T14:30:00Z',
      next_close: '2026-03-05T21:00:00Z',
      holiday: null,
      time_zone: 'America/New_York'
    },
    as_of: '2026-03-04T15:00:00Z'
  })
  t.same(faults(MarketStatusSchema, [answer.data]), [])
})

test('a closed market is before or after hours on a trading day only', async t => {
  const day = { date: '2026-03-04', open: '09:30', close: '13:00', session_open: '0400', session_close: '1700' }
  const sessionAt = async (time: string, calendar: unknown[]) => {
    const { call } = ask(({ path }) => path === '/v2/clock' ? clock(`2026-03-${time}-05:00`, false) : calendar)
    return (await marketStatus!.fetch({}, call)).data.session
  }
  t.equal(await sessionAt('04T08:00:00', [day]), 'pre')
  t.equal(await sessionAt('04T15:00:00', [day]), 'post')
  t.equal(await sessionAt('04T17:00:00', [day]), 'closed')
  t.equal(await sessionAt('04T11:00:00', [day]), 'closed')
  t.equal(await sessionAt('04T17:00:00', []), 'closed')
  t.equal(await sessionAt('04T19:00:00', [{ date: '2026-03-04' }]), 'post')
  t.equal(await sessionAt('07T08:00:00', []), 'closed')
  t.equal(await codeThrown(marketStatus!.fetch({}, ask(() => ({})).call)), 'PROVIDER_MALFORMED')
})

test('refusals are told apart', t => {
  const codeFor = (status: number, body: unknown) => alpaca.classify!({ status, body, text: '' })?.code
  t.equal(codeFor(401, undefined), 'PROVIDER_REJECTED_KEY')
  t.equal(codeFor(403, undefined), 'PROVIDER_REJECTED_KEY')
  t.equal(codeFor(403, { message: 'forbidden.' }), 'PROVIDER_REJECTED_KEY')
  t.equal(codeFor(403, { message: 'subscription does not permit querying recent SIP data' }), undefined)
  t.equal(codeFor(400, { message: 'invalid symbol: BRK-B' }), 'SYMBOL_NOT_FOUND')
  t.equal(codeFor(200, { message: 'too many requests.' }), 'PROVIDER_QUOTA')
  t.equal(codeFor(200, { bars: {} }), undefined)
  t.end()
})

test('keys travel in headers, to the hosts of the environment, and are proved by the clock', async t => {
  t.same(alpaca.authHeaders({ key_id: 'a', secret_key: 'b' }), { 'APCA-API-KEY-ID': 'a', 'APCA-API-SECRET-KEY': 'b' })
  t.same(alpaca.authHeaders({ api_key: 'a' }), {})
  t.same(alpaca.baseUrls({}, settings), { data: 'https://data.alpaca.markets', trading: 'https://paper-api.alpaca.markets' })
  t.equal(alpaca.baseUrls({}, { ...settings, alpaca_environment: 'live' }).trading, 'https://api.alpaca.markets')
  t.same(alpaca.baseUrls({ alpaca_data: 'http://d', alpaca_trading: 'http://t' }, settings), { data: 'http://d', trading: 'http://t' })
  const { call, requests } = ask(() => clock('2026-03-04T10:00:00-05:00', true))
  await alpaca.test(call)
  t.same(requests, [{ host: 'trading', path: '/v2/clock' }])
})
