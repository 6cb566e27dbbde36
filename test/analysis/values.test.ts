/** Every indicator against a second method: exact integers, sums written out, or the definition taken literally. */
import { test } from 'tap'
import { computeIndicators, INDICATOR_SYNTAX, parseIndicator } from '../../analysis/indicators.ts'
import { periodsPerYear } from '../../analysis/performance.ts'
import { roundForOutput } from '../../analysis/rounding.ts'
import type { Bar } from '../../schemas/market.ts'
import { distance, flat, instant, ofCloses, toDays, walk } from './series.ts'

const BASIS = { zone: 'America/New_York', periodsPerYear: 252 }
const bars = walk(toDays(400))
const closes = bars.map(bar => bar.close)
const compute = (text: string, of: readonly Bar[] = bars, from?: string) =>
  Object.values(computeIndicators([parseIndicator(text)], of, { ...BASIS, from }))
/** A value at each index from `first` on. */
const each = (first: number, of: (i: number) => number | null) => bars.map((_, i) => i < first ? null : of(i))
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)

/** Whole cents, so that sums and squares are exact. */
const cents = closes.map(close => BigInt(Math.round(close * 100)))
const exact = (i: number, n: number, of: (cents: bigint, j: number) => bigint) =>
  range(i - n + 1, i).reduce((total, at, j) => total + of(cents[at]!, j), 0n)

test('SMA and WMA are the exact sums', async t => {
  for (const n of [1, 2, 7, 50]) {
    const mean = each(n - 1, i => Number(exact(i, n, value => value)) / n / 100)
    t.ok(distance(compute(`sma(${n})`)[0]!, mean) < 1e-14)
    const weighted = each(n - 1, i =>
      Number(exact(i, n, (value, j) => value * BigInt(j + 1))) / (n * (n + 1) / 2) / 100)
    t.ok(distance(compute(`wma(${n})`)[0]!, weighted) < 1e-14)
  }
})

/** Exponential smoothing as one weighted sum, of values whose first `n` from `first` on are the seed. */
function weightedSum (values: readonly number[], first: number, n: number, weight: number, i: number): number {
  const seedAt = first + n - 1
  const seed = sum(range(first, seedAt).map(at => values[at]!)) / n
  return (1 - weight) ** (i - seedAt) * seed +
    sum(range(seedAt + 1, i).map(at => weight * (1 - weight) ** (i - at) * values[at]!))
}

test('EMA and MACD are the sums of weighted closes', async t => {
  const ema = (n: number) => each(n - 1, i => weightedSum(closes, 0, n, 2 / (n + 1), i))
  for (const n of [1, 3, 20, 100]) t.ok(distance(compute(`ema(${n})`)[0]!, ema(n)) < 1e-12)

  const [fast, slow] = [ema(12), ema(26)]
  const line = each(25, i => fast[i]! - slow[i]!)
  const signal = each(33, i => weightedSum(line as number[], 25, 9, 0.2, i))
  const histogram = each(33, i => line[i]! - signal[i]!)
  const [macd, macdSignal, macdHistogram] = compute('macd')
  t.ok(distance(macd!, line, 1e-3) < 1e-10)
  t.ok(distance(macdSignal!, signal, 1e-3) < 1e-10)
  t.ok(distance(macdHistogram!, histogram, 1e-3) < 1e-10)
})

const gains = closes.map((close, i) => Math.max(0, close - (closes[i - 1] ?? close)))
const losses = closes.map((close, i) => Math.max(0, (closes[i - 1] ?? close) - close))

test('RSI is that of Wilder\'s averages, written as 100 - 100 / (1 + RS)', async t => {
  for (const n of [2, 14, 50]) {
    const expected = each(n, i =>
      100 - 100 / (1 + weightedSum(gains, 1, n, 1 / n, i) / weightedSum(losses, 1, n, 1 / n, i)))
    t.ok(distance(compute(`rsi(${n})`)[0]!, expected) < 1e-11)
  }
})

const ranges = bars.map(({ high, low }, i) => {
  const close = closes[i - 1] ?? NaN
  return Math.max(high - low, Math.abs(high - close), Math.abs(low - close))
})

