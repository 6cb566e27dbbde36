import { test } from 'tap'
import { marketClock } from '../../market/clock.ts'
import { MoverSchema, OptionContractSchema, type Mover, type OptionContract } from '../../schemas/trading.ts'
import { getMarketMovers, getOptionsChain } from '../../tools/trading.ts'
import { ask, toRow } from './fake-tool-call.ts'

test('movers say which list they are', async t => {
  const mover = toRow<Mover>(MoverSchema, { symbol: 'NVDA', price: 190.5, change_percent: 8.2 })
  const { asked, shown, text } = await ask(getMarketMovers, {}, { market_movers: () => ({ data: [mover], as_of: '2026-11-20T14:59:00Z' }) })
  t.same(asked, [{ capability: 'market_movers', input: { list: 'gainers', asset_class: 'stock', limit: 50 } }])
  t.same(shown.data, { list: 'gainers', asset_class: 'stock', columns: { symbol: ['NVDA'], price: [190.5], change_percent: [8.2] } })
  t.match(text, /^Market movers, list gainers, asset_class stock\n/)
})

test('movers and chains are kept for longer while nothing trades', t => {
  const [open, weekend] = ['2026-11-20T15:00:00Z', '2026-11-22T15:00:00Z'].map(now => new Date(now)) as [Date, Date]
  const monday = new Date('2026-11-23T09:00:00Z')
  t.same([open, weekend].map(now => getMarketMovers.ttl({ list: 'gainers', asset_class: 'stock' }, marketClock(now), now)), [30, monday])
  t.equal(getMarketMovers.ttl({ list: 'gainers', asset_class: 'crypto' }, marketClock(weekend), weekend), 30)
  t.same([open, weekend].map(now => getOptionsChain.ttl({ symbol: 'AAPL' }, marketClock(now), now)), [15, monday])
  t.end()
})

const call = toRow<OptionContract>(OptionContractSchema, {
  contract: 'AAPL261218C00250000', underlying: 'AAPL', type: 'call', strike: 250, expiration: '2026-12-18', bid: 31, ask: 31.4, delta: 0.82, gamma: 0.01
})
const answers = { options_chain: () => ({ data: [call] }) }

test('a chain is that of the next 45 days, with the columns that are asked for most', async t => {
  const { asked, shown, text } = await ask(getOptionsChain, { symbol: 'AAPL' }, answers)
  t.same(asked[0]!.input, {
    underlying: { symbol: 'AAPL', asset_class: 'stock' }, expiration_from: '2026-11-20', expiration_to: '2027-01-04', limit: 50
  })
  t.same(shown.data, {
    underlying: 'AAPL',
    expiration_from: '2026-11-20',
    expiration_to: '2027-01-04',
    columns: { expiration: ['2026-12-18'], strike: [250], type: ['call'], bid: [31], ask: [31.4], delta: [0.82] }
  })
  t.match(text, /^Options chain, underlying AAPL, expiration_from 2026-11-20, /)
  const { shown: greeks } = await ask(getOptionsChain, { symbol: 'AAPL', fields: ['contract', 'gamma', 'vega'] }, answers)
  t.same(greeks.data.columns, { contract: ['AAPL261218C00250000'], gamma: [0.01], vega: [null] })
})

test('what narrows a chain goes to the provider, and what it fixes stands above the rows', async t => {
  const { asked, shown } = await ask(getOptionsChain, { symbol: 'AAPL', type: 'call', expiration: '2026-12-18', strike_min: '240', strike_max: 260 }, answers)
  t.match(asked[0]!.input, { type: 'call', expiration_from: '2026-12-18', expiration_to: '2026-12-18', strike_min: 240, strike_max: 260 })
  t.match(shown.data, { underlying: 'AAPL', type: 'call', expiration: '2026-12-18' })
  t.same(Object.keys(shown.data.columns), ['strike', 'bid', 'ask', 'delta'])
  const { asked: [far] } = await ask(getOptionsChain, { symbol: 'I:SPX', expiration_from: '2027-06-01' }, answers)
  t.match(far!.input, { underlying: { symbol: 'I:SPX' }, expiration_from: '2027-06-01', expiration_to: '2027-07-16' })
})

test('arguments that contradict each other are refused', async t => {
  const refuse = (args: object, message: RegExp) => t.rejects(ask(getOptionsChain, { symbol: 'AAPL', ...args }, answers), { code: 'FMS_INVALID_INPUT', message })
  await refuse({ expiration: '2026-12-18', expiration_to: '2026-12-31' }, /not both/)
  await refuse({ expiration: 'friday' }, /^expiration is not a day: send YYYY-MM-DD/)
  await refuse({ expiration_from: '2026-12-31', expiration_to: '2026-12-01' }, /expiration_to \(2026-12-01\) is before expiration_from/)
  await refuse({ strike_min: 300, strike_max: 200 }, /strike_max \(200\) is below strike_min \(300\)/)
  await refuse({ symbol: 'BTC/USD' }, /not an underlying of options/)
})

test('a stock without any contract is not known; a window without one is empty', async t => {
  const none = { options_chain: () => ({ data: [] }) }
  await t.rejects(ask(getOptionsChain, { symbol: 'ZZZZ' }, none), { code: 'FMS_SYMBOL_NOT_FOUND', message: /fmp knows no options of ZZZZ/ })
  const { text } = await ask(getOptionsChain, { symbol: 'AAPL', strike_min: 9000 }, none)
  t.match(text, /^Options chain, underlying AAPL, .*: no rows\nexpiration,strike,type,/)
})
