import { test } from 'tap'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { polygon } from '../../providers/polygon/index.ts'
import {
  AnalystRatingsSchema, EtfHoldingSchema, InsiderTradeSchema, type InsiderTrade
} from '../../schemas/ownership.ts'
import { ACME, answering, ask, codeThrown, faults, fixture, refused } from '../fixtures/polygon/setup.ts'

const { analyst_ratings: ratings, insider_trades: insiders, etf_holdings: holdings } = polygon.capabilities
const isConsensus = (path: string) => path.includes('consensus')

test('ratings join the consensus of the last year and the single changes', async t => {
  const { call, requests } = ask(({ path }) => fixture(isConsensus(path) ? 'consensus' : 'ratings'))
  const answer = await ratings!.fetch({ instrument: ACME, limit: 2 }, call)
  t.same(requests, [
    { path: '/benzinga/v1/consensus-ratings/ACME', query: { 'date.gte': '2025-03-04' }, plan_line: 'stock' },
    { path: '/benzinga/v1/ratings', query: { ticker: 'ACME', sort: 'date.desc', limit: 2 }, plan_line: 'stock' }
  ])
  t.same(answer, {
    data: {
      symbol: 'ACME',
      consensus: 'strong_buy',
      currency: 'USD',
      price_target: { high: 200, low: 120, mean: 165.5, median: null, analysts: 12 },
      trend: [{ period: '2026-03-04', strong_buy: 6, buy: 5, hold: 3, sell: 0, strong_sell: 0 }],
      changes: [
        { date: '2026-02-12', firm: 'South & Sons', action: 'initiate', from: null, to: 'hold', price_target: 150 },
        { date: '2026-02-11', firm: 'North Bank', action: 'maintain', from: 'buy', to: 'buy', price_target: 170 }
      ]
    },
    as_of: '2026-02-12T09:00:00Z',
    currency: 'USD'
  })
  t.same(faults(AnalystRatingsSchema, [answer.data]), [])
  const all = await ratings!.fetch({ instrument: ACME, limit: 9 }, call)
  t.same(all.data.changes[2], { date: '2026-01-05', firm: 'East Bank', action: null, from: null, to: null, price_target: null })
})

test('a refused part of the ratings does not lose the other', async t => {
  const one = (part: boolean, body: unknown) => ask(({ path }) => {
    if (isConsensus(path) === part) throw refused()
    return body
  }).call
  const changes = (await ratings!.fetch({ instrument: ACME, limit: 5 }, one(true, fixture('ratings')))).data
  t.match(changes, { consensus: null, price_target: null, trend: [], changes: { length: 3 } })
  const { data, as_of: at } = await ratings!.fetch({ instrument: ACME, limit: 5 }, one(false, fixture('consensus')))
  t.match(data, { consensus: 'strong_buy', currency: 'USD', changes: [] })
  t.equal(at, null)
  t.same(faults(AnalystRatingsSchema, [changes, data]), [])
  t.equal(await codeThrown(ratings!.fetch({ instrument: ACME, limit: 5 }, one(true, { status: 'OK', results: [] }))), 'PROVIDER_NOT_ENTITLED')
})

test('ratings that cannot be had at all are thrown for their reason', async t => {
  const input = { instrument: ACME, limit: 5 }
  const failing = (error: Error) => ask(({ path }) => { throw isConsensus(path) ? error : refused() }).call
  t.equal(await codeThrown(ratings!.fetch(input, failing(problem('PROVIDER_QUOTA', 'later')))), 'PROVIDER_QUOTA')
  t.equal(await codeThrown(ratings!.fetch(input, failing(new Error('aborted')))), 'INTERNAL')
  t.equal(await codeThrown(ratings!.fetch(input, answering({ status: 'OK', results: [] }))), 'SYMBOL_NOT_FOUND')
  t.equal(await codeThrown(ratings!.fetch(input, answering({ status: 'OK', results: [{ ticker: 'WRONG' }] }))), 'PROVIDER_MALFORMED')
})

test('a consensus without counts or targets has none, and targets in several currencies have no common one', async t => {
  const { call } = ask(({ path }) => ({
    status: 'OK',
    results: isConsensus(path)
      ? [{ ticker: 'ACME', consensus_rating: 'odd', price_target_contributors: 0 }]
      : [{ date: '2026-01-02', currency: 'USD' }, { date: '2026-01-01', currency: 'CAD' }]
  }))
  const { data } = await ratings!.fetch({ instrument: ACME, limit: 5 }, call)
  t.match(data, { consensus: null, price_target: null, trend: [], currency: null })
})