test('ATR is Wilder\'s average of the true ranges from the second bar on', async t => {
  for (const n of [1, 14]) {
    t.ok(distance(compute(`atr(${n})`)[0]!, each(n, i => weightedSum(ranges, 1, n, 1 / n, i))) < 1e-12)
  }
})

test('ADX is that of Wilder\'s running sums', async t => {
  const n = 14
  const moves = bars.map((bar, i) => {
    const up = bar.high - (bars[i - 1]?.high ?? NaN)
    const down = (bars[i - 1]?.low ?? NaN) - bar.low
    return { up: up > down && up > 0 ? up : 0, down: down > up && down > 0 ? down : 0 }
  })
  // As in his book: the first is a sum of n, each next one loses its nth part and gains the new value.
  const sums = (values: number[]) => {
    let total = sum(values.slice(1, n + 1))
    return each(n, i => (total = i === n ? total : total - total / n + values[i]!))
  }
  const [up, down, total] = [sums(moves.map(move => move.up)), sums(moves.map(move => move.down)), sums(ranges)]
  const plus = each(n, i => 100 * up[i]! / total[i]!)
  const minus = each(n, i => 100 * down[i]! / total[i]!)
  const strength = each(n, i => 100 * Math.abs(plus[i]! - minus[i]!) / (plus[i]! + minus[i]!))
  let average = sum(strength.slice(n, 2 * n) as number[]) / n
  const adx = each(2 * n - 1, i => (average = i === 2 * n - 1 ? average : (average * (n - 1) + strength[i]!) / n))
  const actual = compute('adx')
  t.ok(distance(actual[0]!, adx) < 1e-11)
  t.ok(distance(actual[1]!, plus) < 1e-12)
  t.ok(distance(actual[2]!, minus) < 1e-12)
})

test('a bar that widens as much up as down has no directional movement', async t => {
  const wider = toDays(12).map((time, i) =>
    ({ time, open: 100, high: 101 + i, low: 99 - i, close: 100, volume: 1, vwap: null, trades: null }))
  const [adx, plus, minus] = compute('adx(3)', wider)
  t.same([adx!.at(-1), plus!.at(-1), minus!.at(-1)], [0, 0, 0])
})

test('Bollinger bands have the exact deviation of the population', async t => {
  for (const [text, n, width] of [['bbands(20)', 20, 2], ['bbands(5,1.5)', 5, 1.5]] as const) {
    const count = BigInt(n)
    const middle = each(n - 1, i => Number(exact(i, n, value => value)) / n / 100)
    // n * sum of squares - square of the sum is n² times the variance, without rounding.
    const variance = (i: number) =>
      Number(count * exact(i, n, value => value * value) - exact(i, n, value => value) ** 2n)
    const reach = each(n - 1, i => width * Math.sqrt(variance(i)) / n / 100)
    const upper = each(n - 1, i => middle[i]! + reach[i]!)
    const lower = each(n - 1, i => middle[i]! - reach[i]!)
    const expected = [
      upper,
      middle,
      lower,
      each(n - 1, i => (closes[i]! - lower[i]!) / (upper[i]! - lower[i]!)),
      each(n - 1, i => (upper[i]! - lower[i]!) / middle[i]!)
    ]
    compute(text).forEach((column, i) => t.ok(distance(column, expected[i]!, 0.01) < 1e-10, `${text} ${i}`))
  }
})

test('the stochastic oscillator is that of the highest high and lowest low', async t => {
  const raw = (i: number) => {
    const window = bars.slice(i - 13, i + 1)
    const [low] = window.map(bar => bar.low).sort((a, b) => a - b)
    const [high] = window.map(bar => bar.high).sort((a, b) => b - a)
    return 100 * (closes[i]! - low!) / (high! - low!)
  }
  const k = each(15, i => (raw(i) + raw(i - 1) + raw(i - 2)) / 3)
  const d = each(17, i => (k[i]! + k[i - 1]! + k[i - 2]!) / 3)
  const actual = compute('stoch')
  t.ok(distance(actual[0]!, k, 1) < 1e-12)
  t.ok(distance(actual[1]!, d, 1) < 1e-12)
})

