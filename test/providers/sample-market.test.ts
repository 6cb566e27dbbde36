import { test } from 'tap'
import { isTradingDay } from '../../market/calendar.ts'
import { addDays, DAY_MS, instantAt, NEW_YORK } from '../../market/time.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { normal, valueOption } from '../../providers/sample/black-scholes.ts'
import { INDICATORS, MATURITIES } from '../../schemas/events.ts'
import type { OptionContract } from '../../schemas/trading.ts'
import { ALWAYS, ask, COMPANIES, NOON, toInstruments } from './sample-call.ts'

const near = (a: number, b: number, tolerance: number) => Math.abs(a - b) <= tolerance

test('options are valued as Black and Scholes say', async t => {
  const question = { spot: 100, strike: 100, years: 1, rate: 0.05, dividendYield: 0, volatility: 0.2 }
  // Hull, "Options, Futures and Other Derivatives": the standard example.
  t.ok(near(valueOption({ ...question, type: 'call' }).price, 10.450583572185565, 1e-9))
  t.ok(near(valueOption({ ...question, type: 'put' }).price, 5.573526022256971, 1e-9))
  t.ok(near(normal(-8), 6.220960574271785e-16, 1e-20))
  t.equal(normal(0) * 2, 1)
  t.ok(near(normal(1.959963984540054), 0.975, 1e-12))
})

test('greeks are the derivatives of the price', async t => {
  const base = { spot: 92, strike: 100, years: 0.4, rate: 0.03, dividendYield: 0.015, volatility: 0.31 }
  for (const type of ['call', 'put'] as const) {
    const at = (change: Partial<typeof base>) => valueOption({ ...base, type, ...change })
    const slope = (name: keyof typeof base, h: number) =>
      (at({ [name]: base[name] + h }).price - at({ [name]: base[name] - h }).price) / (2 * h)
    const { delta, gamma, theta, vega, rho } = at({})
    t.ok(near(delta, slope('spot', 1e-3), 1e-7))
    t.ok(near(gamma, (at({ spot: 92.01 }).delta - at({ spot: 91.99 }).delta) / 0.02, 1e-7))
    t.ok(near(theta, -slope('years', 1e-5) / 365, 1e-7), 'a calendar day')
    t.ok(near(vega, slope('volatility', 1e-4) / 100, 1e-7), 'a percentage point')
    t.ok(near(rho, slope('rate', 1e-4) / 100, 1e-7), 'a percentage point')
  }
})

const chainOf = async (symbol: string, asked: object = {}, now = NOON) =>
  (await ask('options_chain', { underlying: parseSymbol(symbol), limit: 10_000, ...asked }, now)).data

/** Calls, each beside the put of the same strike and day. */
function pairsOf (chain: OptionContract[]): [OptionContract, OptionContract][] {
  const puts = new Map(chain.filter(({ type }) => type === 'put').map(put => [`${put.expiration} ${put.strike}`, put]))
  return chain.filter(({ type }) => type === 'call').map(call => [call, puts.get(`${call.expiration} ${call.strike}`)!])
}

/** What the market itself says of interest and payouts before a day. */
async function termsOf (symbol: string, day: string, price: number) {
  const [year, before] = [addDays(day, -364), addDays(day, -1)]
  const { data: { points: [curve] } } = await ask('economic_indicator',
    { indicator: 'treasury_rates', from: year, to: before, limit: 1 }, `${day}T23:00:00Z`)
  if (parseSymbol(symbol).asset_class === 'index') return { rate: curve!['3m'] as number / 100, dividendYield: 0 }
  const { data: paid } = await ask('corporate_actions',
    { instrument: parseSymbol(symbol), from: year, to: day, types: ['dividend'], limit: 9 }, `${day}T23:00:00Z`)
  return { rate: curve!['3m'] as number / 100, dividendYield: paid.reduce((sum, { amount }) => sum + amount!, 0) / price }
}

