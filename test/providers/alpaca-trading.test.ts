import { test } from 'tap'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { alpaca } from '../../providers/alpaca/index.ts'
import type { OptionsChainInput } from '../../providers/types.ts'
import { MoverSchema, OptionContractSchema } from '../../schemas/trading.ts'
import { ask, codeThrown, faults, fixture, settings } from '../fixtures/alpaca/world.ts'

const { market_movers: marketMovers, options_chain: optionsChain } = alpaca.capabilities

test('movers are those of the list, in its order, by their percent', async t => {
  const { call, requests } = ask(() => fixture('movers'))
  const answer = await marketMovers!.fetch({ list: 'gainers', asset_class: 'stock', limit: 200 }, call)
  t.same(requests, [{ host: 'data', path: '/v1beta1/screener/stocks/movers', query: { top: 50 } }])
  t.same(answer, {
    data: [
      { symbol: 'ACMEW', name: null, price: 0.0812, change: 0.0412, change_percent: 103, volume: null, trades: null },
      { symbol: 'BRK.B', name: null, price: 512.4, change: 41.9, change_percent: 8.91, volume: null, trades: null },
      { symbol: 'ACME', name: null, price: null, change: 0, change_percent: 0, volume: null, trades: null }
    ],
    as_of: '2026-03-04T14:58:00.163Z',
    feed: 'sip',
    delayed_by_seconds: 0,
    currency: 'USD'
  })
  t.same(faults(MoverSchema, answer.data), [])
  const losers = await marketMovers!.fetch({ list: 'losers', asset_class: 'stock', limit: 1 }, call)
  t.match(losers.data, [{ symbol: 'LOSS.WS', change_percent: -79.6 }])
  t.equal(requests[1]?.query?.top, 1)
  t.equal((await marketMovers!.fetch({ list: 'gainers', asset_class: 'stock', limit: 1 }, call)).data.length, 1)
})

test('the most active stocks have a volume and no price', async t => {
  const { call, requests } = ask(() => fixture('most-actives'))
  const answer = await marketMovers!.fetch({ list: 'most_active', asset_class: 'stock', limit: 200 }, call)
  t.same(requests, [{ host: 'data', path: '/v1beta1/screener/stocks/most-actives', query: { by: 'volume', top: 100 } }])
  t.same(answer.data[0],
    { symbol: 'ACME', name: null, price: null, change: null, change_percent: null, volume: 84213377, trades: 512044 })
  t.same(faults(MoverSchema, answer.data), [])
  t.match(answer, { as_of: '2026-03-04T14:59:00.182Z', currency: null })
})

