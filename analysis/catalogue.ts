import type { Bar } from '../schemas/market.ts'
import { adx, rsi, stochastic } from './momentum.ts'
import { ema, emaWeight, macd, sma, wilderWeight, wma } from './moving-averages.ts'
import { drawdowns, returns, rollingSharpe, rollingVolatility } from './performance.ts'
import type { Series } from './statistics.ts'
import { atr, bollinger } from './volatility.ts'
import { obv, rollingVwap, sessionVwap } from './volume.ts'

export interface Parameter { name: string, usual: number, least: number, most: number, whole: boolean }

export interface Basis {
  /** The zone whose midnight ends a trading day. */
  zone: string
  /** See `periodsPerYear`. */
  periodsPerYear: number
}

export interface Definition {
  /** Other spellings. */
  aliases?: string[]
  parameters: Parameter[]
  columns: (params: number[]) => string[]
  /** Bars before the first one that has a value in every column. */
  needs: (params: number[]) => number
  /** The weights of its exponential averages, the first to be run first; without any it forgets by itself. */
  weights?: (params: number[]) => number[]
  /** From where it counts up. */
  cumulative?: 'window' | 'session'
  compute: (bars: readonly Bar[], params: number[], basis: Basis) => Series[]
}

const length = (usual: number, least = 1, name = 'n'): Parameter => ({ name, usual, least, most: 1000, whole: true })
const closesOf = (bars: readonly Bar[]) => bars.map(bar => bar.close)
const toPercent = (values: Series): Series => values.map(value => value === null ? null : value * 100)
const named = (...names: string[]) => (params: number[]) => names.map(name => [name, ...params].join('_'))
/** Leaves the last parameter out of the names where it has its usual value. */
const shortlyNamed = (usual: number, ...names: string[]) => (params: number[]) =>
  named(...names)(params.at(-1) === usual ? params.slice(0, -1) : params)

function movingAverage (
  of: (values: Series, n: number) => Series,
  name: string,
  weights?: Definition['weights']
): Definition {
  return {
    parameters: [length(20)],
    columns: named(name),
    needs: ([n = 0]) => n - 1,
    ...(weights && { weights }),
    compute: (bars, [n = 0]) => [of(closesOf(bars), n)]
  }
}

/** Of closes where nothing else is said. Names and column names are public. */
export const INDICATORS: Record<string, Definition> = {
  sma: movingAverage(sma, 'sma'),
  ema: movingAverage(ema, 'ema', ([n = 0]) => [emaWeight(n)]),
  wma: movingAverage(wma, 'wma'),
  rsi: {
    parameters: [length(14)],
    columns: named('rsi'),
    needs: ([n = 0]) => n,
    weights: ([n = 0]) => [wilderWeight(n)],
    compute: (bars, [n = 0]) => [rsi(closesOf(bars), n)]
  },
  macd: {
    parameters: [length(12, 1, 'fast'), length(26, 2, 'slow'), length(9, 1, 'signal')],
    columns: named('macd', 'macd_signal', 'macd_hist'),
    needs: ([, slow = 0, signal = 0]) => slow + signal - 2,
    weights: ([, slow = 0, signal = 0]) => [emaWeight(slow), emaWeight(signal)],
    compute: (bars, [fast = 0, slow = 0, signal = 0]) => macd(closesOf(bars), fast, slow, signal)
  },
  bbands: {
    aliases: ['bb', 'bollinger', 'bollingerbands'],
    parameters: [length(20, 2), { name: 'width', usual: 2, least: 0.1, most: 10, whole: false }],
    columns: shortlyNamed(2, 'bb_upper', 'bb_middle', 'bb_lower', 'bb_percent_b', 'bb_bandwidth'),
    needs: ([n = 0]) => n - 1,
    compute: (bars, [n = 0, width = 0]) => bollinger(closesOf(bars), n, width)
  },
  atr: {
    parameters: [length(14)],
    columns: named('atr'),
    needs: ([n = 0]) => n,
    weights: ([n = 0]) => [wilderWeight(n)],
    compute: (bars, [n = 0]) => [atr(bars, n)]
  },
  adx: {
    aliases: ['dmi'],
    parameters: [length(14)],
    columns: named('adx', 'plus_di', 'minus_di'),
    needs: ([n = 0]) => 2 * n - 1,
    weights: ([n = 0]) => [wilderWeight(n), wilderWeight(n)],
    compute: (bars, [n = 0]) => adx(bars, n)
  },
  stoch: {
    aliases: ['stochastic'],
    parameters: [length(14, 1, 'k'), length(3, 1, 'smoothing'), length(3, 1, 'd')],
    columns: named('stoch_k', 'stoch_d'),
    needs: ([k = 0, smoothing = 0, d = 0]) => k + smoothing + d - 3,
    compute: (bars, [k = 0, smoothing = 0, d = 0]) => stochastic(bars, k, smoothing, d)
  },
  obv: {
    parameters: [],
    columns: () => ['obv'],
    needs: () => 0,
    cumulative: 'window',
    compute: bars => [obv(bars)]
  },
  vwap: {
    parameters: [length(20)],
    columns: named('vwap'),
    needs: ([n = 0]) => n - 1,
    compute: (bars, [n = 0]) => [rollingVwap(bars, n)]
  },
  returns: {
    aliases: ['return'],
    parameters: [length(1)],
    columns: named('return_percent'),
    needs: ([n = 0]) => n,
    compute: (bars, [n = 0]) => [toPercent(returns(closesOf(bars), n))]
  },
  drawdown: {
    parameters: [],
    columns: () => ['drawdown_percent'],
    needs: () => 0,
    cumulative: 'window',
    compute: bars => [toPercent(drawdowns(closesOf(bars)))]
  },
  volatility: {
    aliases: ['vol'],
    parameters: [length(20, 2)],
    columns: named('volatility_percent'),
    needs: ([n = 0]) => n,
    compute: (bars, [n = 0], { periodsPerYear }) =>
      [toPercent(rollingVolatility(closesOf(bars), n, periodsPerYear))]
  },
  sharpe: {
    parameters: [length(60, 2), { name: 'risk_free', usual: 0, least: 0, most: 0.5, whole: false }],
    columns: shortlyNamed(0, 'sharpe'),
    needs: ([n = 0]) => n,
    compute: (bars, [n = 0, riskFree = 0], { periodsPerYear }) =>
      [rollingSharpe(closesOf(bars), n, periodsPerYear, riskFree)]
  }
}

/** What `vwap` without a length means on intraday bars. */
export const SESSION_VWAP: Definition = {
  parameters: [],
  columns: () => ['vwap'],
  needs: () => 0,
  cumulative: 'session',
  compute: (bars, params, { zone }) => [sessionVwap(bars, zone)]
}