test('insider trades are signed, of the window, and a corrected one counts once', async t => {
  const { call, requests } = ask(() => fixture('form-4'))
  const answer = await insiders!.fetch({ instrument: ACME, from: '2026-01-01', to: '2026-02-28', limit: 20 }, call)
  t.same(requests, [{
    path: '/stocks/filings/vX/form-4',
    query: {
      tickers: 'ACME', 'filing_date.gte': '2026-01-01', 'filing_date.lte': '2026-04-14', sort: 'filing_date.desc', limit: 100
    },
    plan_line: 'stock'
  }])
  const toRow = ({ transaction_date: day, type, shares, price, value }: InsiderTrade) =>
    [day, type, shares, price, value]
  t.same(answer.data.map(toRow), [
    ['2026-02-03', 'buy', 200, 10, 2000],
    ['2026-02-02', 'sell', -1000, 141, 141000],
    ['2026-02-01', 'tax', -50, null, null],
    ['2026-01-31', 'other', null, null, null],
    ['2026-01-30', null, 3, null, null]
  ])
  t.same(answer.data[1], {
    symbol: 'ACME',
    filed_at: '2026-02-20',
    transaction_date: '2026-02-02',
    name: 'Doe Jane',
    role: 'Director, Chief Executive Officer',
    code: 'S',
    type: 'sell',
    shares: -1000,
    price: 141,
    value: 141000,
    shares_after: 9000,
    is_derivative: false,
    url: 'https://www.sec.gov/Archives/edgar/data/1234/0000001234-26-000007.txt'
  })
  t.same(answer.data.map(({ role, is_derivative: derived }) => [role, derived]).toSpliced(1, 1), [
    ['10% owner, Other', true], ['Officer', null], [null, null], [null, null]
  ])
  t.equal(answer.currency, 'USD')
  t.same(faults(InsiderTradeSchema, answer.data), [])
})

test('no insider trades are a fact, and those at another company are malformed', async t => {
  const input = { instrument: ACME, from: '2020-01-01', to: '2026-02-28', limit: 10_000 }
  const { call, requests } = ask(() => ({ status: 'OK', results: [{ tickers: ['ACME'], transaction_code: 'P' }] }))
  t.same((await insiders!.fetch(input, call)).data, [])
  t.match(requests[0], { query: { limit: 1000 }, plan_line: 'stock over 5 years' })
  t.equal(await codeThrown(insiders!.fetch(input, answering({ status: 'OK', results: [{ tickers: ['WRONG'] }] }))), 'PROVIDER_MALFORMED')
})

const FUND = parseSymbol('FUND')

test('holdings are those of the latest day, largest first, in percent', async t => {
  const { call, requests } = ask(() => ({ ...fixture('constituents'), next_url: 'https://api.massive.com/etf-global/v1/constituents?cursor=1' }))
  const answer = await holdings!.fetch({ instrument: FUND, limit: 10 }, call)
  t.same(requests, [{
    path: '/etf-global/v1/constituents',
    query: { composite_ticker: 'FUND', sort: 'effective_date.desc,processed_date.desc,constituent_rank.asc', limit: 10 },
    plan_line: 'stock'
  }])
  t.same(answer.data, [
    { symbol: 'ACME', name: 'ACME CORP', weight_percent: 9.58005, shares: 7000, value: 980_000, isin: null, cusip: null },
    { symbol: 'BRK.B', name: 'BERKSHIRE B', weight_percent: 7, shares: 1400, value: 700_000, isin: 'US0846707026', cusip: '084670702' },
    { symbol: null, name: 'ROCHE HOLDING', weight_percent: 1, shares: null, value: null, isin: 'CH0012032048', cusip: null },
    { symbol: null, name: 'US DOLLAR', weight_percent: null, shares: null, value: null, isin: null, cusip: null }
  ])
  t.equal(answer.as_of, '2026-03-02T21:00:00Z')
  t.same(faults(EtfHoldingSchema, answer.data), [])
})

test('holdings are read over pages until there are enough', async t => {
  const row = (ticker: string) => ({ composite_ticker: 'FUND', constituent_ticker: ticker, constituent_name: ticker })
  const { call, requests } = ask(({ query }) => ({
    status: 'OK',
    results: query?.cursor ? [row('C'), row('D')] : [row('A'), row('B')],
    next_url: `https://api.massive.com/etf-global/v1/constituents?cursor=${Number(query?.cursor ?? 0) + 1}`
  }))
  const answer = await holdings!.fetch({ instrument: FUND, limit: 3 }, call)
  t.same(answer.data.map(({ symbol }) => symbol), ['A', 'B', 'C'])
  t.equal(answer.as_of, null)
  t.equal(requests.length, 2)
  t.equal(await codeThrown(holdings!.fetch({ instrument: FUND, limit: 3 }, answering({ status: 'OK', results: [] }))), 'SYMBOL_NOT_FOUND')
  t.equal(await codeThrown(holdings!.fetch({ instrument: ACME, limit: 3 }, call)), 'PROVIDER_MALFORMED')
})
