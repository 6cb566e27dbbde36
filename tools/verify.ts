import { Type } from 'typebox'
import { agree, type Consensus } from '../analysis/consensus.ts'
import { roundForOutput } from '../analysis/rounding.ts'
import { codeOf, problem, type Problem } from '../errors.ts'
import { isTradingDay } from '../market/calendar.ts'
import { parseSymbol, type Instrument } from '../market/symbols.ts'
import { zoneOf } from '../market/bars.ts'
import { resolveWindow } from '../market/window.ts'
import { outcomeOf } from '../providers/outcomes.ts'
import type { ProviderAnswer } from '../providers/router.ts'
import { Nullable, ProviderNameSchema, type ProviderName, type Quote } from '../schemas/market.ts'
import { defineTool, type ToolCall } from './define.ts'
import { toTable } from './format.ts'
import { barsFreshness, quoteFreshness } from './freshness.ts'
import { MaxAgeSchema, SymbolSchema } from './inputs.ts'

const number = Nullable(Type.Number())

const SourceSchema = Type.Object({
  provider: ProviderNameSchema,
  /** A quote's price, or a bar's close. */
  price: Type.Number(),
  open: number,
  high: number,
  low: number,
  volume: number,
  as_of: Nullable(Type.String()),
  feed: Nullable(Type.String()),
  delayed_by_seconds: number,
  /** From the agreed price. */
  deviation_percent: number,
  outlier: Type.Boolean()
})
const COLUMNS = Object.keys(SourceSchema.properties)

const VerdictSchema = Type.Object({
  symbol: Type.String(),
  basis: Type.Enum(['quote', 'daily bar, split-adjusted']),
  date: Nullable(Type.String()),
  /** `agree`; `outlier`: all but those marked; `disagree`: nobody can be said to be wrong; `single`: one source. */
  verdict: Type.Enum(['agree', 'outlier', 'disagree', 'single']),
  /** The median. */
  agreed_price: Type.Number(),
  currency: Nullable(Type.String()),
  spread_percent: number,
  tolerance_percent: Type.Number(),
  sources: Type.Array(SourceSchema),
  failed: Type.Array(Type.Object({ provider: ProviderNameSchema, code: Type.String(), detail: Type.String() }))
})

/** One provider's price, before it is judged. */
interface Reading {
  provider: ProviderName
  price: number
  open: number | null
  high: number | null
  low: number | null
  volume: number | null
  currency: string | null
  as_of: string | null
  feed: string | null
  delayed_by_seconds: number | null
}

interface Failure { provider: ProviderName, problem: Problem }

export const verifyQuote = defineTool({
  name: 'verify_quote',
  title: 'Cross-check of a price',
  description: 'Asks every provider for the same price and says whether they agree: the latest quote, or with date that day\'s bar. ' +
    'Costs a call at each; use it where a number matters or looks odd.',
  input: Type.Object({
    symbol: SymbolSchema,
    date: Type.Optional(Type.String({ description: 'YYYY-MM-DD' })),
    tolerance_percent: Type.Number({ default: 0.5, minimum: 0, maximum: 50 }),
    max_age_seconds: MaxAgeSchema
  }, { additionalProperties: false }),
  output: VerdictSchema,
  ttl: ({ symbol, date }, clock, now) => date === undefined
    ? quoteFreshness([symbol], now)
    : barsFreshness({ timeframe: '1day', end: date }, [symbol], clock, now),
  async fetch ({ symbol, date, tolerance_percent: tolerance }, call) {
    const instrument = parseSymbol(symbol)
    const { readings, failures } = date === undefined
      ? await readQuotes(instrument, call)
      : await readBars(instrument, date, call)
    if (!readings.length) throw worst(failures)
    const prices = readings.map(({ provider, price }) => ({ provider, value: price }))
    const consensus = agree(prices, { tolerancePercent: tolerance })
    const { provider, ...sources } = toMeta(readings)
    return {
      data: toVerdict(instrument, date, tolerance, consensus, readings, failures),
      meta: {
        provider,
        ...sources,
        tried: failures.map(({ provider, problem }) => ({ provider, outcome: outcomeOf(problem) })),
        ...(date !== undefined && { adjustment: 'split' })
      },
      cacheable: failures.every(({ problem }) => ['SYMBOL_NOT_FOUND', 'PROVIDER_NOT_ENTITLED'].includes(codeOf(problem)))
    }
  },
  present: verdict => ({
    data: verdict,
    table: toTable(verdict.sources, COLUMNS),
    caption: `${verdict.symbol} ${verdict.date ?? 'latest'}: ${verdict.verdict}, agreed ${verdict.agreed_price} ${verdict.currency ?? ''}, spread ${verdict.spread_percent ?? 'unknown'} %`
  })
})