test('a chain is consistent: with put-call parity, with its own volatility, and with the quote', async t => {
  for (const symbol of [...COMPANIES, 'SPY', 'I:SPX']) {
    for (const now of [NOON, '2026-11-22T12:00:00Z', '2027-02-19T20:30:00Z']) {
      const chain = await chainOf(symbol, {}, now)
      const quote = (await ask('quote', { instruments: toInstruments(symbol) }, now)).data.items[symbol]!
      const asOf = quote.as_of!
      const { rate, dividendYield } = await termsOf(symbol, asOf.slice(0, 10), quote.price)
      const yearsTo = (day: string) => (instantAt(`${day} 16:00`, NEW_YORK).getTime() - Date.parse(asOf)) / (365.25 * DAY_MS)
      t.same(pairsOf(chain).filter(([call, put]) => {
        const years = yearsTo(call.expiration)
        const parity = quote.price * Math.exp(-dividendYield * years) - call.strike * Math.exp(-rate * years)
        return !near((call.last ?? 0) - (put.last ?? 0), parity, 0.0100001)
      }), [], `${symbol} at ${now}: parity`)
      t.same(chain.filter(({ type, strike, expiration, implied_volatility: volatility, last }) => {
        const { price } = valueOption({
          type, strike, spot: quote.price, years: yearsTo(expiration), volatility: volatility!, rate, dividendYield
        })
        return !near(price, last ?? 0, 0.0050001)
      }), [], `${symbol} at ${now}: the price from the implied volatility`)
      t.ok(chain.every(({ as_of: at, underlying }) => at === asOf && underlying === symbol))
    }
  }
})

test('greeks have their signs, the book is open, and strikes stand around the price', async t => {
  for (const symbol of COMPANIES) {
    const chain = await chainOf(symbol)
    t.same(chain.filter(({ type, delta, gamma, vega, rho, bid, ask: offer, last }) =>
      (type === 'call' ? delta! < 0 || delta! > 1 || rho! < 0 : delta! > 0 || delta! < -1 || rho! > 0) ||
      gamma! < 0 || vega! < 0 || (bid !== null && !(bid > 0 && bid < last!)) || !(offer! > (last ?? 0))), [])
    const middle = chain.filter(({ delta }) => Math.abs(delta!) > 0.3 && Math.abs(delta!) < 0.7)
    t.ok(middle.length > 20 && middle.every(({ theta, gamma, vega }) => theta! < 0 && gamma! > 0 && vega! > 0))
    const { price } = (await ask('quote', { instruments: toInstruments(symbol) })).data.items[symbol]!
    const strikes = chain.map(({ strike }) => strike)
    t.ok(Math.min(...strikes) < price * 0.95 && Math.max(...strikes) > price * 1.05)
  }
})

test('a chain is sorted, monthly, and keeps to the question', async t => {
  const chain = await chainOf('AAPL')
  const key = ({ expiration, strike, type }: OptionContract) => `${expiration} ${String(strike * 1000).padStart(8, '0')} ${type}`
  t.same(chain.map(key), chain.map(key).sort())
  t.equal(new Set(chain.map(({ contract }) => contract)).size, chain.length)
  t.same([...new Set(chain.map(({ expiration }) => expiration))], [
    '2026-11-20', '2026-12-18', '2027-01-15', '2027-02-19', '2027-03-19', '2027-04-16', '2027-05-21', '2027-06-17',
    '2027-07-16', '2027-08-20', '2027-09-17', '2027-10-15'
  ], 'third Fridays, or the Thursday before where Friday is a holiday')
  const asked = { type: 'put', expiration_from: '2026-12-18', expiration_to: '2027-01-15', strike_min: 180, strike_max: 200 }
  t.same(await chainOf('AAPL', asked), chain.filter(({ type, expiration, strike }) =>
    type === 'put' && ['2026-12-18', '2027-01-15'].includes(expiration) && strike >= 180 && strike <= 200))
  t.equal((await chainOf('AAPL', asked)).length, 10)
  t.same(await chainOf('AAPL', { ...asked, limit: 3 }), (await chainOf('AAPL', asked)).slice(0, 3))
  t.equal((await chainOf('AAPL', {}, '2026-11-20T21:00:00Z'))[0]!.expiration, '2026-12-18', 'expired at the close')
  t.match(await chainOf('BRK.B', { limit: 1 }), [{ contract: /^BRKB261120C00\d{6}$/, underlying: 'BRK.B' }])
  t.match(await chainOf('I:SPX', { limit: 1 }), [{ contract: /^SPX261120C0\d{7}$/, underlying: 'I:SPX' }])
})

