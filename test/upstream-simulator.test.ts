/** The whole server against the simulator of the four providers, which checks each request against their own API. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { PROVIDERS } from '../providers/index.ts'
import type { Capability } from '../providers/types.ts'
import { INDICATORS } from '../schemas/events.ts'
import { TIMEFRAMES, type AssetClass, type ProviderName } from '../schemas/market.ts'
import { build, NO_QUOTA, type ConnectOptions } from './helper.ts'

const script = join(import.meta.dirname, '..', '..', 'shared', 'tools', 'upstream.mjs')
const options = existsSync(script) ? {} : { skip: `${script} is not there: it is no part of the project` }

const NAMES = ['alpaca', 'polygon', 'fmp', 'finnhub'] as const satisfies ProviderName[]
const SYMBOLS: Record<AssetClass, string> = { stock: 'AAPL', crypto: 'BTC/USD', forex: 'EUR/USD', index: 'I:SPX', option: 'AAPL261218C00250000' }

interface Report { requests: number, violations: { kind?: string, example?: unknown }[] }

async function buildWorld (t: Test, ...flags: string[]) {
  // Tap would measure what it spawns: a shell takes that away and becomes Node.
  const child = spawn('sh', ['-c', 'unset NODE_OPTIONS; exec "$@"', 'sh', process.execPath, script, '--strict', ...flags],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const line = await new Promise<string>(resolve => createInterface(child.stdout).once('line', resolve))
  const { port, base } = JSON.parse(line) as { port: number, base: Record<string, string> }
  const world = await build(t, {
    ALPACA_DATA_URL: String(base['alpaca_data']),
    ALPACA_TRADING_URL: String(base['alpaca_trading']),
    POLYGON_URL: String(base['polygon']),
    FMP_URL: String(base['fmp']),
    FINNHUB_URL: String(base['finnhub'])
  })
  const send = (path: string, body?: object) =>
    fetch(`http://127.0.0.1:${port}${path}`, body ? { method: 'POST', body: JSON.stringify(body) } : {})
  let connections = 0
  return {
    ...world,
    /** With keys of its own: what happens to one says nothing of the others. */
    connect: ({ settings, ...options }: ConnectOptions = {}) =>
      world.connect({ ...options, settings: { quota: NO_QUOTA, ...settings }, prefix: `test-${connections++}` }),
    report: async () => await (await send('/__report')).json() as Report,
    fault: (fault: object) => send('/__fault', fault)
  }
}

/** Every kind of question that the provider can be asked, as REST paths. */
function questionsOf (name: typeof NAMES[number]): string[] {
  const { capabilities: { quote, bars, news } } = PROVIDERS[name]
  const symbols = (kinds: readonly AssetClass[] = []) => kinds.map(kind => SYMBOLS[kind])
  const days = 'start=2025-01-06&end=2025-03-28'
  // Finnhub has intraday bars as traded only.
  const intraday = name === 'finnhub' ? '&adjustment=raw' : ''
  return [
    ...symbols(quote?.asset_classes).map(symbol => `get_quote?symbols=${symbol}`),
    'get_quote?symbols=AAPL,MSFT,BRK.B',
    ...symbols(bars?.asset_classes).flatMap(symbol => [
      `get_bars?symbols=${symbol}&${days}`,
      `get_bars?symbols=${symbol}&timeframe=1hour&start=2025-03-24&end=2025-03-26${intraday}`
    ]),
    ...TIMEFRAMES.map(timeframe => `get_bars?symbols=AAPL&timeframe=${timeframe}&limit=20${/min|hour/.test(timeframe) ? intraday : ''}`),
    ...['raw', 'split', 'all'].map(adjustment => `get_bars?symbols=AAPL,MSFT&adjustment=${adjustment}&${days}`),
    'get_bars?symbols=BRK.B&lookback=30d',
    'search_symbols?query=apple',
    'search_symbols?query=bitcoin&asset_class=crypto',
    ...PROVIDERS[name].capabilities.profile ? ['get_company_profile?symbol=AAPL'] : [],
    'get_news',
    'get_news?symbols=AAPL,MSFT&lookback=7d&limit=20',
    ...symbols(news?.asset_classes).map(symbol => `get_news?symbols=${symbol}`),
    'get_news?symbols=UBS',
    'get_market_status',
    ...MORE.flatMap(([capability, ...questions]) => PROVIDERS[name].capabilities[capability] ? questions : []),
    ...bars ? ['get_indicators?symbol=AAPL&indicators=rsi,sma(20)&limit=5', 'compare_symbols?symbols=AAPL,MSFT&lookback=90d'] : []
  ]
}

