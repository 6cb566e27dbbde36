import { test } from 'tap'
import { Type, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { parseSymbol } from '../../market/symbols.ts'
import { sample } from '../../providers/sample/index.ts'
import type { Capabilities, Capability } from '../../providers/types.ts'
import {
  CorporateActionSchema, EconomicEventSchema, EconomicSeriesSchema, FilingSchema, INDICATORS, MarketHolidaySchema
} from '../../schemas/events.ts'
import { EarningsSchema, KeyMetricsSchema, PERIODS, STATEMENT_SCHEMAS, STATEMENTS } from '../../schemas/fundamentals.ts'
import {
  BarSeriesSchema, CAPABILITIES, CompanyProfileSchema, MarketStatusSchema, NewsArticleSchema, QuoteSchema,
  SymbolMatchSchema, TIMEFRAMES
} from '../../schemas/market.ts'
import {
  AnalystRatingsSchema, EtfHoldingSchema, INDICES, IndexConstituentSchema, InsiderTradeSchema, InstitutionalHolderSchema
} from '../../schemas/ownership.ts'
import { MOVER_LISTS, MoverSchema, OptionContractSchema } from '../../schemas/trading.ts'
import { ALWAYS, ask, COMPANIES, NOON, toInstruments } from './sample-call.ts'

const perSymbol = (schema: TSchema) =>
  Type.Object({ items: Type.Record(Type.String(), schema), failures: Type.Object({}, { additionalProperties: false }) })

const SCHEMAS: Record<Capability, TSchema> = {
  quote: perSymbol(QuoteSchema),
  bars: perSymbol(BarSeriesSchema),
  search: Type.Array(SymbolMatchSchema),
  profile: CompanyProfileSchema,
  news: Type.Array(NewsArticleSchema),
  market_status: MarketStatusSchema,
  financials: Type.Array(Type.Union(Object.values(STATEMENT_SCHEMAS))),
  key_metrics: KeyMetricsSchema,
  earnings: Type.Array(EarningsSchema),
  earnings_calendar: Type.Array(EarningsSchema),
  corporate_actions: Type.Array(CorporateActionSchema),
  analyst_ratings: AnalystRatingsSchema,
  insider_trades: Type.Array(InsiderTradeSchema),
  institutional_holders: Type.Array(InstitutionalHolderSchema),
  market_movers: Type.Array(MoverSchema),
  options_chain: Type.Array(OptionContractSchema),
  economic_calendar: Type.Array(EconomicEventSchema),
  economic_indicator: EconomicSeriesSchema,
  filings: Type.Array(FilingSchema),
  etf_holdings: Type.Array(EtfHoldingSchema),
  index_constituents: Type.Array(IndexConstituentSchema),
  market_calendar: Type.Array(MarketHolidaySchema)
}
const checks = Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, Compile(schema)]))

type Question = { [C in Capability]: { capability: C, input: Capabilities[C]['input'] } }[Capability]

const days = { from: '2025-09-01', to: '2027-03-01' }
const types = ['dividend', 'split'] as const

function questionsAbout (symbol: string, limit: number): Question[] {
  const instrument = parseSymbol(symbol)
  const about = { instrument, limit }
  return [
    ...STATEMENTS.flatMap(statement => PERIODS.map(period =>
      ({ capability: 'financials' as const, input: { ...about, statement, period } }))),
    { capability: 'key_metrics', input: { instrument } },
    { capability: 'earnings', input: about },
    { capability: 'analyst_ratings', input: about },
    { capability: 'insider_trades', input: { ...about, ...days } },
    { capability: 'filings', input: { ...about, ...days } }
  ]
}

/** What can be asked of a fund as well as of a company. */
function questionsAboutStock (symbol: string, limit: number): Question[] {
  const instrument = parseSymbol(symbol)
  return [
    { capability: 'profile', input: { instrument } },
    { capability: 'corporate_actions', input: { instrument, types, limit, ...days } },
    { capability: 'institutional_holders', input: { instrument, limit } },
    { capability: 'options_chain', input: { underlying: instrument, limit } }
  ]
}

