import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { test } from 'tap'
import { INDICATOR_SYNTAX, parseIndicator, unsettledShare } from '../../analysis/indicators.ts'
import { codeOf, isProblem } from '../../errors.ts'

const columnsOf = (text: string) => parseIndicator(text).columns

function refusal (text: string): { message: string, suggestions: string[] } {
  try {
    parseIndicator(text)
  } catch (error) {
    if (isProblem(error) && codeOf(error) === 'INVALID_INPUT') {
      return { message: error.message, suggestions: error.suggestions ?? [] }
    }
    throw error
  }
  throw new Error(`${text} was read`)
}

test('an indicator is read with its parameters, which stand in its columns', async t => {
  t.same(columnsOf('sma(50)'), ['sma_50'])
  t.same(columnsOf('macd(12,26,9)'), ['macd_12_26_9', 'macd_signal_12_26_9', 'macd_hist_12_26_9'])
  t.same(columnsOf('bbands(20,2)'), ['bb_upper_20', 'bb_middle_20', 'bb_lower_20', 'bb_percent_b_20', 'bb_bandwidth_20'])
  t.same(columnsOf('bbands(20, 2.5)')[0], 'bb_upper_20_2.5')
  t.same(columnsOf('adx(14)'), ['adx_14', 'plus_di_14', 'minus_di_14'])
  t.same(columnsOf('stoch(14,3,3)'), ['stoch_k_14_3_3', 'stoch_d_14_3_3'])
  t.same(columnsOf('obv'), ['obv'])
  t.same(columnsOf('returns(5)'), ['return_percent_5'])
  t.same(columnsOf('drawdown'), ['drawdown_percent'])
  t.same(columnsOf('volatility(20)'), ['volatility_percent_20'])
  t.same(columnsOf('sharpe(60)'), ['sharpe_60'])
  t.same(columnsOf('sharpe(60, 0.04)'), ['sharpe_60_0.04'])
})

test('parameters left out have their usual values', async t => {
  const usual = {
    sma: [20],
    ema: [20],
    wma: [20],
    rsi: [14],
    macd: [12, 26, 9],
    bbands: [20, 2],
    atr: [14],
    adx: [14],
    stoch: [14, 3, 3],
    obv: [],
    vwap: [20],
    returns: [1],
    drawdown: [],
    volatility: [20],
    sharpe: [60, 0]
  }
  for (const [name, params] of Object.entries(usual)) t.same(parseIndicator(name).params, params, name)
  t.same(parseIndicator('sma()').params, [20])
  t.same(parseIndicator('macd(5,35)').params, [5, 35, 9])
  t.same(parseIndicator('stoch(5)').params, [5, 3, 3])
})

test('case, spaces and separators do not matter', async t => {
  for (const text of ['SMA(20)', ' sma ( 20 ) ', 'sma20', 'sma:20', 'sma 20', 'Sma_20', 'sma: 20']) {
    t.same(columnsOf(text), ['sma_20'], text)
  }
  for (const text of ['macd 12 26 9', 'MACD:12,26,9', 'macd_12_26_9', 'macd( 12 , 26 , 9 )', 'macd(12 26 9)']) {
    t.same(parseIndicator(text).params, [12, 26, 9], text)
  }
  t.same(columnsOf('Bollinger Bands (20)')[0], 'bb_upper_20')
  t.equal(parseIndicator('stochastic').name, 'stoch')
})

test('VWAP is the session\'s on intraday bars, and of 20 bars from a day up', async t => {
  t.match(parseIndicator('vwap', '5min'), { name: 'vwap', columns: ['vwap'], cumulative: 'session', warmup: 288 })
  t.match(parseIndicator('vwap', '1day'), { columns: ['vwap_20'], cumulative: false, warmup: 19 })
  t.match(parseIndicator('vwap(30)', '5min'), { columns: ['vwap_30'], cumulative: false, warmup: 29 })
})