/** The questions of each further capability. */
const MORE: [Capability, ...string[]][] = [
  ['financials', ...['income', 'balance', 'cash_flow'].flatMap(statement => ['annual', 'quarter', 'ttm']
    .map(period => `get_financials?symbol=AAPL&statement=${statement}&period=${period}`)), 'get_financials?symbol=AAPL&limit=100'],
  ['key_metrics', 'get_key_metrics?symbol=AAPL'],
  ['earnings', 'get_earnings?symbol=AAPL', 'get_earnings?symbol=AAPL&limit=60'],
  ['earnings_calendar', 'get_earnings_calendar', 'get_earnings_calendar?start=2025-07-01&end=2025-07-31&limit=500'],
  ['corporate_actions', 'get_corporate_actions?symbol=AAPL', 'get_corporate_actions?symbol=AAPL&types=split&start=2010-01-01',
    'get_corporate_actions?symbol=BRK.B&types=dividend'],
  ['analyst_ratings', 'get_analyst_ratings?symbol=AAPL', 'get_analyst_ratings?symbol=AAPL&limit=100'],
  ['insider_trades', 'get_insider_trades?symbol=AAPL', 'get_insider_trades?symbol=AAPL&start=2020-01-01&limit=500'],
  ['institutional_holders', 'get_institutional_holders?symbol=AAPL', 'get_institutional_holders?symbol=AAPL&limit=500'],
  ['market_movers', ...['gainers', 'losers', 'most_active'].flatMap(list => ['stock', 'crypto']
    .map(kind => `get_market_movers?list=${list}&asset_class=${kind}`))],
  ['options_chain', 'get_options_chain?symbol=AAPL', 'get_options_chain?symbol=AAPL&type=call&strike_min=150&strike_max=250&limit=250'],
  ['economic_calendar', 'get_economic_calendar', 'get_economic_calendar?start=2025-04-01&end=2025-06-29&country=US&limit=500'],
  ['economic_indicator', ...INDICATORS.map(indicator => `get_economic_indicator?indicator=${indicator}`),
    'get_economic_indicator?indicator=cpi&start=1990-01-01&limit=900'],
  ['filings', 'get_filings?symbol=AAPL', 'get_filings?symbol=AAPL&form=10-K&start=2015-01-01&limit=300'],
  ['etf_holdings', 'get_etf_holdings?symbol=SPY'],
  ['index_constituents', ...['I:SPX', 'I:NDX', 'I:DJI'].map(index => `get_index_constituents?index=${index}&limit=600`)],
  ['market_calendar', 'get_market_calendar', 'get_market_calendar?start=2025-01-01&end=2027-12-31']
]

/** What the simulator has one recording of, about something else than was asked for: that must be refused. */
const ELSEWHERE: Partial<Record<ProviderName, RegExp>> = {
  alpaca: /^get_market_movers.*crypto/,
  polygon: /^get_news\?symbols=|^get_filings/,
  fmp: /^get_economic_indicator/,
  finnhub: /^get_economic_indicator|^get_etf_holdings/
}

/** What a provider lacks it says. */
function refusalsOf (name: ProviderName, question: string): RegExp {
  if (ELSEWHERE[name]?.test(question)) return /^FMS_PROVIDER_(MALFORMED|NOT_ENTITLED)$/
  return /^FMS_(PROVIDER_(NOT_CONFIGURED|NOT_ENTITLED)|SYMBOL_NOT_FOUND)$/
}