test('a contract\'s quote is the chain\'s, also beyond its strikes; an expired or odd one is unknown', async t => {
  const chain = await chainOf('AAPL', { expiration_from: '2027-01-01' })
  const { data } = await ask('quote', { instruments: toInstruments(...chain.map(({ contract }) => contract)) })
  t.same(chain.filter(({ contract, last, bid, ask: offer, volume, as_of: asOf }) => {
    const quote = data.items[contract]!
    return quote.price !== last || quote.bid !== bid || quote.ask !== offer || quote.volume !== volume ||
      quote.as_of !== asOf || quote.low! > quote.price || quote.high! < quote.price
  }), [])
  const others = await ask('quote', {
    instruments: toInstruments('AAPL270115C00050000', 'AAPL270115P00050000', 'AAPL261016C00200000', 'AAPL270114C00200000', 'AAPL270115C00201000')
  })
  t.same(Object.keys(others.data.items), ['AAPL270115C00050000'])
  t.match(others.data.failures.AAPL270115P00050000, { code: 'FMS_SYMBOL_NOT_FOUND', message: /has no price/ })
  t.equal(Object.keys(others.data.failures).length, 4)
})

test('the economic calendar tells what the series say, and no more than is known', async t => {
  const { data } = await ask('economic_calendar', { from: '2026-09-01', to: '2026-12-31', limit: 1000 })
  t.same(data.map(({ time }) => time), data.map(({ time }) => time).sort())
  t.ok(data.every(({ event, country }) => event.endsWith('(sample)') && country === 'US'))
  t.ok(data.every(({ time, actual }) => (time <= NOON) === (actual !== null)))
  t.ok(data.some(({ time, estimate }) => time > NOON && estimate !== null))
  t.ok(data.some(({ estimate, previous }) => estimate === null && previous === null), 'after the next but one')
  const longer = await ask('economic_calendar', { from: '2026-01-01', to: '2026-12-31', limit: 1000 })
  t.same(longer.data.filter(({ time }) => time >= '2026-09-01'), data)
  t.same(data.filter(({ event }) => event.startsWith('Real GDP')).map(({ time }) => time), ['2026-10-28T12:30:00Z'])
  const seriesOf = async (indicator: typeof INDICATORS[number]) => (await ask('economic_indicator',
    { indicator, ...ALWAYS, limit: 3 })).data.points.map(({ value }) => value as number)
  const lastOf = (name: string) => data.findLast(({ event, actual }) => event.startsWith(name) && actual !== null)!
  const [jobs, jobsBefore, jobsTwoBefore] = await seriesOf('nonfarm_payrolls')
  t.match(lastOf('Nonfarm Payrolls'), { actual: jobs! - jobsBefore!, previous: jobsBefore! - jobsTwoBefore!, unit: 'thousands' })
  const [prices, pricesBefore] = await seriesOf('cpi')
  t.ok(near(lastOf('CPI MoM').actual!, (prices! / pricesBefore! - 1) * 100, 0.0501))
  t.equal(lastOf('Unemployment Rate').actual, (await seriesOf('unemployment_rate'))[0])
  t.equal(lastOf('Interest Rate Decision').actual, (await seriesOf('federal_funds_rate'))[0])
  t.same((await ask('economic_calendar', { from: '2026-09-01', to: '2026-12-31', country: 'us', limit: 5 })).data, data.slice(0, 5))
})

test('every economic series is in its window, newest first, and is known no earlier than it is released', async t => {
  for (const indicator of INDICATORS) {
    const window = { from: '2024-01-01', to: '2026-12-31', limit: 2000 }
    const { data: { points }, as_of: asOf } = await ask('economic_indicator', { indicator, ...window })
    const dates = points.map(({ date }) => date)
    t.same(dates, [...new Set(dates)].sort().reverse(), indicator)
    t.ok(dates.length >= 10 && dates.at(-1)! >= '2024-01-01' && dates.at(-1)! < '2024-04-02' && dates[0]! <= '2026-11-20', indicator)
    const before = await ask('economic_indicator', { indicator, ...window }, new Date(Date.parse(asOf!) - 60_000).toISOString())
    t.same(before.data.points, points.slice(1), `${indicator} a minute before its last release`)
  }
})

