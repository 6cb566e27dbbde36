import { test } from 'tap'
import { parseSymbol } from '../../market/symbols.ts'
import { polygon } from '../../providers/polygon/index.ts'
import { MoverSchema, OptionContractSchema } from '../../schemas/trading.ts'
import { ACME, answering, ask, codeThrown, faults, fixture, instruments, refused } from '../fixtures/polygon/setup.ts'

const { market_movers: movers, options_chain: chain } = polygon.capabilities
const list = { list: 'gainers', asset_class: 'stock', limit: 10 } as const

test('gainers are sorted, priced before the opening too, and named canonically', async t => {
  const { call, requests } = ask(() => fixture('gainers'))
  const answer = await movers!.fetch(list, call)
  t.same(requests, [{ path: '/v2/snapshot/locale/us/markets/stocks/gainers' }])
  t.same(answer, {
    data: [
      { symbol: 'XYZ', name: null, price: 3.3, change: 0.9, change_percent: 37.5, volume: 12_000, trades: null },
      { symbol: 'ABC', name: null, price: 12, change: 2, change_percent: 20, volume: 500_000, trades: null },
      { symbol: 'QQQQ', name: null, price: null, change: null, change_percent: null, volume: null, trades: null }
    ],
    as_of: '2026-03-04T14:59:58.123Z',
    delayed_by_seconds: 900,
    currency: 'USD'
  })
  t.same(faults(MoverSchema, answer.data), [])
})

test('losers of crypto have a path of their own', async t => {
  const { call, requests } = ask(() => ({
    status: 'OK',
    tickers: [
      { ticker: 'X:AAAUSD', day: { c: 5, v: 10 }, todaysChangePerc: -3, updated: 1772636390000 },
      { ticker: 'X:BBBEUR', day: { c: 6, v: 0.5 }, todaysChangePerc: -9 }
    ]
  }))
  const answer = await movers!.fetch({ list: 'losers', asset_class: 'crypto', limit: 10 }, call)
  t.equal(requests[0]?.path, '/v2/snapshot/locale/global/markets/crypto/losers')
  t.same(answer.data.map(({ symbol, price, volume }) => [symbol, price, volume]), [['BBB/EUR', 6, 0.5], ['AAA/USD', 5, 10]])
  t.match(answer, { as_of: '2026-03-04T14:59:50Z', delayed_by_seconds: null, currency: null })
  t.same((await movers!.fetch({ ...list, limit: 1 }, answering({ status: 'OK', tickers: [] }))).data, [])
  t.equal(await codeThrown(movers!.fetch(list, answering({ status: 'OK' }))), 'PROVIDER_MALFORMED')
})

const active = { list: 'most_active', asset_class: 'stock', limit: 10 } as const

test('the most active are made of the last whole trading day', async t => {
  const { call, requests } = ask(() => fixture('grouped'))
  const answer = await movers!.fetch(active, call)
  t.same(requests, [{ path: '/v2/aggs/grouped/locale/us/market/stocks/2026-03-03', query: { adjusted: true } }])
  t.same(answer.data, [
    { symbol: 'BRK.B', name: null, price: 500, change: null, change_percent: null, volume: 4_000_000.5, trades: 5000 },
    { symbol: 'ABC', name: null, price: 11.9, change: null, change_percent: null, volume: 500_000, trades: 900 },
    { symbol: 'XYZ', name: null, price: 3, change: null, change_percent: null, volume: null, trades: null }
  ])
  t.match(answer, { as_of: '2026-03-03T21:00:00Z', currency: 'USD' })
  t.same(faults(MoverSchema, answer.data), [])
  t.equal((await movers!.fetch({ ...active, limit: 1 }, call)).data.length, 1)
})

test('in the evening the day itself is whole; a plan that has it later gets the one before', async t => {
  const evening = new Date('2026-03-05T01:30:00Z')
  const { call, requests } = ask(({ plan_line: line }) => {
    if (line) throw refused('Attempted to request today’s data before end of day.')
    return fixture('grouped')
  }, evening)
  t.equal((await movers!.fetch(active, call)).data.length, 3)
  t.same(requests.map(({ path, plan_line: line }) => [path.split('/').at(-1), line]), [['2026-03-04', 'until today'], ['2026-03-03', undefined]])
  const aborted = ask(() => { throw new Error('aborted') }, evening)
  t.equal(await codeThrown(movers!.fetch(active, aborted.call)), 'INTERNAL')
})

test('a refusal of a past day is one, and a Monday’s last day is Friday', async t => {
  const monday = new Date('2026-03-02T15:00:00Z')
  const { call, requests } = ask(() => { throw refused() }, monday)
  t.equal(await codeThrown(movers!.fetch(active, call)), 'PROVIDER_NOT_ENTITLED')
  t.match(requests, [{ path: /2026-02-27$/ }])
  const empty = ask(() => ({ status: 'OK', resultsCount: 0 }), monday)
  t.same(await movers!.fetch(active, empty.call), { data: [], as_of: null, currency: 'USD' })
  t.same(empty.requests.map(({ path }) => path.split('/').at(-1)), ['2026-02-27', '2026-02-26'])
})

