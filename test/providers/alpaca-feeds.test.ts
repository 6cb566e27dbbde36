/** Which feed answers, what is asked again where the plan refuses, and how that is labelled. */
import { test } from 'tap'
import { codeOf, problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { alpaca } from '../../providers/alpaca/index.ts'
import type { ProviderCall, ProviderRequest } from '../../providers/types.ts'
import { BarSeriesSchema, QuoteSchema } from '../../schemas/market.ts'
import { ask, barsInput, codeThrown, faults, fixture, instruments, now, settings } from '../fixtures/alpaca/world.ts'

const { quote, bars } = alpaca.capabilities
const sip = { settings: { ...settings, alpaca_feed: 'sip' } } as const
const refusal = () => problem('PROVIDER_NOT_ENTITLED', 'subscription does not permit querying recent SIP data', { provider: 'alpaca' })
const stockBar = (t: string) => ({ t, o: 10, h: 11, l: 9, c: 10, v: 100, n: 5, vw: 10 })
const contract = 'AAPL260320C00250000'

/** Remembers refusals by path and plan line and sends no second request of the kind, as the server's calls do. */
function remembering (call: ProviderCall): ProviderCall {
  const refused = new Map<string, unknown>()
  return {
    ...call,
    request: async request => {
      const key = `${request.path} ${request.plan_line}`
      if (refused.has(key)) throw refused.get(key)
      try { return await call.request(request) } catch (error) {
        if (codeOf(error) === 'PROVIDER_NOT_ENTITLED') refused.set(key, error)
        throw error
      }
    }
  }
}

/** A plan without real-time rights: refuses SIP that reaches into the last 15 minutes. */
function withoutRealTime ({ path, query }: ProviderRequest): unknown {
  const recent = Date.parse(String(query?.end ?? now.toISOString())) > now.getTime() - 15 * 60_000
  if (query?.feed === 'sip' && recent) throw refusal()
  if (path.includes('snapshots')) return fixture('snapshots')
  return { bars: { AAPL: [stockBar('2026-03-04T14:40:00Z'), stockBar('2026-03-04T14:55:00Z')] }, next_page_token: null }
}

test('without real-time rights, bars end a quarter of an hour ago and say so', async t => {
  const { call, requests } = ask(withoutRealTime, sip)
  const world = remembering(call)
  const answer = await bars!.fetch(barsInput({ timeframe: '5min', limit: 10 }), world)
  t.same(requests.map(({ query, plan_line: line }) => [query?.feed, query?.end, line]), [
    ['sip', '2026-03-04T14:59:59.999Z', 'recent sip'],
    ['sip', '2026-03-04T14:43:59.999Z', 'sip']
  ])
  t.match(answer, { feed: 'sip', delayed_by_seconds: 900, as_of: '2026-03-04T14:40:00Z' })
  t.same(answer.data.items.AAPL?.bars.map(({ time }) => time), ['2026-03-04T14:40:00Z'])
  await bars!.fetch(barsInput({ timeframe: '5min', limit: 10 }), world)
  t.same(requests.map(({ plan_line: line }) => line), ['recent sip', 'sip', 'sip'], 'the second time it goes straight')
})

test('with real-time rights nothing is clamped, and older windows are not behind the line', async t => {
  const { call, requests } = ask(() => ({ bars: { AAPL: [stockBar('2026-03-04T14:55:00Z')] } }), sip)
  const answer = await bars!.fetch(barsInput({ timeframe: '5min' }), call)
  t.match(answer, { feed: 'sip', delayed_by_seconds: 0, as_of: '2026-03-04T14:55:00Z' })
  await bars!.fetch(barsInput({ end: new Date('2026-03-04T14:44:00Z') }), call)
  t.same(requests.map(({ plan_line: line }) => line), ['recent sip', 'sip'])
})

test('a window within the last quarter of an hour is asked of IEX', async t => {
  const { call, requests } = ask(withoutRealTime, sip)
  const answer = await bars!.fetch(barsInput({ timeframe: '1min', start: new Date('2026-03-04T14:50:00Z') }), call)
  t.same(requests.map(({ query, plan_line: line }) => [query?.feed, line]), [['sip', 'recent sip'], ['iex', undefined]])
  t.match(answer, { feed: 'iex', delayed_by_seconds: 0 })
  t.match(answer.data.items.AAPL, { feed: 'iex', bars: [{ time: '2026-03-04T14:55:00Z' }] })
})

test('a stock quote falls back to IEX, labelled, for 1 request more', async t => {
  const { call, requests } = ask(withoutRealTime, sip)
  const world = remembering(call)
  const answer = await quote!.fetch({ instruments: instruments('AAPL', 'BRK.B', 'ZZZZ') }, world)
  t.match(answer, { feed: 'iex', delayed_by_seconds: 0 })
  t.match(answer.data.items.AAPL, { feed: 'iex', price: 250.3 })
  await quote!.fetch({ instruments: instruments('AAPL') }, world).catch(() => {})
  t.same(requests.map(({ query, plan_line: line }) => [query?.feed, line]),
    [['sip', 'recent sip'], ['iex', undefined], ['iex', undefined]])
})

test('where every source is refused the first refusal is thrown, and other failures are not asked around', async t => {
  const all = ask(() => { throw refusal() }, sip)
  t.equal(await codeThrown(bars!.fetch(barsInput({}), all.call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(all.requests.length, 2)
  const quota = ask(() => { throw problem('PROVIDER_QUOTA', 'too many requests.') }, sip)
  t.equal(await codeThrown(bars!.fetch(barsInput({}), quota.call)), 'PROVIDER_QUOTA')
  t.equal(await codeThrown(quote!.fetch({ instruments: instruments('AAPL') }, quota.call)), 'PROVIDER_QUOTA')
  t.equal(quota.requests.length, 2)
  const abort = new Error('the caller left')
  await t.rejects(bars!.fetch(barsInput({}), ask(() => { throw abort }, sip).call), abort)
})

test('with IEX set there is one request and no line', async t => {
  const { call, requests } = ask(withoutRealTime)
  t.match(await bars!.fetch(barsInput({ timeframe: '5min' }), call), { feed: 'iex', delayed_by_seconds: 0 })
  t.same(requests.map(({ query, plan_line: line }) => [query?.feed, query?.end, line]),
    [['iex', '2026-03-04T14:59:59.999Z', undefined]])
})

test('an option quote is the latest trade beside its sides, from the free feed', async t => {
  const { call, requests } = ask(() => fixture('option-chain'))
  const asked = instruments(contract, 'AAPL260320P00250000', 'AAPL1260320C00240000', 'AAPL260320C00260000')
  const { snapshots, ...rest } = fixture('option-chain')
  delete snapshots['not a contract']
  const only = ask(() => ({ ...rest, snapshots: { ...snapshots, AAPL260320C00270000: null } }))
  const answer = await quote!.fetch({ instruments: [...asked, ...instruments('AAPL260320C00270000')] }, only.call)
  t.match(only.requests[0], { host: 'data', path: '/v1beta1/options/snapshots', query: { feed: 'indicative' } })
  t.same(answer.data.items[contract], {
    symbol: contract,
    price: 6.1,
    currency: 'USD',
    change: 0.3,
    change_percent: 5.172414,
    open: 5.9,
    high: 6.4,
    low: 5.8,
    previous_close: 5.8,
    volume: 412,
    bid: 6.05,
    ask: 6.2,
    bid_size: 73,
    ask_size: 119,
    as_of: '2026-03-04T14:44:10.554Z',
    feed: 'indicative',
    delayed_by_seconds: 900
  })
  t.same(faults(QuoteSchema, answer.data.items), [])
  t.match(answer.data.failures.AAPL1260320C00240000, { code: 'FMS_SYMBOL_NOT_FOUND', message: /knows no trade of AAPL1260320C/ })
  t.match(answer.data.failures.AAPL260320C00270000, { code: 'FMS_SYMBOL_NOT_FOUND', message: /does not know/ })
  t.equal(await codeThrown(quote!.fetch({ instruments: asked }, call)), 'PROVIDER_MALFORMED', 'a contract not asked for')
  t.equal(requests.length, 1)
})

test('option quotes are asked for a hundred at a time, page by page', async t => {
  const asked = Array.from({ length: 130 }, (_, index) => parseSymbol(`AAPL260320C${String(100_000 + index * 1000).padStart(8, '0')}`))
  const { call, requests } = ask(({ query }) => {
    const symbols = String(query?.symbols).split(',')
    const half = Math.ceil(symbols.length / 2)
    const page = query?.page_token ? symbols.slice(half) : symbols.slice(0, half)
    const snapshots = Object.fromEntries(page.map(symbol => [symbol, { latestTrade: { p: 1, t: '2026-03-04T14:00:00Z' } }]))
    return { snapshots, next_page_token: query?.page_token ? null : 'two' }
  })
  const { data } = await quote!.fetch({ instruments: asked }, call)
  t.equal(Object.keys(data.items).length, 130)
  t.same(requests.map(({ query }) => String(query?.symbols).split(',').length).sort(), [100, 100, 30, 30])
})

test('who has the consolidated feed gets OPRA, and the indicative one where that is refused', async t => {
  const snapshots = { snapshots: { [contract]: fixture('option-chain').snapshots[contract] } }
  const entitled = ask(() => snapshots, sip)
  t.match(await quote!.fetch({ instruments: instruments(contract) }, entitled.call), { feed: 'opra', delayed_by_seconds: 0 })
  const refused = ask(({ query }) => {
    if (query?.feed === 'opra') throw problem('PROVIDER_NOT_ENTITLED', 'OPRA agreement is not signed')
    return snapshots
  }, sip)
  t.match(await quote!.fetch({ instruments: instruments(contract) }, refused.call),
    { feed: 'indicative', delayed_by_seconds: 900 })
  t.same(refused.requests.map(({ plan_line: line }) => line), ['opra', undefined])
})

test('option bars are raw, of regular hours in New York, and end a quarter of an hour ago where refused', async t => {
  const { call, requests } = ask(({ plan_line: line }) => {
    if (line === 'recent opra') throw problem('PROVIDER_NOT_ENTITLED', 'OPRA agreement is not signed')
    return { bars: { [contract]: [stockBar('2026-03-03T05:00:00Z'), stockBar('2026-03-02T05:00:00Z')] }, next_page_token: null }
  })
  const answer = await bars!.fetch(barsInput({ instruments: instruments(contract), adjustment: 'all' }), call)
  t.match(requests[0], {
    path: '/v1beta1/options/bars',
    query: { symbols: contract, timeframe: '1Day', start: '2026-03-02T05:00:00Z', end: '2026-03-04T14:59:59.999Z', sort: 'desc' }
  })
  t.notOk(['feed', 'adjustment'].some(name => name in (requests[0]?.query ?? {})))
  t.same(requests.map(({ query, plan_line: line }) => [query?.end, line]),
    [['2026-03-04T14:59:59.999Z', 'recent opra'], ['2026-03-04T14:43:59.999Z', 'opra']])
  t.match(answer, { feed: 'opra', delayed_by_seconds: 900, as_of: '2026-03-03T05:00:00Z' })
  t.match(answer.data.items[contract], {
    adjustment: 'raw', session: 'regular', time_zone: 'America/New_York', currency: 'USD', bars: [{ time: '2026-03-02' }, { time: '2026-03-03' }]
  })
  t.same(faults(BarSeriesSchema, answer.data.items), [])
})

test('option bars of the last minutes are left to others where OPRA is refused', async t => {
  const { call, requests } = ask(() => { throw refusal() })
  const input = barsInput({ instruments: instruments(contract), timeframe: '1min', start: new Date('2026-03-04T14:50:00Z') })
  t.equal(await codeThrown(bars!.fetch(input, call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(requests.length, 1)
})

test('no request names more than a hundred contracts', async t => {
  const asked = Array.from({ length: 150 }, (_, index) => parseSymbol(`AAPL260320C${String(100_000 + index * 1000).padStart(8, '0')}`))
  const { call, requests } = ask(() => ({ bars: {}, next_page_token: null }))
  const { data } = await bars!.fetch(barsInput({ instruments: asked }), call)
  t.same(requests.map(({ query }) => String(query?.symbols).split(',').length), [100, 50])
  t.equal(Object.keys(data.failures).length, 150)
})
