import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { test } from 'tap'
import { sparkline, summarise } from '../../analysis/summary.ts'
import { flat, instant, ofCloses, toDays, walk } from './series.ts'

const bars = walk(toDays(250), 4)

test('a series is summed up by its ends, extremes and risk', async t => {
  const summary = summarise(bars, 252)!
  const closes = bars.map(bar => bar.close)
  const [high, low] = [Math.max(...bars.map(bar => bar.high)), Math.min(...bars.map(bar => bar.low))]
  const logs = closes.slice(1).map((close, i) => Math.log(close / closes[i]!))
  const mean = logs.reduce((a, b) => a + b, 0) / logs.length
  const deviation = Math.sqrt(logs.reduce((total, log) => total + (log - mean) ** 2, 0) / (logs.length - 1))
  const deepest = Math.min(...closes.flatMap((close, i) => closes.slice(i).map(later => later / close - 1)))
  const cents = (value: number) => Number((100 * value).toFixed(2))
  t.same(summary, {
    bars: 250,
    first: [bars[0]!.time, closes[0]],
    last: [bars.at(-1)!.time, closes.at(-1)],
    high: [bars.find(bar => bar.high === high)!.time, high],
    low: [bars.find(bar => bar.low === low)!.time, low],
    return_percent: cents(closes.at(-1)! / closes[0]! - 1),
    volatility_percent: cents(deviation * Math.sqrt(252)),
    max_drawdown_percent: cents(deepest),
    average_volume: Number((bars.reduce((total, bar) => total + bar.volume!, 0) / 250).toPrecision(6)),
    sparkline: summary.sparkline
  })
})

test('a summary costs no more than 110 tokens, 140 with intraday times', async t => {
  const scaled = (factor: number) => (bar: typeof bars[number]) => ({
    ...bar,
    open: bar.open * factor,
    high: Number((bar.high * factor).toPrecision(8)),
    low: Number((bar.low * factor).toPrecision(8)),
    close: Number((bar.close * factor).toPrecision(8)),
    volume: bar.volume! * 100
  })
  const minutes = walk(bars.map((_, i) => instant('2026-11-20', 870 + i)), 5)
  const all = { daily: bars, coin: bars.map(scaled(1234.5678)), minutes, penny: minutes.map(scaled(0.0012345)) }
  for (const [name, series] of Object.entries(all)) {
    const tokens = countTokens(JSON.stringify(summarise(series, 252)))
    t.ok(tokens <= (series[0]!.time.length === 10 ? 110 : 140), `${name}: ${tokens} tokens`)
  }
})

test('the sparkline draws from the lowest close shown to the highest', async t => {
  t.equal(sparkline([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), '0123456789')
  t.equal(sparkline([10, 0, 5]), '905')
  t.equal(sparkline([3, 3, 3]), '555')
  t.equal(sparkline([7]), '5')
  const long = sparkline(Array.from({ length: 1000 }, (_, i) => i))
  t.equal(long.length, 30)
  t.equal(long, [...long].sort().join(''))
  t.equal(sparkline([...Array(999).fill(1), 2]).at(-1), '9', 'the last close is the last digit')
})

test('what a short or incomplete series cannot say is null', async t => {
  t.equal(summarise([], 252), null)
  t.match(summarise(bars.slice(0, 1), 252), { bars: 1, return_percent: 0, volatility_percent: null, sparkline: '5' })
  t.match(summarise(bars.slice(0, 2), 252), { volatility_percent: null })
  t.equal(summarise(ofCloses([1, 2, 3]), 252)!.average_volume, null)
  const zero = { return_percent: 0, volatility_percent: 0, max_drawdown_percent: 0 }
  t.match(summarise(flat(9), 252), { ...zero, average_volume: 10 })
  const unknown = { return_percent: null, volatility_percent: null, max_drawdown_percent: null }
  t.match(summarise(ofCloses([0, 2, 3]), 252), unknown)
})

test('of equal extremes the first is named', async t => {
  const summary = summarise(ofCloses([1, 5, 1, 5, 3]), 252)!
  t.same([summary.high[0], summary.low[0]], [toDays(2)[1], toDays(1)[0]])
})