test('OBV is the volume of rising bars less that of falling ones, since the window began', async t => {
  const from = 150
  const expected = each(from, i => {
    const since = range(from + 1, i)
    const up = since.filter(at => closes[at]! > closes[at - 1]!).map(at => bars[at]!.volume!)
    return sum(up) - sum(since.filter(at => closes[at]! < closes[at - 1]!).map(at => bars[at]!.volume!))
  })
  t.same(compute('obv', bars, bars[from]!.time)[0], expected)
})

test('drawdown is the deepest fall to a bar from any before it in the window', async t => {
  const from = 100
  const expected = each(from, i =>
    Math.min(...range(from, i).map(at => 100 * (closes[i]! - closes[at]!) / closes[at]!)))
  t.ok(distance(compute('drawdown', bars, bars[from]!.time)[0]!, expected, 1) < 1e-13)
})

test('VWAP of n bars is the turnover at the typical price over the volume', async t => {
  const expected = each(19, i => {
    const window = bars.slice(i - 19, i + 1).reverse()
    return sum(window.map(bar => bar.volume! * bar.high + bar.volume! * bar.low + bar.volume! * bar.close)) / 3 /
      sum(window.map(bar => bar.volume!))
  })
  t.ok(distance(compute('vwap(20)')[0]!, expected) < 1e-13)
})

/** Minutes of the regular session of three days: one before and two after New York's clocks change. */
const minutes = ([['2026-03-06', 870], ['2026-03-09', 810], ['2026-03-10', 810]] as const).flatMap(([day, open]) =>
  range(0, 77).map(i => instant(day, open + 5 * i)))

test('the session\'s VWAP begins anew each trading day of the zone', async t => {
  const session = walk(minutes, 7)
  const vwap = (of: Bar[], zone: string) =>
    computeIndicators([parseIndicator('vwap', '5min')], of, { ...BASIS, zone })['vwap']!
  const expected = session.map((bar, i) => {
    const day = session.filter((other, j) => j <= i && other.time.slice(0, 10) === bar.time.slice(0, 10))
    const volume = sum(day.map(other => other.volume!))
    return volume ? sum(day.map(other => (other.high + other.low + other.close) / 3 * other.volume!)) / volume : null
  })
  t.ok(distance(vwap(session, 'America/New_York'), expected) < 1e-13)

  // Round the clock: 04:00 and 05:00 UTC are the midnights of New York's summer and winter.
  const hours = walk(range(0, 71).map(i => instant('2026-03-07', 60 * i)), 3)
    .map(bar => ({ ...bar, volume: bar.volume! + 1 }))
  const typical = (bar: Bar) => (bar.high + bar.low + bar.close) / 3
  const near = (actual: number | null, wanted: number) => t.ok(Math.abs(actual! / wanted - 1) < 1e-14)
  for (const [zone, starts] of [['UTC', [0, 24, 48]], ['America/New_York', [5, 29, 52]]] as const) {
    const values = vwap(hours, zone)
    for (const start of starts) near(values[start]!, typical(hours[start]!))
    t.ok(values.filter((value, i) => Math.abs(value! / typical(hours[i]!) - 1) < 1e-14).length <= 4)
  }
})

test('returns, volatility and Sharpe follow from pairs of closes', async t => {
  t.ok(distance(compute('returns(5)')[0]!, each(5, i => 100 * (closes[i]! - closes[i - 5]!) / closes[i - 5]!), 1) < 1e-13)

  const n = 20
  // The variance of a sample from the squared differences of all its pairs: no mean is involved.
  const spread = (values: number[]) => Math.sqrt(sum(values.flatMap((a, i) =>
    values.slice(i + 1).map(b => (a - b) ** 2))) / (values.length * (values.length - 1)))
  const logs = closes.map((close, i) => Math.log(close) - Math.log(closes[i - 1] ?? NaN))
  const expected = each(n, i => 100 * spread(logs.slice(i - n + 1, i + 1)) * Math.sqrt(252))
  t.ok(distance(compute(`volatility(${n})`)[0]!, expected) < 1e-11)

  const simple = closes.map((close, i) => (close - (closes[i - 1] ?? NaN)) / (closes[i - 1] ?? NaN))
  for (const [text, riskFree] of [['sharpe(20)', 0], ['sharpe(20,0.05)', 0.05]] as const) {
    const ratio = each(n, i => {
      const window = simple.slice(i - n + 1, i + 1)
      return (252 * sum(window) / n - riskFree) / (spread(window) * Math.sqrt(252))
    })
    t.ok(distance(compute(text)[0]!, ratio, 0.1) < 1e-10)
  }
})

