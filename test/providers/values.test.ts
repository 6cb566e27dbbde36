/** What a number of an answer means: null where there is none, else in one unit, whatever its provider counts in. */
import { test } from 'tap'
import { Compile } from 'typebox/compile'
import { parseSymbol } from '../../market/symbols.ts'
import { PROVIDERS } from '../../providers/index.ts'
import type { ProviderCall, ProviderRequest } from '../../providers/types.ts'
import { SHAPES } from '../contracts/shapes.ts'
import { answerOf, answersOf, capabilitiesOf, NAMES, type Name } from '../fixtures/worlds.ts'
import { fakeCall } from './fake-call.ts'

/** How many numbers of a value are 0. */
function zerosIn (value: unknown): number {
  if (value === 0) return 1
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce((sum: number, part) => sum + zerosIn(part), 0)
}

const NOTHINGS = [() => null, () => undefined, () => '', () => ({}), () => [], () => true]
const asText = (value: unknown) => typeof value === 'number' ? String(value) : value

for (const name of NAMES) {
  test(`${name}: a value that is null, missing or of another kind is never 0, and costs nothing else`, async t => {
    for (const capability of capabilitiesOf(name)) {
      const shape = Compile(SHAPES[capability])
      const zeros = zerosIn(await answerOf(name, capability))
      const faults: string[] = []
      let answers = 0
      for await (const { data, at } of answersOf(name, capability, NOTHINGS)) {
        answers++
        if (!shape.Check(data)) faults.push(`${at}: ${JSON.stringify(shape.Errors(data).slice(0, 1))}`)
        if (zerosIn(data) > zeros) faults.push(`${at}: a new 0`)
      }
      t.same(faults, [], `${capability}: ${answers} answers`)
    }
  })

  test(`${name}: a number in quotes is the same number`, async t => {
    for (const capability of capabilitiesOf(name)) {
      const plain = JSON.stringify(await answerOf(name, capability))
      const faults: string[] = []
      for await (const { data, at } of answersOf(name, capability, [asText])) {
        if (JSON.stringify(data) !== plain) faults.push(at)
      }
      t.same(faults, [], capability)
    }
  })
}

const company = { instrument: parseSymbol('ACME'), limit: 5 }

type Facts = [name: Name, ask: (call: ProviderCall) => Promise<unknown>, body: (request: ProviderRequest) => unknown][]

async function readAll (facts: Facts): Promise<unknown[]> {
  return Promise.all(facts.map(([, ask, body]) => ask(fakeCall(body, { now: new Date('2026-03-04T15:00:00Z') }).call)))
}

test('a market value is in units, though one provider counts in millions', async t => {
  const ask = (name: Name) => async (call: ProviderCall) => {
    const { data } = await PROVIDERS[name].capabilities.profile!.fetch(company, call)
    return [data.market_cap, data.shares_outstanding]
  }
  t.same(await readAll([
    ['polygon', ask('polygon'), () =>
      ({ results: { ticker: 'ACME', market_cap: 830250000, share_class_shares_outstanding: 20006000 } })],
    ['fmp', ask('fmp'), () => [{ symbol: 'ACME', marketCap: 830250000 }]],
    ['finnhub', ask('finnhub'), () => ({ ticker: 'ACME', marketCapitalization: 830.25, shareOutstanding: 20.006 })]
  ]), [[830250000, 20006000], [830250000, null], [830250000, 20006000]])
})

test('a yield and a return are fractions, though one provider counts in percent', async t => {
  const ask = (name: Name) => async (call: ProviderCall) => {
    const { data } = await PROVIDERS[name].capabilities.key_metrics!.fetch(company, call)
    return [data.dividend_yield, data.roe, data.debt_to_equity, data.market_cap]
  }
  const expected = [0.0044, 1.5284, 1.52, 14e9]
  t.same(await readAll([
    ['polygon', ask('polygon'), () =>
      ({ results: [{ dividend_yield: 0.0044, return_on_equity: 1.5284, debt_to_equity: 1.52, market_cap: 14e9 }] })],
    ['fmp', ask('fmp'), () =>
      [{ dividendYieldTTM: 0.0044, returnOnEquityTTM: 1.5284, debtToEquityRatioTTM: 1.52, marketCap: 14e9 }]],
    ['finnhub', ask('finnhub'), () => ({
      metric: {
        currentDividendYieldTTM: 0.44,
        roeTTM: 152.84,
        'totalDebt/totalEquityQuarterly': 1.52,
        marketCapitalization: 14000
      }
    })]
  ]), [expected, expected, expected])
})

