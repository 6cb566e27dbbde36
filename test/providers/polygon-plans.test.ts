import { test } from 'tap'
import { codeOf } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { polygon } from '../../providers/polygon/index.ts'
import type { BarsInput, ProviderRequest } from '../../providers/types.ts'
import { BarSeriesSchema, QuoteSchema } from '../../schemas/market.ts'
import { ask, codeThrown, faults, instruments, refused } from '../fixtures/polygon/setup.ts'

const { quote, bars, search, profile, news } = polygon.capabilities
const OPTION = 'AAPL260619C00250000'

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
const lines = (requests: readonly ProviderRequest[]) => requests.map(({ plan_line: line }) => line)
const ends = (requests: readonly ProviderRequest[]) => requests.map(({ path }) => path.split('/').at(-1))

test('an option is quoted among the others, in money a share', async t => {
  const { call, requests } = ask(() => ({
    status: 'OK',
    results: [
      {
        ticker: `O:${OPTION}`,
        type: 'options',
        session: { open: 9, high: 11, low: 9, close: 10, previous_close: 9.5, volume: 67 },
        last_trade: { price: 10.5, sip_timestamp: 1772636398000000000, timeframe: 'DELAYED' },
        last_quote: { bid: 10.4, ask: 10.6, last_updated: 1772636398500000000 },
        details: { contract_type: 'call', expiration_date: '2026-06-19', strike_price: 250 }
      },
      { ticker: 'O:AAPL260619P00250000', session: { close: 3.2 } },
      { ticker: 'O:AAPL260619P00999000', error: 'NOT_FOUND', message: 'Ticker not found.' }
    ]
  }))
  const { data } = await quote!.fetch({ instruments: instruments(OPTION, 'AAPL260619P00250000', 'AAPL260619P00999000') }, call)
  t.same(requests, [{
    path: '/v3/snapshot',
    query: { 'ticker.any_of': `O:${OPTION},O:AAPL260619P00250000,O:AAPL260619P00999000`, limit: 250 },
    plan_line: 'option'
  }])
  t.match(data.items[OPTION], {
    symbol: OPTION, price: 10.5, currency: 'USD', change: 1, bid: 10.4, ask: 10.6, volume: 67, as_of: '2026-03-04T14:59:58Z', delayed_by_seconds: 900
  })
  t.match(data.items.AAPL260619P00250000, { price: 3.2, change: null, as_of: null })
  t.equal(codeOf(data.failures.AAPL260619P00999000), 'SYMBOL_NOT_FOUND')
  t.same(faults(QuoteSchema, data.items), [])
})

test('bars of an option are raw, and end with New York’s day', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', ticker: `O:${OPTION}`, adjusted: false, results: [bar('2026-03-03T05:00:00Z', 10)] }))
  const { data } = await bars!.fetch(barsInput({ instruments: instruments(OPTION), adjustment: 'all' }), call)
  t.match(requests[0], {
    path: `/v2/aggs/ticker/O%3A${OPTION}/range/1/day/2026-03-02/2026-03-04`,
    query: { adjusted: false },
    plan_line: 'option until today'
  })
  t.match(data.items[OPTION], { adjustment: 'raw', session: 'regular', time_zone: 'America/New_York', currency: 'USD', bars: [{ time: '2026-03-03' }] })
  t.same(faults(BarSeriesSchema, data.items), [])
})

test('a refusal that is remembered leads to the last closes all the same', async t => {
  const { call, requests } = ask(({ path }) => {
    if (path === '/v3/snapshot') throw refused('Polygon refused this for the plan of this key at 2026-03-04T14:00:00Z.')
    return { status: 'OK', results: [{ T: `O:${OPTION}`, o: 9, h: 11, l: 8, c: 10, v: 5, t: Date.parse('2026-03-03T05:00:00Z') }] }
  })
  const { data } = await quote!.fetch({ instruments: instruments(OPTION) }, call)
  t.match(data.items[OPTION], { price: 10, feed: 'eod', as_of: '2026-03-03T21:00:00Z' })
  t.same(requests[1], { path: `/v2/aggs/ticker/O%3A${OPTION}/prev`, query: { adjusted: false }, plan_line: 'option' })
})

