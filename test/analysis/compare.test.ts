import { test } from 'tap'
import { compareSeries } from '../../analysis/compare.ts'
import type { Bar } from '../../schemas/market.ts'
import { flat, ofCloses, toDays, walk } from './series.ts'

const close = (a: number | null | undefined, b: number) =>
  typeof a === 'number' && Math.abs(a - b) <= 1e-10 * Math.max(1, Math.abs(b))
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
const days = toDays(300)
const [market, follower, other] = [walk(days, 1), walk(days, 2), walk(days, 3)]
const series = [{ symbol: 'SPY', bars: market }, { symbol: 'AAA', bars: follower }, { symbol: 'BBB', bars: other }]

/** Sums over all pairs of bars: n(n - 1) times the covariance, without a mean. */
const pairs = (a: number[], b: number[]) => sum(a.flatMap((_, i) => a.slice(i + 1).map((_, j) =>
  (a[i]! - a[i + 1 + j]!) * (b[i]! - b[i + 1 + j]!))))
const growth = (bars: Bar[]) => bars.slice(1).map((bar, i) => (bar.close - bars[i]!.close) / bars[i]!.close)

test('each figure is what its definition gives', async t => {
  const { symbols, correlation_matrix: matrix, common_bars: count } = compareSeries(series, 'SPY', 252)
  t.equal(count, 300)
  const base = growth(market)
  series.forEach(({ symbol, bars }, i) => {
    const own = growth(bars)
    const figures = symbols[i]!
    const logs = own.map(value => Math.log(1 + value))
    const total = own.reduce((product, value) => product * (1 + value), 1)
    const deepest = Math.min(0, ...bars.flatMap((bar, j) => bars.slice(j).map(later => later.close / bar.close - 1)))
    const deviation = (values: number[]) => Math.sqrt(pairs(values, values) / (values.length * (values.length - 1)))
    t.equal(figures.symbol, symbol)
    t.equal(figures.bars, 300)
    t.ok(close(figures.return_percent, 100 * (total - 1)))
    t.ok(close(figures.annualised_return_percent, 100 * (Math.exp(Math.log(total) * 252 / 299) - 1)))
    t.ok(close(figures.volatility_percent, 100 * deviation(logs) * Math.sqrt(252)))
    t.ok(close(figures.max_drawdown_percent, 100 * deepest))
    t.ok(close(figures.sharpe, sum(own) / own.length / deviation(own) * Math.sqrt(252)))
    t.ok(close(figures.beta, pairs(own, base) / pairs(base, base)))
    t.ok(close(figures.correlation, pairs(own, base) / Math.sqrt(pairs(own, own) * pairs(base, base))))
    series.forEach(({ bars: counterpart }, j) => {
      const theirs = growth(counterpart)
      t.ok(close(matrix[i]?.[j], pairs(own, theirs) / Math.sqrt(pairs(own, own) * pairs(theirs, theirs))))
      t.equal(matrix[i]?.[j], matrix[j]?.[i])
    })
  })
  t.same([symbols[0]!.beta, symbols[0]!.correlation, matrix[1]![1]], [1, 1, 1])
})

test('a leveraged series has its leverage as beta, an inverse one the correlation -1', async t => {
  const from = (factor: number) => {
    let price = 100
    return ofCloses([price, ...growth(market).map(value => (price *= 1 + factor * value))])
  }
  const { symbols } = compareSeries([
    { symbol: 'SPY', bars: market }, { symbol: 'UP', bars: from(2) }, { symbol: 'DOWN', bars: from(-1) }
  ], 'SPY', 252)
  t.ok(close(symbols[1]!.beta, 2) && close(symbols[1]!.correlation, 1))
  t.ok(close(symbols[2]!.beta, -1) && close(symbols[2]!.correlation, -1))
  // By rounding alone some would come out at 1.0000000000000002.
  const many = Array.from({ length: 60 }, (_, i) => ({ symbol: `X${i}`, bars: from(0.05 * (i + 1)) }))
  t.ok(compareSeries(many, 'X0', 252).symbols.every(one => one.correlation! <= 1 && close(one.correlation, 1)))
})