t.test('no request breaks a provider\'s API, and every answer is a fact or an error of the table', options, async t => {
  const { connect, report } = await buildWorld(t, '--synthetic')
  const { get } = await connect()
  for (const name of NAMES) {
    const outcomes: Record<string, string[]> = {}
    for (const question of questionsOf(name)) {
      const { status, body } = await get(`${question}${question.includes('?') ? '&' : '?'}provider=${name}`)
      const outcome = status === 200 ? 'answered' : String(body.code)
      ;(outcomes[outcome] ??= []).push(question)
      if (status === 200) t.equal(body.meta.provider, name, `${name}: ${question}`)
      else t.match(outcome, refusalsOf(name, question), `${name}: ${question}: ${body.detail}`)
    }
    t.comment(`${name}: ${Object.entries(outcomes).map(([outcome, { length }]) => `${length} ${outcome}`).join(', ')}`)
    for (const [outcome, questions] of Object.entries(outcomes)) {
      if (outcome !== 'answered') t.comment(`  ${outcome}: ${questions.join(' ')}`)
    }
    t.ok((outcomes['answered']?.length ?? 0) > 10, `${name} answers`)
  }
  const { requests, violations } = await report()
  t.comment(`${requests} requests`)
  t.same(violations, [])
})

t.test('all providers lead to the same indicators, comparison and agreed price', options, async t => {
  const { connect } = await buildWorld(t, '--synthetic')
  const { get } = await connect()
  const window = 'start=2025-01-06&end=2025-03-28'
  const questions = [
    `get_indicators?symbol=AAPL&indicators=sma(20),ema(50),rsi,macd,bbands,atr,adx,stoch,obv,volatility,drawdown&limit=30&${window}`,
    `compare_symbols?symbols=AAPL,MSFT,NVDA&benchmark=SPY&${window}`
  ]
  for (const question of questions) {
    const [first, ...others] = await Promise.all(NAMES.map(async name => {
      const { body } = await get(`${question}&provider=${name}`)
      return numbersIn(body.data)
    }))
    t.ok(first!.length > 20, `${first!.length} numbers`)
    for (const [i, numbers] of others.entries()) {
      t.equal(numbers.length, first!.length, `${NAMES[i + 1]}: ${question}`)
      const distance = (a: number, b: number) => Math.abs(a - b) / Math.max(1, Math.abs(b))
      const farthest = Math.max(...numbers.map((value, at) => distance(value, first![at]!)))
      t.ok(farthest <= 1e-9, `${NAMES[i + 1]}: ${farthest}`)
    }
  }
  const { body } = await get('verify_quote?symbol=AAPL&date=2025-02-12')
  t.match(body.data, { verdict: 'agree', failed: [] })
  t.equal(body.data.sources.length, 4)
  t.ok(body.data.spread_percent <= 1e-7)
})