test('bars until today fall back to those before, where the plan ends with the last day', async t => {
  const { call, requests } = ask(({ plan_line: line }) => {
    if (line?.endsWith('until today')) throw refused()
    return { status: 'OK', ticker: 'AAPL', results: [bar('2026-03-03T05:00:00Z', 11), bar('2026-03-02T05:00:00Z', 10)] }
  })
  const { data } = await bars!.fetch(barsInput({}), call)
  t.same(data.items.AAPL?.bars.map(({ time }) => time), ['2026-03-02', '2026-03-03'])
  t.same(ends(requests), ['2026-03-04', '2026-03-03'])
  t.same(lines(requests), ['stock until today', 'stock'])
  requests.length = 0
  await bars!.fetch(barsInput({ timeframe: '1week' }), call)
  t.same(ends(requests), ['2026-03-10', '2026-03-03'])
  requests.length = 0
  await bars!.fetch(barsInput({ timeframe: '1hour' }), call)
  t.same(ends(requests), [String(Date.parse('2026-03-04T16:00:00Z')), String(Date.parse('2026-03-04T04:59:59.999Z'))])
})

test('a window of today alone, or one that ended before, is asked for once', async t => {
  const { call, requests } = ask(() => { throw refused() })
  t.equal(await codeThrown(bars!.fetch(barsInput({ timeframe: '5min', start: new Date('2026-03-04T14:30:00Z') }), call)), 'PROVIDER_NOT_ENTITLED')
  t.same(lines(requests), ['stock until today'])
  requests.length = 0
  t.equal(await codeThrown(bars!.fetch(barsInput({ end: new Date('2026-03-04T05:00:00Z') }), call)), 'PROVIDER_NOT_ENTITLED')
  t.same(lines(requests), ['stock'])
  const busy = ask(() => { throw new Error('aborted') })
  t.equal(await codeThrown(bars!.fetch(barsInput({}), busy.call)), 'INTERNAL')
  t.equal(busy.requests.length, 1)
})

test('each request names the line that a plan may draw through its path', async t => {
  const { call, requests } = ask(() => ({ status: 'OK', results: [] }))
  const end = new Date('2023-03-04T05:00:00Z')
  await bars!.fetch(barsInput({ start: new Date('2023-03-02T05:00:00Z'), end }), call).catch(() => {})
  await bars!.fetch(barsInput({ instruments: instruments('BTC/USD'), start: new Date('2025-11-02T00:00:00Z'), end: new Date('2025-11-04T00:00:00Z') }), call).catch(() => {})
  await quote!.fetch({ instruments: instruments('AAPL', 'BTC/USD', 'MSFT', 'SAP.DE') }, call)
  await profile!.fetch({ instrument: parseSymbol('SAP.DE') }, call).catch(() => {})
  await news!.fetch({ instruments: instruments('AAPL'), start: new Date('2019-01-01'), limit: 5 }, call)
  await news!.fetch({ instruments: [], limit: 5 }, call)
  await search!.fetch({ query: 'a', limit: 5, asset_class: 'forex' }, call)
  await search!.fetch({ query: 'a', limit: 5 }, call)
  t.same(lines(requests), [
    'stock over 2 years', 'crypto', 'crypto and non-US and stock', 'non-US', 'non-US', 'stock over 5 years', 'stock', 'forex', undefined
  ])
})

test('options are not searched for by name', async t => {
  const { call, requests } = ask(() => ({}))
  t.equal(await codeThrown(search!.fetch({ query: 'apple', limit: 5, asset_class: 'option' }, call)), 'PROVIDER_NOT_ENTITLED')
  t.same(requests, [])
})