test('a weight is in percent, though one provider counts in fractions', async t => {
  const ask = (name: Name) => async (call: ProviderCall) =>
    (await PROVIDERS[name].capabilities.etf_holdings!.fetch(company, call)).data[0]?.weight_percent
  t.same(await readAll([
    ['polygon', ask('polygon'), () => ({ status: 'OK', results: [{ constituent_ticker: 'AAPL', weight: 0.0705 }] })],
    ['fmp', ask('fmp'), () => [{ asset: 'AAPL', weightPercentage: 7.05 }]],
    ['finnhub', ask('finnhub'), () => ({ holdings: [{ symbol: 'AAPL', percent: 7.05 }] })]
  ]), [7.05, 7.05, 7.05])
})

test('a mover\'s change is in percent under each of its names', async t => {
  const input = { list: 'gainers', asset_class: 'stock', limit: 1 } as const
  const ask = (name: Name) => async (call: ProviderCall) => {
    const { data } = await PROVIDERS[name].capabilities.market_movers!.fetch(input, call)
    return data[0]?.change_percent
  }
  t.same(await readAll([
    ['alpaca', ask('alpaca'), () => ({ gainers: [{ symbol: 'ABC', percent_change: 8.91 }], market_type: 'stocks' })],
    ['polygon', ask('polygon'), () => ({ status: 'OK', tickers: [{ ticker: 'ABC', todaysChangePerc: 8.91 }] })],
    ['fmp', ask('fmp'), () => [{ symbol: 'ABC', changesPercentage: 8.91 }]]
  ]), [8.91, 8.91, 8.91])
})

test('a surprise is in percent of the estimate, though one provider\'s own is a fraction', async t => {
  const report = { date: '2026-02-10' }
  const ask = (name: Name) => async (call: ProviderCall) =>
    (await PROVIDERS[name].capabilities.earnings!.fetch(company, call)).data[0]?.eps_surprise_percent
  t.same(await readAll([
    ['polygon', ask('polygon'), () =>
      ({ results: [{ ...report, ticker: 'ACME', actual_eps: 1.8, estimated_eps: 1.5, eps_surprise_percent: 0.2 }] })],
    ['fmp', ask('fmp'), () => [{ ...report, symbol: 'ACME', epsActual: 1.8, epsEstimated: 1.5 }]],
    ['finnhub', ask('finnhub'), ({ path }) => path === '/stock/earnings'
      ? [{ symbol: 'ACME', period: '2025-12-31', actual: 1.8, estimate: 1.5, surprisePercent: 20 }]
      : { earningsCalendar: [] }]
  ]), [20, 20, 20])
})

test('shares that an insider sold are negative, though one provider tells the direction apart', async t => {
  const input = { ...company, from: '2025-03-04', to: '2026-03-04' }
  const ask = (name: Name) => async (call: ProviderCall) => {
    const { data } = await PROVIDERS[name].capabilities.insider_trades!.fetch(input, call)
    return [data[0]?.shares, data[0]?.shares_after]
  }
  t.same(await readAll([
    ['polygon', ask('polygon'), () => ({
      status: 'OK',
      results: [{
        tickers: ['ACME'],
        transaction_date: '2026-02-02',
        transaction_code: 'S',
        transaction_acquired_disposed: 'D',
        transaction_shares: 1000,
        shares_owned_following_transaction: 9000
      }]
    })],
    ['fmp', ask('fmp'), () => [{
      transactionDate: '2026-02-02',
      transactionType: 'S-Sale',
      acquisitionOrDisposition: 'D',
      securitiesTransacted: 1000,
      securitiesOwned: 9000
    }]],
    ['finnhub', ask('finnhub'), () =>
      ({ data: [{ transactionDate: '2026-02-02', transactionCode: 'S', change: -1000, share: 9000 }] })]
  ]), [[-1000, 9000], [-1000, 9000], [-1000, 9000]])
})