test('on a flat series nothing is made up', async t => {
  const last = (text: string) => compute(text, flat(60)).map(column => column.at(-1))
  t.same(last('sma'), [0.1])
  t.same(last('ema'), [0.1])
  t.same(last('rsi'), [null])
  t.same(last('macd'), [0, 0, 0])
  t.same(last('bbands'), [0.1, 0.1, 0.1, null, 0])
  t.same(last('atr'), [0])
  t.same(last('adx'), [0, null, null])
  t.same(last('stoch'), [null, null])
  t.same(last('obv'), [0])
  t.same(last('returns'), [0])
  t.same(last('drawdown'), [0])
  t.same(last('volatility'), [0])
  t.same(last('sharpe(20)'), [null])
})

test('the extremes of RSI are reached, and equal returns have no Sharpe', async t => {
  const rising = ofCloses(range(1, 40))
  t.equal(compute('rsi', rising)[0]!.at(-1), 100)
  t.equal(compute('rsi', rising.map((bar, i) => ({ ...bar, close: 100 - i })))[0]!.at(-1), 0)
  t.equal(compute('sharpe(20)', ofCloses(range(1, 40).map(i => 1.01 ** i)))[0]!.at(-1), null)
})

test('before an indicator has its bars it is null, and then never again', async t => {
  for (const text of INDICATOR_SYNTAX.split(' ')) {
    const spec = parseIndicator(text)
    const columns = compute(text)
    t.equal(columns.length, spec.columns.length)
    const complete = bars.map((_, i) => columns.every(column => column[i] !== null))
    t.equal(complete.indexOf(true), spec.needs, text)
    t.notOk(complete.slice(spec.needs).includes(false), text)
    for (const length of [0, 1, 2]) {
      for (const column of compute(text, bars.slice(0, length))) t.equal(column.length, length)
    }
    const short = compute(text, bars.slice(0, spec.needs))
    t.ok(short.some(column => column.every(value => value === null)), `${text} needs ${spec.needs} bars`)
  }
})

test('an unknown volume is unknown in what is made of it', async t => {
  const moved = closes.findIndex((close, i) => i > 50 && close !== closes[i - 1])
  const still = closes.findIndex((close, i) => i > 50 && close === closes[i - 1])
  const without = (at: number) => bars.map((bar, i) => i === at ? { ...bar, volume: null } : bar)
  const [obv] = compute('obv', without(moved))
  t.same(obv!.slice(0, moved), compute('obv')[0]!.slice(0, moved))
  t.ok(obv!.slice(moved).every(value => value === null))
  t.same(compute('obv', without(still)), compute('obv'), 'the volume of a bar that did not move does not count')
  const [vwap] = compute('vwap(5)', without(50))
  t.same(vwap!.map((value, i) => value === null ? i : -1).filter(i => i >= 4), [50, 51, 52, 53, 54])
  t.ok(compute('vwap(5)', ofCloses(closes))[0]!.every(value => value === null))

  const session = walk(minutes, 7).map((bar, i) => i === 30 ? { ...bar, volume: null } : bar)
  const values = computeIndicators([parseIndicator('vwap', '5min')], session, BASIS)['vwap']!
  t.ok(values.slice(30, 78).every(value => value === null))
  t.ok(values.slice(80).every(value => value !== null))
})

test('without any trade there is no VWAP, and from no price no return', async t => {
  t.equal(compute('vwap(5)', flat(9).map(bar => ({ ...bar, volume: 0 })))[0]!.at(-1), null)
  const fallen = ofCloses([10, 5, 0, 4, 8])
  t.same(compute('returns', fallen)[0], [null, -50, -100, null, 100])
  t.same(compute('volatility(2)', fallen)[0], [null, null, null, null, null])
  t.same(compute('drawdown', ofCloses([0, 0, 5]))[0], [null, null, 0])
  t.equal(compute('bbands(2)', ofCloses([0, 0]))[4]!.at(-1), null)
})