test('the central bank moves in quarters, and only in the months in which it meets', async t => {
  const { data } = await ask('economic_indicator', { indicator: 'federal_funds_rate', ...ALWAYS, limit: 1000 })
  const moves = data.points.slice(0, -1).filter(({ value }, i) => value !== data.points[i + 1]!.value)
  t.ok(moves.length > 20)
  t.ok(moves.every(({ date }) => [1, 3, 5, 6, 7, 9, 11, 12].includes(Number(date.slice(5, 7)))))
  t.ok(data.points.every(({ value }) => Number.isInteger(value as number * 4) && value as number > 0))
})

test('inflation is the growth of prices, output the real one at those prices, and mortgages follow the curve', async t => {
  const of = async (indicator: typeof INDICATORS[number], limit = 300) =>
    (await ask('economic_indicator', { indicator, ...ALWAYS, limit })).data.points
  const prices = new Map((await of('cpi')).map(({ date, value }) => [date, value as number]))
  t.same((await of('inflation', 200)).filter(({ date, value }) => {
    const before = prices.get(`${Number(date.slice(0, 4)) - 1}${date.slice(4)}`)!
    return !near(value as number, (prices.get(date)! / before - 1) * 100, 0.00501)
  }), [])
  const real = new Map((await of('real_gdp')).map(({ date, value }) => [date, value as number]))
  t.same((await of('gdp', 80)).filter(({ date, value }) =>
    !near(value as number, real.get(date)! * prices.get(date)! / 258, 0.0501)), [])
  const curve = await of('treasury_rates', 1000)
  t.same(curve.filter(point => MATURITIES.some(name => !(typeof point[name] === 'number' && point[name] > 0)) ||
    !isTradingDay(point.date)), [])
  const [mortgage] = await of('mortgage_rate_30y', 1)
  t.ok(near(mortgage!.value as number, (curve.find(({ date }) => date === mortgage!.date)!['10y'] as number) + 1.75, 0.00501))
})

test('what a fund holds is every company by its market value, and adds up to the fund', async t => {
  const { data, as_of: asOf } = await ask('etf_holdings', { instrument: parseSymbol('SPY'), limit: 100 })
  t.equal(asOf, '2026-11-19T21:00:00Z', 'as of the last close')
  t.equal(data.length, COMPANIES.length)
  t.ok(near(data.reduce((sum, row) => sum + row.weight_percent!, 0), 100, 1e-3))
  t.same(data.map(row => row.value), data.map(row => row.value!).sort((a, b) => b - a))
  const { items } = (await ask('quote', { instruments: toInstruments('SPY', ...COMPANIES) })).data
  const { data: fund } = await ask('profile', { instrument: parseSymbol('SPY') })
  const assets = items.SPY!.previous_close! * fund.shares_outstanding!
  t.ok(near(data.reduce((sum, row) => sum + row.value!, 0) / assets, 1, 1e-9))
  t.ok(data.every(row => near(row.shares! * items[row.symbol!]!.previous_close! / row.value!, 1, 1e-6)))
  t.equal((await ask('etf_holdings', { instrument: parseSymbol('SPY'), limit: 1 }, '2026-11-20T23:00:00Z')).as_of, '2026-11-20T21:00:00Z')
})

test('an index is made of the companies that are listed', async t => {
  const membersOf = async (index: 'I:SPX' | 'I:NDX' | 'I:DJI') =>
    (await ask('index_constituents', { index, limit: 50 })).data.map(({ symbol }) => symbol)
  t.same(await membersOf('I:SPX'), COMPANIES)
  t.same(await membersOf('I:NDX'), COMPANIES.filter(symbol => symbol !== 'BRK.B'))
  t.same(await membersOf('I:DJI'), ['AAPL', 'MSFT', 'NVDA', 'AMZN'])
})
