import { Type } from 'typebox'
import { codeOf, isProblem, problem } from '../errors.ts'
import { closingsOf, type Closing } from '../market/calendar.ts'
import { addDays, NEW_YORK } from '../market/time.ts'
import { daysOf, type DayRules, type Days } from '../market/window.ts'
import { commonOf } from '../providers/parse.ts'
import type { Routed } from '../providers/router.ts'
import { ACTIONS, CorporateActionSchema, FilingSchema, MarketHolidaySchema, type MarketHoliday } from '../schemas/events.ts'
import { EarningsSchema } from '../schemas/fundamentals.ts'
import { ProviderNameSchema, type ProviderName } from '../schemas/market.ts'
import type { ToolCall } from './define.ts'
import { DAY, HOUR } from './freshness.ts'
import { DAYS, StockSchema, toInstrumentOf, WindowSchema } from './inputs.ts'
import { defineList } from './list.ts'
import { MAX_ROWS } from './page.ts'
import { receiptOf } from './receipt.ts'

/** Some providers must be asked day by day, and a day in season has hundreds of rows. */
const EARNINGS_DAYS: DayRules = { usual: today => ({ from: today, to: addDays(today, 7) }), most: 31 }

export const getEarningsCalendar = defineList({
  name: 'get_earnings_calendar',
  title: 'Earnings calendar',
  description: 'Companies that report earnings in the next 7 days, or from start to end (at most 31 days), earliest first. ' +
    'For one company\'s history use get_earnings.',
  input: {
    start: Type.Optional(Type.String({ examples: ['2026-11-20'] })),
    end: DAYS.end,
    symbols: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 50 }))
  },
  capability: 'earnings_calendar',
  key: 'earnings',
  row: EarningsSchema,
  header: WindowSchema,
  limit: { usual: 50 },
  ttl: () => HOUR,
  async fetch ({ symbols, ...days }, call) {
    const window = daysOf(days, EARNINGS_DAYS, call.now)
    const wanted = symbols && new Set(symbols.map(symbol => toInstrumentOf(symbol, 'a company').symbol))
    // Those asked for may stand anywhere in the window.
    const answer = await call.route.one('earnings_calendar', { ...window, limit: wanted ? MAX_ROWS : call.reach }, call)
    const rows = wanted ? answer.data.filter(({ symbol }) => wanted.has(symbol)) : answer.data
    return { data: { rows, header: { ...window } }, meta: receiptOf(answer) }
  }
})

const ACTION_DAYS: DayRules = { usual: today => ({ from: addDays(today, -730), to: addDays(today, 90) }) }

export const getCorporateActions = defineList({
  name: 'get_corporate_actions',
  title: 'Dividends and splits',
  description: 'Dividends and splits of a stock or fund by ex-date, newest first, announced ones included; the last 2 years unless start and end say otherwise. ' +
    'Amounts are as paid, not split-adjusted.',
  input: {
    symbol: StockSchema,
    types: Type.Optional(Type.Array(Type.Enum([...ACTIONS]), { minItems: 1 })),
    ...DAYS
  },
  capability: 'corporate_actions',
  key: 'actions',
  row: CorporateActionSchema,
  header: { symbol: Type.String(), currency: Type.Optional(Type.String()), ...WindowSchema },
  columns: () => Object.keys(CorporateActionSchema.properties).filter(name => name !== 'symbol'),
  limit: { usual: 20 },
  ttl: () => 12 * HOUR,
  async fetch ({ symbol, types = ACTIONS, ...days }, call) {
    const instrument = toInstrumentOf(symbol, 'a stock')
    const window = daysOf(days, ACTION_DAYS, call.now)
    const kinds = ACTIONS.filter(kind => types.includes(kind))
    const answer = await call.route.one('corporate_actions', { instrument, types: kinds, ...window, limit: call.reach }, call)
    const rows = answer.data
    const currency = commonOf(rows.filter(({ amount }) => amount !== null).map(row => row.currency))
    return {
      data: { rows, header: { symbol: instrument.symbol, ...(currency && { currency }), ...window } },
      meta: receiptOf({ ...answer, currency })
    }
  }
})

const FILING_DAYS: DayRules = { usual: today => ({ from: addDays(today, -365), to: today }) }