function numbersIn (value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

t.test('all providers tell the same daily bars', options, async t => {
  const { connect } = await buildWorld(t, '--synthetic')
  const { get } = await connect()
  for (const window of ['start=2025-01-06&end=2025-03-28', 'start=2020-08-24&end=2020-09-04']) {
    const series = await Promise.all(NAMES.map(async name => {
      const { body } = await get(`get_bars?symbols=AAPL&format=records&adjustment=split&${window}&provider=${name}`)
      return body.data.series[0].bars
    }))
    const [first] = series
    t.ok(first.length > 8, `${first.length} bars`)
    for (const [i, bars] of series.entries()) {
      const name = `${NAMES[i]}, ${window}`
      t.same(bars.map((bar: { time: string }) => bar.time), first.map((bar: { time: string }) => bar.time), `${name}: the days`)
      const farthest = Math.max(...bars.flatMap((bar: Record<string, number>, row: number) =>
        ['open', 'high', 'low', 'close', 'volume'].map(field => Math.abs(Number(bar[field]) / first[row]?.[field] - 1))))
      t.ok(farthest <= 1e-9, `${name}: the numbers (${farthest})`)
    }
  }
})

/** What the receipt says of the first provider; undefined: it answers all the same. */
const FAULTS: Record<string, RegExp | undefined> = {
  401: /^rejected_key$/,
  402: /^not_entitled$/,
  '403-plan': /^not_entitled$/,
  429: /^quota$/,
  '429-body200': /^(quota|malformed)$/,
  500: /^unavailable$/,
  '502-html': /^unavailable$/,
  '200-html': /^malformed$/,
  empty: /^malformed$/,
  wrongsymbol: /^(malformed|symbol_not_found)$/,
  redirect: /^malformed$/,
  reset: /^unavailable$/,
  truncate: /^unavailable$/,
  badjson: /^malformed$/,
  huge: /^malformed$/,
  gzipbomb: /^malformed$/,
  hang: /^(timeout|unavailable)$/,
  drip: /^timeout$/,
  slow: undefined
}
/** Longer than we wait, and shorter. */
const DELAYS: Record<string, { ms: number }> = { hang: { ms: 30_000 }, slow: { ms: 2000 } }
/** One for each fault, so that all of them can be asked at once. */
const FAULTY = 'MSFT NVDA AMZN GOOGL TSLA META INTC AMD IBM ORCL CSCO QCOM TXN ADBE CRM NFLX PYPL SHOP UBER'.split(' ')

t.test('whatever the first provider does, the second answers with a true receipt', options, async t => {
  const { connect, report, fault } = await buildWorld(t)
  await Promise.all(Object.entries(FAULTS).map(async ([mode, outcome], i) => {
    const symbol = FAULTY[i]
    const { get } = await connect({ keys: ['alpaca', 'polygon'] })
    const { ok } = await fault({ provider: 'alpaca', path: `=${symbol}`, mode, ...DELAYS[mode] })
    t.ok(ok, `${mode} is set`)
    const [any, pinned] = await Promise.all(['', '&provider=alpaca'].map(pin => get(`get_quote?symbols=${symbol}${pin}`)))
    const provider = outcome ? 'polygon' : 'alpaca'
    const tried = outcome ? [{ provider: 'alpaca', outcome }] : []
    t.match(any, {
      status: 200,
      body: { data: { quotes: [{ symbol, price: Number, provider }] }, meta: { provider, tried } }
    }, `${mode}: ${any?.text.slice(0, 200)}`)
    t.match(pinned, outcome
      ? { body: { code: /^FMS_(PROVIDER_|SYMBOL_NOT_FOUND)/, provider: 'alpaca' } }
      : { status: 200 }, `${mode}: pinned`)
  }))
  const { violations } = await report()
  t.same(violations, [], 'nothing was sent to another origin, nor anything else that must not be')
})

t.test('of every tool: where the first provider fails the second answers, and where there is none the error says so', options, async t => {
  const { connect, fault } = await buildWorld(t)
  for (const [capability, ...questions] of MORE) {
    // Every provider has consumer prices; not every one has the first that is asked elsewhere.
    const question = capability === 'economic_indicator' ? questions.at(-1)! : questions[0]!
    const able = NAMES.filter(name => PROVIDERS[name].capabilities[capability] && !ELSEWHERE[name]?.test(question))
    const [first] = able
    // The market's calendar answers by the exchange's rules where no provider does.
    if (!first || capability === 'market_calendar') continue
    const { get } = await connect({ settings: { provider_order: able } })
    await fault({ clear: true })
    await fault({ provider: first, path: '', mode: '500' })
    const { status, body } = await get(question)
    if (able.length > 1) {
      t.equal(status, 200, `${question}: ${body.detail}`)
      t.match(body.meta.tried, [{ provider: first, outcome: 'unavailable' }], `${question}: ${JSON.stringify(body.meta.tried)}`)
      t.not(body.meta.provider, first)
    } else {
      t.match(body, { code: 'FMS_PROVIDER_UNAVAILABLE', tried: [{ provider: first, outcome: 'unavailable' }] }, `${question}: ${body.detail}`)
    }
  }
})

t.test('each way of failing is told apart for statements too', options, async t => {
  const { connect, fault } = await buildWorld(t)
  await Promise.all(Object.entries(FAULTS).map(async ([mode, outcome], i) => {
    const symbol = FAULTY[i]
    const { get } = await connect({ settings: { provider_order: ['fmp', 'polygon'] } })
    await fault({ provider: 'fmp', path: `=${symbol}`, mode, ...DELAYS[mode] })
    const startedAt = performance.now()
    const { status, body } = await get(`get_financials?symbol=${symbol}`)
    t.ok(performance.now() - startedAt < 18_000, `${mode} within 12 s, and what a busy machine adds`)
    t.equal(status, 200, `${mode}: ${JSON.stringify(body).slice(0, 200)}`)
    t.equal(body.meta.provider, outcome ? 'polygon' : 'fmp', mode)
    if (outcome) t.match(body.meta.tried, [{ provider: 'fmp', outcome }], mode)
  }))
})