test('an unknown indicator is refused with the near ones, and with all', async t => {
  t.same(refusal('smma(20)').suggestions, ['sma(20)'])
  t.same(refusal('rsl').suggestions, ['rsi(14)'])
  t.same(refusal('bolinger').suggestions, ['bbands(20,2)'])
  t.same(refusal('msa(20)').suggestions, ['sma(20)'])
  t.match(refusal('smma(20)').message, 'There is no indicator "smma(20)". Did you mean sma(20)? Known: sma(n=20), ')
  t.match(refusal('ichimoku').message, 'macd(fast=12,slow=26,signal=9)')
  t.same(refusal('ichimoku').suggestions, [])
  t.same(refusal('constructor').suggestions, [])
  t.same(refusal('').suggestions, [])
  for (const text of ['sma(20', 'sma(20))', 'sma(20)(5)', '(20)', '20', 'sma+ema', 'смa(20)']) refusal(text)
})

test('a long text is refused at once, and cut in the answer', async t => {
  const before = performance.now()
  t.ok(refusal(`${'a _'.repeat(100_000)}!`).message.length < 600)
  t.ok(refusal(`sma${' '.repeat(100_000)}(20)`).message.length < 600)
  t.ok(performance.now() - before < 5000)
})

test('a parameter out of its range is refused by its name', async t => {
  const cases: Record<string, string> = {
    'sma(0)': 'n in "sma(0)" must be a whole number from 1 to 1000',
    'sma(1001)': 'from 1 to 1000',
    'sma(-5)': 'n in',
    'sma(2.5)': 'whole number',
    'sma(x)': 'n in',
    'sma(1e2)': 'n in',
    'sma(20,5)': 'too many parameters',
    'obv(5)': 'too many parameters',
    'macd(26,12,9)': 'fast in "macd(26,12,9)" must be below slow',
    'macd(12,12)': 'must be below slow',
    macd12269: 'fast in',
    'bbands(1)': 'from 2 to 1000',
    'bbands(20,0)': 'width in "bbands(20,0)" must be a number from 0.1 to 10',
    'volatility(1)': 'from 2',
    'sharpe(60,4.5)': 'risk_free in "sharpe(60,4.5)" must be a number from 0 to 0.5'
  }
  for (const [text, part] of Object.entries(cases)) t.match(refusal(text).message, part, text)
  t.match(refusal('macd(26,12,9)').message, 'Write macd(fast,slow,signal), such as macd(12,26,9).')
  t.match(refusal('obv(5)').message, 'Write obv.')
})

test('the line for descriptions names every indicator, is cheap, and is read', async t => {
  const texts = INDICATOR_SYNTAX.split(' ')
  t.equal(texts.length, 15)
  for (const text of texts) t.equal(parseIndicator(text).name, text.split('(')[0])
  t.ok(countTokens(INDICATOR_SYNTAX) <= 85, `${countTokens(INDICATOR_SYNTAX)} tokens`)
})

test('the warm-up is exact where a window is fixed, and long enough to forget where it is not', async t => {
  const warmups = { 'sma(20)': 19, 'wma(5)': 4, 'stoch(14,3,3)': 17, 'returns(5)': 5, 'volatility(20)': 20, obv: 0, 'ema(1)': 1 }
  for (const [text, warmup] of Object.entries(warmups)) t.equal(parseIndicator(text).warmup, warmup, text)
  for (const [text, n, alpha] of [['ema(50)', 50, 2 / 51], ['ema(1000)', 1000, 2 / 1001]] as const) {
    t.equal(parseIndicator(text).warmup, n - 1 + Math.ceil(Math.log(1e-12) / Math.log(1 - alpha)), text)
  }
  t.equal(parseIndicator('rsi(14)').warmup, 14 + Math.ceil(Math.log(1e-12) / Math.log(13 / 14)))
})

test('what is left of the first value shrinks with the history', async t => {
  const ema = parseIndicator('ema(200)')
  t.equal(unsettledShare(ema, 198), 1)
  t.ok(Math.abs(unsettledShare(ema, 199 + 301) - (199 / 201) ** 301) < 1e-12)
  t.ok(unsettledShare(ema, ema.warmup) < 1e-12)
  t.equal(unsettledShare(parseIndicator('sma(200)'), 199), 0)
  t.equal(unsettledShare(parseIndicator('vwap', '1min'), 0), 0)
})