interface Readings { readings: Reading[], failures: Failure[] }

async function readQuotes (instrument: Instrument, call: ToolCall): Promise<Readings> {
  const answers = await call.route.everyQuote({ instruments: [instrument] }, call)
  return collect(answers, instrument, (quote: Quote, { provider }) => ({ ...quote, provider }))
}

async function readBars (instrument: Instrument, date: string, call: ToolCall): Promise<Readings> {
  const window = resolveWindow({ start: date, end: date, timeframe: '1day', limit: 1 }, call.now)
  const isShare = zoneOf(instrument.asset_class) !== 'UTC'
  if (isShare && !isTradingDay(date)) {
    throw problem('INVALID_INPUT', `${date} was no trading day. Send one; get_market_calendar names the holidays.`)
  }
  const input = { instruments: [instrument], timeframe: '1day' as const, adjustment: 'split' as const, ...window, limit: 5 }
  const answers = await call.route.everyBars(input, call)
  return collect(answers, instrument, ({ bars, currency, feed }, { provider, delayed_by_seconds: delay = null }) => {
    const bar = bars.find(({ time }) => time === date)
    return bar && { ...bar, price: bar.close, provider, currency, feed, as_of: null, delayed_by_seconds: delay }
  })
}

function collect<T> (
  answers: readonly ProviderAnswer<T>[],
  { symbol }: Instrument,
  read: (item: T, answer: ProviderAnswer<T>) => Reading | undefined
): Readings {
  const readings: Reading[] = []
  const failures: Failure[] = []
  for (const answer of answers) {
    const { provider, data: { items, failures: problems } } = answer
    const item = items[symbol]
    const reading = item && read(item, answer)
    if (reading) readings.push(reading)
    else failures.push({ provider, problem: problems[symbol] ?? problem('SYMBOL_NOT_FOUND', `${provider} has no price of ${symbol} there.`, { provider }) })
  }
  return { readings, failures }
}

/** An unknown symbol is a fact and goes first. */
function worst (failures: readonly Failure[]): Problem {
  const problems = failures.map(({ problem }) => problem)
  return problems.find(error => codeOf(error) === 'SYMBOL_NOT_FOUND') ?? problems[0]!
}

function toMeta (readings: readonly Reading[]) {
  const currencies = [...new Set(readings.map(({ currency }) => currency))]
  return {
    provider: readings.map(({ provider }) => provider).join(','),
    as_of: readings.reduce<string | null>((newest, { as_of: at }) => (at ?? '') > (newest ?? '') ? at : newest, null),
    ...(currencies.length === 1 && { currency: currencies[0] ?? null })
  }
}

function toVerdict (
  { symbol }: Instrument,
  date: string | undefined,
  tolerance: number,
  { median, spread_percent: spread, verdict, values }: Consensus,
  readings: readonly Reading[],
  failures: readonly Failure[]
) {
  const judged = new Map(values.map(value => [value.provider, value]))
  return {
    symbol,
    basis: date === undefined ? 'quote' as const : 'daily bar, split-adjusted' as const,
    date: date ?? null,
    verdict: verdict === 'none' ? 'single' as const : verdict,
    agreed_price: median!,
    currency: readings[0]!.currency,
    spread_percent: roundForOutput(spread, 4),
    tolerance_percent: tolerance,
    sources: readings.map(reading => {
      const { deviation_percent: deviation = null, outlier = false } = judged.get(reading.provider) ?? {}
      const source = { ...reading, deviation_percent: roundForOutput(deviation, 4), outlier }
      return inOrder(source)
    }),
    failed: failures.map(({ provider, problem: { code, message } }) => ({ provider, code, detail: message }))
  }
}

/** The source's own columns, in their order. */
function inOrder<T extends object> (source: T): T {
  return Object.fromEntries(COLUMNS.map(column => [column, source[column as keyof T] ?? null])) as T
}