test('a hole in time is not filled: bars are counted', async t => {
  const gappy = bars.filter((_, i) => i % 7 !== 3)
  t.same(compute('ema(20)', gappy), compute('ema(20)', gappy.map((bar, i) => ({ ...bar, time: bars[i]!.time }))))
})

test('a value of a fixed window has the same bits wherever the series began', async t => {
  for (const text of ['sma(20)', 'wma(20)', 'bbands', 'stoch', 'vwap(20)', 'returns(5)', 'volatility(20)', 'sharpe(20)']) {
    const { warmup } = parseIndicator(text)
    const short = compute(text, bars.slice(300 - warmup)).map(column => column.slice(warmup))
    t.same(short, compute(text).map(column => column.slice(300)), text)
  }
})

test('the closes that StockCharts shows RSI and EMA with give its values', async t => {
  // ChartSchool, "Relative Strength Index": 14 days, in its spreadsheet's rounding.
  const rsi = compute('rsi(14)', ofCloses([
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140,
    46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548,
    44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314
  ]))[0]!
  t.same(rsi.slice(14).map(value => value!.toFixed(2)), [
    '70.53', '66.32', '66.55', '69.41', '66.36', '57.97', '62.93', '63.26', '56.06', '62.38', '54.71', '50.42', '39.99',
    '41.46', '41.87', '45.46', '37.30', '33.08', '37.77'
  ])
  // ChartSchool, "Moving Averages": 10 days. Closes are printed in cents, the averages were made of more digits.
  const closes = [
    22.27, 22.19, 22.08, 22.17, 22.18, 22.13, 22.23, 22.43, 22.24, 22.29, 22.15, 22.39, 22.38, 22.61, 23.36,
    24.05, 23.75, 23.83, 23.95, 23.63, 23.82, 23.87, 23.65, 23.19, 23.10, 23.33, 22.68, 23.10, 22.40, 22.17
  ]
  const far = (text: string, published: number[]) => {
    const values = compute(text, ofCloses(closes))[0]!
    return Math.max(...published.map((value, i) => Math.abs(value - values[i + 9]!)))
  }
  t.ok(far('sma(10)', [
    22.22, 22.21, 22.23, 22.26, 22.31, 22.42, 22.61, 22.77, 22.91, 23.08, 23.21,
    23.38, 23.53, 23.65, 23.71, 23.69, 23.61, 23.51, 23.43, 23.28, 23.13
  ]) < 0.01)
  t.ok(far('ema(10)', [
    22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.80, 22.97, 23.13, 23.28, 23.34,
    23.43, 23.51, 23.54, 23.47, 23.40, 23.39, 23.26, 23.23, 23.08, 22.92
  ]) < 0.01)
})

test('a year has as many bars as are traded in it', async t => {
  t.equal(periodsPerYear('1day', 'stock'), 252)
  t.equal(periodsPerYear('1day', 'crypto'), 365)
  t.equal(periodsPerYear('1day', 'forex'), 252)
  t.equal(periodsPerYear('1week', 'crypto'), 52)
  t.equal(periodsPerYear('1month', 'stock'), 12)
  t.equal(periodsPerYear('1min', 'stock'), 252 * 390)
  t.equal(periodsPerYear('1hour', 'stock'), 252 * 6.5)
  t.equal(periodsPerYear('1hour', 'stock', 'extended'), 252 * 16)
  t.equal(periodsPerYear('5min', 'crypto'), 365 * 288)
  t.equal(periodsPerYear('30min', 'forex'), 252 * 48)
})

test('what is sent keeps eleven digits', async t => {
  t.equal(roundForOutput(229.123456789012), 229.12345679)
  t.equal(roundForOutput(1.23456789012e-7), 1.2345678901e-7)
  t.equal(roundForOutput(123456789012345), 123456789010000)
  t.equal(roundForOutput(null), null)
  t.equal(roundForOutput(NaN), null)
  t.equal(roundForOutput(1 / 3, 4), 0.3333)
})
