import { test } from 'tap'
import { computeIndicators, parseIndicator, type IndicatorSpec } from '../../analysis/indicators.ts'
import type { Bar, Timeframe } from '../../schemas/market.ts'
import { roundForOutput } from '../../analysis/rounding.ts'
import { distance, instant, toDays, walk } from './series.ts'

const BASIS = { zone: 'America/New_York', periodsPerYear: 252 }
const ASKED = 50

const TEXTS = [
  'sma(20)', 'sma(200)', 'ema(5)', 'ema(20)', 'ema(200)', 'wma(10)', 'rsi(2)', 'rsi(14)', 'rsi(50)', 'macd(12,26,9)', 'macd(3,10,16)',
  'bbands(20,2)', 'atr(14)', 'adx(14)', 'adx(30)', 'stoch(14,3,3)', 'obv', 'vwap(20)', 'returns(5)', 'drawdown', 'volatility(20)',
  'sharpe(60)'
]

/** How far the window's values are from those with all of the history, relative to them; and to a part of the price. */
function error (spec: IndicatorSpec, bars: Bar[], history: number, scale: number, rounded = false): number {
  const start = bars.length - ASKED
  const from = bars[start]!.time
  const all = computeIndicators([spec], bars, { ...BASIS, from })
  const some = computeIndicators([spec], bars.slice(start - history), { ...BASIS, from })
  const shown = (values: (number | null)[]) => rounded ? values.map(value => roundForOutput(value)) : values
  return Math.max(...spec.columns.map(name =>
    distance(shown(some[name]!.slice(history)), shown(all[name]!.slice(start)), scale)))
}

test('a warm-up is as good as ten times as much history', async t => {
  for (const text of TEXTS) {
    const spec = parseIndicator(text)
    for (const seed of [1, 2, 3]) {
      const bars = walk(toDays(ASKED + 10 * (spec.warmup + 1)), seed)
      const far = error(spec, bars, spec.warmup, 0)
      t.ok(far < 1e-9, `${text}: ${far}`)
      // What is near 0, as a histogram may be, cannot be closer than the prices that it is the difference of.
      const shown = error(spec, bars, spec.warmup, 1e-4, true)
      t.ok(shown < 1e-9, `${text} rounded: ${shown}`)
    }
  }
})

test('half of a recursive indicator\'s warm-up would not do', async t => {
  for (const text of ['ema(20)', 'rsi(14)', 'macd(12,26,9)', 'atr(14)', 'adx(14)']) {
    const spec = parseIndicator(text)
    const bars = walk(toDays(ASKED + 10 * spec.warmup), 1)
    t.ok(error(spec, bars, Math.floor(spec.warmup / 2), 0) > 1e-9, text)
  }
})

test('the session\'s VWAP has its day\'s beginning within the warm-up', async t => {
  const cases: [Timeframe, number, number, number][] = [['1min', 1, 870, 390], ['5min', 5, 540, 960], ['1hour', 60, 540, 960]]
  for (const [timeframe, minutes, open, length] of cases) {
    const spec = parseIndicator('vwap', timeframe)
    const times = toDays(10 + Math.ceil(10 * spec.warmup * minutes / length)).flatMap(day =>
      Array.from({ length: length / minutes }, (_, i) => instant(day, open + i * minutes)))
    const bars = walk(times.slice(0, ASKED + 10 * spec.warmup - 7), 5)
    t.ok(error(spec, bars, spec.warmup, 0) === 0, timeframe)
  }
})