function questionsOf (limit: number): Question[] {
  const instruments = toInstruments('AAPL', 'SPY', 'I:SPX', 'BTC/USD', 'EUR/USD')
  const window = { start: new Date('2026-10-01T04:00:00Z'), end: new Date(NOON) }
  return [
    ...COMPANIES.flatMap(symbol => [...questionsAbout(symbol, limit), ...questionsAboutStock(symbol, limit)]),
    ...questionsAboutStock('SPY', limit),
    { capability: 'quote', input: { instruments } },
    ...TIMEFRAMES.map(timeframe =>
      ({ capability: 'bars' as const, input: { instruments, timeframe, ...window, adjustment: 'all' as const, limit } })),
    { capability: 'search', input: { query: 'a', limit } },
    { capability: 'news', input: { instruments: [], limit } },
    { capability: 'market_status', input: {} },
    { capability: 'earnings_calendar', input: { ...days, limit } },
    ...MOVER_LISTS.flatMap(list => (['stock', 'crypto'] as const).map(kind =>
      ({ capability: 'market_movers' as const, input: { list, asset_class: kind, limit } }))),
    { capability: 'economic_calendar', input: { ...days, limit } },
    ...INDICATORS.map(indicator => ({ capability: 'economic_indicator' as const, input: { indicator, ...days, limit } })),
    { capability: 'etf_holdings', input: { instrument: parseSymbol('SPY'), limit } },
    ...INDICES.map(index => ({ capability: 'index_constituents' as const, input: { index, limit } })),
    { capability: 'market_calendar', input: days }
  ]
}

/** Noon, a Sunday, before the open, a New Year's Day, after the close of expiration Friday, the hour before it. */
const INSTANTS = [
  NOON, '2026-11-22T12:00:00Z', '2026-03-02T11:00:00Z', '2027-01-01T05:30:00Z', '2026-11-20T22:00:00Z',
  '2026-11-20T20:59:59Z'
]

/** What a limit counts. */
function rowsOf (data: unknown): unknown[] {
  const { changes, points } = data as { changes?: unknown[], points?: unknown[] }
  return Array.isArray(data) ? data : changes ?? points!
}

test('the sample market serves every capability there is', async t => {
  t.same(Object.keys(sample.capabilities).sort(), [...CAPABILITIES].sort())
  t.same(sample.authHeaders({ api_key: '' }), {})
  t.same(sample.baseUrls({}, { alpaca_feed: 'iex', alpaca_environment: 'paper' }), {})
  await sample.test({} as never)
})

test('every answer fits its schema at any hour, and says when its newest number was made', async t => {
  for (const now of INSTANTS) {
    const faults: unknown[] = []
    for (const { capability, input } of questionsOf(40)) {
      const { data, as_of: asOf } = await ask(capability, input, now)
      const check = checks[capability]!
      if (!check.Check(data)) faults.push([capability, input, check.Errors(data).slice(0, 3)])
      if (asOf !== null && !(Date.parse(asOf) <= Date.parse(now))) faults.push([capability, input, asOf])
      if (hasMinusZero(data)) faults.push([capability, input, '-0'])
    }
    t.same(faults, [], now)
  }
})

function hasMinusZero (value: unknown): boolean {
  return Object.is(value, -0) || (typeof value === 'object' && value !== null && Object.values(value).some(hasMinusZero))
}

test('the same question gets the same answer, also asked the other way round', async t => {
  const questions = questionsOf(20)
  const answers = await Promise.all(questions.map(({ capability, input }) => ask(capability, input)))
  const again = await Promise.all([...questions].reverse().map(({ capability, input }) => ask(capability, input)))
  t.equal(JSON.stringify(again.reverse()), JSON.stringify(answers))
})

test('a shorter limit answers the beginning of what a longer one does', async t => {
  for (const { capability, input } of questionsOf(3)) {
    if (!('limit' in input) || capability === 'bars') continue
    const [short, long] = [await ask(capability, input), await ask(capability, { ...input, limit: 30 } as never)]
    t.same(rowsOf(short.data), rowsOf(long.data).slice(0, 3), capability)
  }
})

test('an unknown symbol is refused by name', async t => {
  const unknown = { code: 'FMS_SYMBOL_NOT_FOUND', message: 'The sample market does not know ZZZZ.' }
  const questions = [...questionsAbout('ZZZZ', 5), ...questionsAboutStock('ZZZZ', 5)]
  for (const { capability, input } of questions) await t.rejects(ask(capability, input), unknown, capability)
  await t.rejects(ask('etf_holdings', { instrument: parseSymbol('ZZZZ'), limit: 5 }), { code: unknown.code })
  await t.rejects(ask('news', { instruments: toInstruments('ZZZZ'), limit: 5 }), { code: unknown.code })
  const bars = { timeframe: '1day', start: new Date('2026-11-02'), end: new Date(NOON), adjustment: 'split', limit: 5 } as const
  for (const { data } of [
    await ask('quote', { instruments: toInstruments('ZZZZ', 'AAPL', 'ZZZZ261218C00100000') }),
    await ask('bars', { instruments: toInstruments('ZZZZ', 'AAPL'), ...bars })
  ]) {
    t.same(Object.keys(data.items), ['AAPL'])
    t.match(data.failures.ZZZZ, { code: unknown.code, message: unknown.message })
  }
})