test('a stamp without a reading is none, and crypto has no list of the most active', async t => {
  const answer = await movers!.fetch(active, answering({ status: 'OK', results: [{ T: 'ABC', c: 1, v: 1 }] }))
  t.equal(answer.as_of, null)
  t.equal(await codeThrown(movers!.fetch({ ...active, asset_class: 'crypto' }, answering({}))), 'PROVIDER_NOT_ENTITLED')
})

const whole = { underlying: ACME, limit: 10 }

test('a chain is by expiration and strike, with what is known of each contract', async t => {
  const { call, requests } = ask(() => fixture('chain'))
  const answer = await chain!.fetch({
    ...whole, type: 'call', expiration_from: '2026-03-05', expiration_to: '2026-12-31', strike_min: 100, strike_max: 150.5
  }, call)
  t.same(requests, [{
    path: '/v3/snapshot/options/ACME',
    query: {
      contract_type: 'call',
      'expiration_date.gte': '2026-03-05',
      'expiration_date.lte': '2026-12-31',
      'strike_price.gte': 100,
      'strike_price.lte': 150.5,
      sort: 'expiration_date',
      order: 'asc',
      limit: 250
    }
  }])
  t.same(answer.data.map(({ contract }) => contract), [
    'ACME1260320C00150000', 'ACME260619C00140000', 'ACME260619C00150000', 'ACME260619P00150000'
  ])
  t.same(answer.data[1], {
    contract: 'ACME260619C00140000',
    underlying: 'ACME',
    type: 'call',
    strike: 140,
    expiration: '2026-06-19',
    bid: 10,
    ask: 10.2,
    last: 10.1,
    volume: 868,
    open_interest: 1543,
    implied_volatility: 0.31,
    delta: 0.55,
    gamma: 0.012,
    theta: -0.05,
    vega: 0.3,
    rho: null,
    as_of: '2026-03-04T14:59:58Z'
  })
  t.match(answer.data[0], { bid: null, ask: null, last: null, volume: null, as_of: null })
  t.match(answer.data[2], { last: 5.5, volume: 10, delta: null, as_of: '2026-03-03T21:00:00Z' })
  t.match(answer.data[3], { open_interest: 0, implied_volatility: null })
  t.match(answer, { as_of: '2026-03-04T14:59:58Z', delayed_by_seconds: null, currency: 'USD' })
  t.same(faults(OptionContractSchema, answer.data), [])
})

test('the expiration that the limit falls into is read to its end', async t => {
  const row = (ticker: string) => ({ details: { ticker: `O:${ticker}` }, last_quote: { timeframe: 'DELAYED' } })
  const pages = [
    ['ACME260320C00200000', 'ACME260320P00100000'],
    ['ACME260320C00100000', 'ACME260417C00100000'],
    ['ACME260417C00110000', 'ACME260515C00100000'],
    ['ACME260515C00110000']
  ]
  const { call, requests } = ask(({ query }) => {
    const page = Number(query?.cursor ?? 0)
    return { status: 'OK', results: pages[page]!.map(row), next_url: `https://api.polygon.io/v3/snapshot/options/ACME?cursor=${page + 1}&apiKey=k` }
  })
  const answer = await chain!.fetch({ ...whole, limit: 2 }, call)
  t.same(answer.data.map(({ contract }) => contract), ['ACME260320C00100000', 'ACME260320P00100000'])
  t.match(answer.data[0], { strike: 100, expiration: '2026-03-20', type: 'call' })
  t.equal(answer.delayed_by_seconds, 900)
  t.same(requests.map(({ query }) => query?.cursor), [undefined, '1'])
})

test('an index has options under its own name', async t => {
  const { call, requests } = ask(() => ({
    status: 'DELAYED',
    results: [{ details: { ticker: 'O:SPXW260320C06900000' }, underlying_asset: { ticker: 'I:SPX', value: 6890 } }]
  }))
  const answer = await chain!.fetch({ underlying: parseSymbol('I:SPX'), limit: 5 }, call)
  t.equal(requests[0]?.path, '/v3/snapshot/options/I%3ASPX')
  t.match(answer, { data: [{ contract: 'SPXW260320C06900000', underlying: 'I:SPX', strike: 6900 }], delayed_by_seconds: 900 })
})

test('a chain that is empty for its filters is empty, and one without any is not known', async t => {
  const none = answering({ status: 'OK', results: [] })
  t.same((await chain!.fetch({ ...whole, strike_min: 900 }, none)).data, [])
  t.equal(await codeThrown(chain!.fetch(whole, none)), 'SYMBOL_NOT_FOUND')
})

test('contracts on something else, or that cannot be read, are malformed', async t => {
  t.equal(await codeThrown(chain!.fetch({ ...whole, underlying: parseSymbol('OTHER') }, answering(fixture('chain')))), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(chain!.fetch(whole, answering({ status: 'OK', results: fixture('chain').results.slice(-1) }))), 'PROVIDER_MALFORMED')
  for (const underlying of instruments('BTC/USD', 'ACME260619C00140000')) {
    t.equal(await codeThrown(chain!.fetch({ underlying, limit: 5 }, answering({}))), 'PROVIDER_NOT_ENTITLED')
  }
})