export const getFilings = defineList({
  name: 'get_filings',
  title: 'SEC filings',
  description: 'A company\'s filings with the SEC, newest first, with links; of one form, such as 10-K, where asked; the last 12 months unless start and end say otherwise. ' +
    'For their numbers use get_financials.',
  input: {
    symbol: StockSchema,
    form: Type.Optional(Type.String({ minLength: 1, maxLength: 20 })),
    ...DAYS
  },
  capability: 'filings',
  key: 'filings',
  row: FilingSchema,
  header: { symbol: Type.String(), cik: Type.Optional(Type.String()), ...WindowSchema },
  columns: () => Object.keys(FilingSchema.properties).filter(name => name !== 'symbol'),
  // The link has it.
  lean: Object.keys(FilingSchema.properties).filter(name => name !== 'accession'),
  limit: { usual: 20 },
  ttl: () => HOUR,
  async fetch ({ symbol, form, ...days }, call) {
    const instrument = toInstrumentOf(symbol, 'a company')
    const window = daysOf(days, FILING_DAYS, call.now)
    const wanted = { instrument, ...(form && { form: form.trim().toUpperCase() }), ...window, limit: call.reach }
    const answer = await call.route.one('filings', wanted, call)
    const cik = commonOf(answer.data.map(row => row.cik))
    return {
      data: { rows: answer.data, header: { symbol: instrument.symbol, ...(cik && { cik }), ...window } },
      meta: receiptOf(answer)
    }
  }
})

const thisYear = (today: string): Days => ({ from: `${today.slice(0, 4)}-01-01`, to: `${today.slice(0, 4)}-12-31` })
/** Calendars of trading days are read whole, and the exchange's rules were others before. */
const CLOSING_DAYS: DayRules = { usual: thisYear, most: 3660 }
const FIRST_RULED_DAY = '2000-01-01'

const SourceSchema = Type.Enum(['rules', ...ProviderNameSchema.enum])
const SourcedHolidaySchema = Type.Object({ ...MarketHolidaySchema.properties, source: SourceSchema })
interface SourcedHoliday extends MarketHoliday { source: 'rules' | ProviderName }

export const getMarketCalendar = defineList({
  name: 'get_market_calendar',
  title: 'Market calendar',
  description: 'Days on which the US stock market is closed or closes early, this year or from start to end (at most 10 years, from 2000 on). ' +
    'Whether it is open now: get_market_status.',
  input: { start: Type.Optional(Type.String({ examples: ['2026-11-20'] })), end: DAYS.end },
  capability: 'market_calendar',
  key: 'days',
  row: SourcedHolidaySchema,
  header: WindowSchema,
  limit: { usual: 50 },
  untrusted: ['name'],
  ttl: () => DAY,
  async fetch (days, call) {
    const window = daysOf(days, CLOSING_DAYS, call.now)
    if (window.from < FIRST_RULED_DAY) throw problem('INVALID_INPUT', `The calendar begins in 2000: send a start from ${FIRST_RULED_DAY} on.`)
    const { answer, ...rest } = await askCalendar(window, call)
    return { ...rest, data: { rows: joined(ruledDays(window), answer), header: { ...window } } }
  }
})

/** Failures that stay: others may be over in a moment, and the answer without the provider is not kept then. */
const LASTING = new Set(['PROVIDER_NOT_CONFIGURED', 'PROVIDER_NOT_ENTITLED'])

/** What a provider knows; where none can say, the exchange's rules must do, unless one was asked for by name. */
async function askCalendar (window: Days, call: ToolCall) {
  try {
    const answer = await call.route.one('market_calendar', window, call)
    return { answer, meta: { ...receiptOf(answer), time_zone: NEW_YORK } }
  } catch (error) {
    call.signal.throwIfAborted()
    if (call.provider || !isProblem(error)) throw error
    return {
      meta: { provider: null, as_of: null, tried: error.tried ?? [], time_zone: NEW_YORK },
      cacheable: LASTING.has(codeOf(error))
    }
  }
}

/** Each day once: as a provider has it, or by the rules where it is silent, for calendars do not reach far. */
function joined (ruled: SourcedHoliday[], answer?: Pick<Routed<MarketHoliday[]>, 'data' | 'provider'>): SourcedHoliday[] {
  const byDate = new Map(ruled.map(row => [row.date, row]))
  for (const row of answer?.data ?? []) {
    byDate.set(row.date, { ...row, name: row.name ?? byDate.get(row.date)?.name ?? null, source: answer!.provider })
  }
  return [...byDate.values()].sort((a, b) => a.date < b.date ? -1 : 1)
}

function ruledDays ({ from, to }: Days): SourcedHoliday[] {
  const [first, last] = [from, to].map(day => Number(day.slice(0, 4))) as [number, number]
  const years = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  return years.flatMap(closingsOf).filter(({ day }) => day >= from && day <= to).map(toHoliday)
}

function toHoliday ({ day, name, kind }: Closing): SourcedHoliday {
  const hours = kind === 'early_close' ? { open: '09:30', close: '13:00' } : { open: null, close: null }
  return { date: day, name, status: kind, ...hours, source: 'rules' }
}