test('only the times that all have are compared, and returns run from one to the next', async t => {
  const gappy = follower.filter((_, i) => i % 5 !== 0)
  const late = other.slice(100)
  const { common_bars: count, first_time: first, last_time: last, symbols } = compareSeries([
    { symbol: 'SPY', bars: market }, { symbol: 'AAA', bars: gappy }, { symbol: 'BBB', bars: late }
  ], 'SPY', 252)
  const times = days.filter((_, i) => i >= 100 && i % 5 !== 0)
  t.same([count, first, last], [160, times[0], times.at(-1)])
  t.same(symbols.map(one => one.bars), [300, 240, 200])
  const at = (bars: Bar[]) => bars.filter(bar => times.includes(bar.time))
  const again = compareSeries(series.map(({ symbol, bars }) => ({ symbol, bars: at(bars) })), 'SPY', 252)
  t.same(symbols.map(({ bars, ...figures }) => figures), again.symbols.map(({ bars, ...figures }) => figures))
})

test('a series without bars takes no part, and does not empty the others', async t => {
  const { common_bars: count, symbols, correlation_matrix: matrix } =
    compareSeries([...series, { symbol: 'NEW', bars: [] }], 'SPY', 252)
  t.equal(count, 300)
  t.same(symbols[3], {
    symbol: 'NEW',
    bars: 0,
    return_percent: null,
    annualised_return_percent: null,
    volatility_percent: null,
    max_drawdown_percent: null,
    sharpe: null,
    beta: null,
    correlation: null
  })
  t.same(matrix[3], [null, null, null, null])
  t.type(symbols[1]!.beta, 'number')
  t.match(compareSeries([], 'SPY', 252), { common_bars: 0, first_time: null, last_time: null, symbols: [], correlation_matrix: [] })
})

test('without its benchmark a comparison has no beta, but all else', async t => {
  const { symbols } = compareSeries(series.slice(1), 'SPY', 252)
  t.ok(symbols.every(one => one.beta === null && one.correlation === null && one.sharpe !== null))
})

test('what does not move has no Sharpe, beta or correlation', async t => {
  const { symbols, correlation_matrix: matrix } =
    compareSeries([{ symbol: 'SPY', bars: market }, { symbol: 'USDT', bars: flat(300, 1.1) }], 'SPY', 252)
  const still = { return_percent: 0, volatility_percent: 0, max_drawdown_percent: 0, sharpe: null, correlation: null }
  t.match(symbols[1], { ...still, beta: 0 })
  t.same(matrix, [[1, null], [null, null]])
  const turned = compareSeries([{ symbol: 'USDT', bars: flat(300, 1.1) }, { symbol: 'SPY', bars: market }], 'USDT', 252)
  t.same(turned.symbols.map(one => [one.beta, one.correlation]), [[null, null], [null, null]])
})

const of = (count: number) =>
  compareSeries(series.map(({ symbol, bars }) => ({ symbol, bars: bars.slice(0, count) })), 'SPY', 252)

test('fewer than three common bars give a return and nothing more', async t => {
  const unknown = { volatility_percent: null, sharpe: null, beta: null, correlation: null }
  t.match(of(2).symbols[1], { ...unknown, annualised_return_percent: null })
  t.ok(close(of(2).symbols[1]!.return_percent, 100 * (follower[1]!.close / follower[0]!.close - 1)))
  t.match(of(1).symbols[1], { return_percent: null, max_drawdown_percent: null })
  t.type(of(3).symbols[1]!.beta, 'number')
})

test('a return is annualised from a quarter of a year on', async t => {
  t.equal(of(63).symbols[0]!.annualised_return_percent, null)
  t.ok(close(of(64).symbols[0]!.annualised_return_percent, 100 * ((market[63]!.close / market[0]!.close) ** 4 - 1)))
})

test('the risk-free rate is taken off the Sharpe ratio', async t => {
  const [plain, less] = [0, 0.05].map(rate => compareSeries(series, 'SPY', 252, rate).symbols[0]!.sharpe!)
  const own = growth(market)
  const deviation = Math.sqrt(pairs(own, own) / (own.length * (own.length - 1)))
  t.ok(close(plain! - less!, 0.05 / (deviation * Math.sqrt(252))))
})

test('from a price that is not positive there is no return', async t => {
  const fallen = ofCloses(days.map((_, i) => i === 10 ? -1 : 10 + i))
  const { symbols } = compareSeries([{ symbol: 'SPY', bars: market }, { symbol: 'CL', bars: fallen }], 'SPY', 252)
  t.match(symbols[1], { volatility_percent: null, sharpe: null, beta: null, correlation: null })
  t.ok(close(symbols[1]!.return_percent, 100 * (309 / 10 - 1)))
  t.equal(compareSeries([{ symbol: 'CL', bars: ofCloses([-1, 2, 3]) }], 'CL', 252).symbols[0]!.return_percent, null)
})