test('a fund reports nothing and a company holds nothing, and each says who does', async t => {
  for (const { capability, input } of questionsAbout('SPY', 5)) {
    await t.rejects(ask(capability, input), { code: 'FMS_SYMBOL_NOT_FOUND', message: /SPY is no company.*AAPL, MSFT/ })
  }
  await t.rejects(ask('etf_holdings', { instrument: parseSymbol('AAPL'), limit: 5 }),
    { code: 'FMS_SYMBOL_NOT_FOUND', message: /AAPL is no fund.*SPY/ })
})

test('news is one headline a trading day and listing, in the window, newest first', async t => {
  const instruments = toInstruments('AAPL', 'BTC/USD', 'ZZZZ')
  const window = { start: new Date('2026-11-13T12:00:00Z'), end: new Date('2026-11-17T12:00:00Z') }
  const { data } = await ask('news', { instruments, ...window, limit: 50 })
  t.same(data.map(({ symbols, published_at: at }) => `${symbols} ${at}`), [
    'AAPL 2026-11-16T12:00:00Z', 'BTC/USD 2026-11-16T12:00:00Z', 'BTC/USD 2026-11-15T12:00:00Z',
    'BTC/USD 2026-11-14T12:00:00Z', 'AAPL 2026-11-13T12:00:00Z', 'BTC/USD 2026-11-13T12:00:00Z'
  ])
  t.ok(data.every(({ title }) => title.includes('made-up')))
  const early = await ask('news', { instruments: toInstruments('AAPL'), limit: 50 }, '2026-11-20T11:59:59Z')
  t.equal(early.data[0]!.published_at, '2026-11-19T12:00:00Z', 'today\'s is not out yet')
  t.equal(early.as_of, '2026-11-19T12:00:00Z')
})

test('the movers are ranked as their list says, and are the quotes', async t => {
  const movers = async (list: typeof MOVER_LISTS[number]) =>
    (await ask('market_movers', { list, asset_class: 'stock', limit: 50 })).data
  const [gainers, losers, active] = [await movers('gainers'), await movers('losers'), await movers('most_active')]
  const { data: { items } } = await ask('quote', { instruments: toInstruments(...COMPANIES, 'SPY') })
  t.equal(active.length, 8)
  t.equal(gainers.length + losers.length, 8)
  t.ok(gainers.length > 0 && losers.length > 0)
  for (const { symbol, price, change_percent: percent, volume } of active) {
    t.match(items[symbol], { price, change_percent: percent, volume })
  }
  const rising = (values: (number | null)[]) => values.every((value, i) => i === 0 || value! >= values[i - 1]!)
  t.ok(gainers.every(({ change }) => change! > 0) && losers.every(({ change }) => change! < 0))
  t.ok(rising(gainers.map(mover => mover.change_percent).reverse()))
  t.ok(rising(losers.map(mover => mover.change_percent)))
  t.ok(rising(active.map(mover => mover.volume).reverse()))
})

test('the market calendar is the exchange\'s, in the window', async t => {
  const { data } = await ask('market_calendar', { from: '2026-11-26', to: '2027-01-01' })
  t.same(data, [
    { date: '2026-11-26', name: 'Thanksgiving Day', status: 'closed', open: null, close: null },
    { date: '2026-11-27', name: 'Day after Thanksgiving', status: 'early_close', open: '09:30', close: '13:00' },
    { date: '2026-12-24', name: 'Christmas Eve', status: 'early_close', open: '09:30', close: '13:00' },
    { date: '2026-12-25', name: 'Christmas Day', status: 'closed', open: null, close: null },
    { date: '2027-01-01', name: 'New Year\'s Day', status: 'closed', open: null, close: null }
  ])
  t.same((await ask('market_calendar', { from: '2027-02-01', to: '2026-02-01' })).data, [])
})

test('windows that hold nothing are answered with nothing', async t => {
  const instrument = parseSymbol('AAPL')
  for (const window of [{ from: '2026-12-31', to: '2026-01-01' }, { from: '1980-01-01', to: '1980-12-31' }]) {
    const asked = { ...window, instrument, limit: 10 }
    t.same((await ask('corporate_actions', { ...asked, types })).data, [])
    t.same((await ask('insider_trades', asked)).data, [])
    t.same((await ask('filings', asked)).data, [])
    t.same((await ask('earnings_calendar', asked)).data, [])
    t.same((await ask('economic_calendar', asked)).data, [])
    t.same((await ask('economic_indicator', { ...asked, indicator: 'cpi' })).data.points, [])
  }
  t.same((await ask('economic_calendar', { ...ALWAYS, country: 'DE', limit: 10 })).data, [])
})