test('crypto has movers, and no list of the most active', async t => {
  const crypto = {
    gainers: [{ symbol: 'SOL/USD', price: 140.2, change: 9.1, percent_change: 6.94 }, { symbol: 'AAPL', price: 1 }],
    losers: [],
    market_type: 'crypto',
    last_updated: '2026-03-04T14:58:00Z'
  }
  const { call, requests } = ask(() => crypto)
  const answer = await marketMovers!.fetch({ list: 'gainers', asset_class: 'crypto', limit: 10 }, call)
  t.match(requests, [{ path: '/v1beta1/screener/crypto/movers', query: { top: 10 } }])
  t.same(answer.data.map(({ symbol }) => symbol), ['SOL/USD'])
  t.equal(answer.currency, 'USD')
  t.same((await marketMovers!.fetch({ list: 'losers', asset_class: 'crypto', limit: 10 }, call)).data, [])
  t.equal(await codeThrown(marketMovers!.fetch({ list: 'most_active', asset_class: 'crypto', limit: 10 }, call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(requests.length, 2)
})

test('movers of another market, or no list of them, are malformed', async t => {
  const { call } = ask(() => fixture('movers'))
  t.equal(await codeThrown(marketMovers!.fetch({ list: 'gainers', asset_class: 'crypto', limit: 10 }, call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(marketMovers!.fetch({ list: 'most_active', asset_class: 'stock', limit: 10 }, call)), 'PROVIDER_MALFORMED')
})

const chainInput = (input: Partial<OptionsChainInput> = {}): OptionsChainInput => ({ underlying: parseSymbol('AAPL'), limit: 100, ...input })

test('a chain goes by expiration, strike and type, with what is known of each contract', async t => {
  const { call, requests } = ask(() => fixture('option-chain'))
  const answer = await optionsChain!.fetch(chainInput(), call)
  t.match(requests, [{ host: 'data', path: '/v1beta1/options/snapshots/AAPL', query: { feed: 'indicative', limit: 1000 } }])
  t.same(answer.data.map(({ contract }) => contract),
    ['AAPL1260320C00240000', 'AAPL260320C00250000', 'AAPL260320P00250000', 'AAPL260320C00260000'])
  t.same(answer.data[1], {
    contract: 'AAPL260320C00250000',
    underlying: 'AAPL',
    type: 'call',
    strike: 250,
    expiration: '2026-03-20',
    bid: 6.05,
    ask: 6.2,
    last: 6.1,
    volume: 412,
    open_interest: null,
    implied_volatility: 0.2846,
    delta: 0.5213,
    gamma: 0.0312,
    theta: -0.1402,
    vega: 0.2114,
    rho: 0.0541,
    as_of: '2026-03-04T14:59:50.259Z'
  })
  t.same(faults(OptionContractSchema, answer.data), [])
  t.match(answer, { as_of: '2026-03-04T14:59:50.259Z', feed: 'indicative', delayed_by_seconds: 900, currency: 'USD' })
})

test('a contract without a bid, a trade today or a model has null there, never 0', async t => {
  const { call } = ask(() => fixture('option-chain'))
  const { data } = await optionsChain!.fetch(chainInput(), call)
  t.match(data[0], { bid: null, ask: 12.4, last: null, volume: null })
  t.match(data[2], { last: 4.9, volume: null, implied_volatility: null, delta: null, as_of: '2026-03-04T14:59:40Z' })
  t.match(data[3], { bid: null, ask: null, last: null, as_of: null })
})

test('filters are the parameters of Alpaca', async t => {
  const { call, requests } = ask(() => ({ snapshots: {}, next_page_token: null }))
  const filters = { type: 'put', expiration_from: '2026-03-20', expiration_to: '2026-06-19', strike_min: 0.5, strike_max: 250 } as const
  const { data } = await optionsChain!.fetch(chainInput({ underlying: parseSymbol('BRK.B'), ...filters }), call)
  t.same(data, [], 'none that fits is a fact')
  t.same(requests, [{
    host: 'data',
    path: '/v1beta1/options/snapshots/BRK.B',
    query: {
      feed: 'indicative',
      type: 'put',
      expiration_date_gte: '2026-03-20',
      expiration_date_lte: '2026-06-19',
      strike_price_gte: 0.5,
      strike_price_lte: 250,
      limit: 1000,
      page_token: undefined
    },
    plan_line: undefined
  }])
  t.equal(await codeThrown(optionsChain!.fetch(chainInput({ limit: 5 }), call)), 'SYMBOL_NOT_FOUND')
  const elsewhere = chainInput({ underlying: parseSymbol('SAP.DE'), ...filters })
  t.equal(await codeThrown(optionsChain!.fetch(elsewhere, call)), 'SYMBOL_NOT_FOUND')
})

test('an index is not asked for under the symbol of a stock', async t => {
  const { call, requests } = ask(() => fixture('option-chain'))
  t.equal(await codeThrown(optionsChain!.fetch(chainInput({ underlying: parseSymbol('I:COMP') }), call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(requests.length, 0)
})

test('a class share has the root without its dot', async t => {
  const { call } = ask(() => ({ snapshots: { BRKB260320C00500000: {} } }))
  t.match((await optionsChain!.fetch(chainInput({ underlying: parseSymbol('BRK.B') }), call)).data,
    [{ contract: 'BRKB260320C00500000', underlying: 'BRK.B', strike: 500 }])
})

/** Pages of a chain in Alpaca's order: by symbol, so the calls of an expiration before its puts. */
const PAGES = [
  ['AAPL1260320C00240000', 'AAPL1260417C00240000'],
  ['AAPL260313C00250000', 'AAPL260313C00260000'],
  ['AAPL260313P00250000', 'AAPL260313P00260000', 'AAPL260320C00250000'],
  ['AAPL260320P00250000', 'AAPL260417C00250000'],
  ['AAPL260417P00250000']
]
function page ({ query }: { query?: Record<string, unknown> }) {
  const at = Number(query?.page_token ?? 0)
  const next = at + 1 < PAGES.length ? String(at + 1) : null
  return { snapshots: Object.fromEntries(PAGES[at]!.map(name => [name, {}])), next_page_token: next }
}

test('pages are read until the expirations that the limit needs are complete, and no further', async t => {
  const read = async (limit: number) => {
    const { call, requests } = ask(page)
    const { data } = await optionsChain!.fetch(chainInput({ limit }), call)
    return { contracts: data.map(({ contract }) => contract), pages: requests.length }
  }
  const nearest = ['AAPL260313C00250000', 'AAPL260313P00250000', 'AAPL260313C00260000', 'AAPL260313P00260000']
  t.same(await read(1), { contracts: nearest.slice(0, 1), pages: 3 }, 'past the adjusted contracts, which come first')
  t.same(await read(2), { contracts: nearest.slice(0, 2), pages: 3 }, 'past the calls of an expiration to its puts')
  t.same(await read(4), { contracts: nearest, pages: 3 })
  const whole = await read(100)
  t.equal(whole.contracts.length, 10)
  t.equal(whole.pages, 5)
})

test('a page that leads to itself adds no contract twice', async t => {
  const { call, requests } = ask(() => ({ ...fixture('option-chain'), next_page_token: 'again' }))
  t.equal((await optionsChain!.fetch(chainInput(), call)).data.length, 4)
  t.equal(requests.length, 2)
})

test('a chain of another symbol, or none, is malformed', async t => {
  const { call } = ask(() => fixture('option-chain'))
  t.equal(await codeThrown(optionsChain!.fetch(chainInput({ underlying: parseSymbol('MSFT') }), call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(optionsChain!.fetch(chainInput(), ask(() => ({})).call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(optionsChain!.fetch(chainInput(), ask(() => ({ snapshots: [] })).call)), 'PROVIDER_MALFORMED')
})

test('a refused feed leads to the other, which names itself', async t => {
  const refusing = (name: string) => ask(({ query }) => {
    if (query?.feed === name) throw problem('PROVIDER_NOT_ENTITLED', 'OPRA agreement is not signed')
    return fixture('option-chain')
  }, { settings: { ...settings, alpaca_feed: name === 'opra' ? 'sip' : 'iex' } })
  const opra = refusing('opra')
  t.match(await optionsChain!.fetch(chainInput(), opra.call), { feed: 'indicative', delayed_by_seconds: 900 })
  t.same(opra.requests.map(({ query, plan_line: line }) => [query?.feed, line]), [['opra', 'opra'], ['indicative', undefined]])
  t.match(await optionsChain!.fetch(chainInput(), refusing('indicative').call), { feed: 'opra', delayed_by_seconds: 0 })
  const { call } = ask(() => { throw problem('PROVIDER_NOT_ENTITLED', 'no options') })
  t.equal(await codeThrown(optionsChain!.fetch(chainInput(), call)), 'PROVIDER_NOT_ENTITLED')
})
