import { problem } from '../../errors.ts'
import { closingOf } from '../../market/calendar.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, weekdayOf } from '../../market/time.ts'
import type { ActionKind, CorporateAction, MarketHoliday } from '../../schemas/events.ts'
import {
  currencyOf, malformed, notFound, toDay, toFields, toInstrument, toPrice, toRows, toText, type Fields
} from '../parse.ts'
import type { Answer, Capabilities, DayWindow, ProviderCall } from '../types.ts'
import { toClockTime } from './normalise.ts'
import { pagesOf } from './requests.ts'

/**
 * Alpaca looks actions up by the day on which it books them: a dividend's is the day of payment, as a rule weeks after
 * the ex-date, and before it where due bills trade.
 */
const BOOKED_BEFORE_DAYS = 60
const BOOKED_AFTER_DAYS = 366

/** What is asked for by kind. Not unit splits: they take one security apart into others. */
const TYPES: Record<ActionKind, readonly string[]> = {
  dividend: ['cash_dividend'],
  split: ['forward_split', 'reverse_split', 'stock_dividend']
}

export async function fetchCorporateActions (input: Capabilities['corporate_actions']['input'],
  call: ProviderCall): Promise<Answer<CorporateAction[]>> {
  const { instrument, types, from, to, limit } = input
  const query = {
    symbols: instrument.symbol,
    types: types.flatMap(kind => TYPES[kind]).join(','),
    start: addDays(from, -BOOKED_BEFORE_DAYS),
    end: addDays(to, BOOKED_AFTER_DAYS),
    sort: 'desc',
    limit: 1000
  }
  const actions = new Map<string, CorporateAction>()
  for await (const body of pagesOf({ host: 'data', path: '/v1/corporate-actions', query }, call)) {
    for (const [id, action] of toActions(body, instrument, types)) actions.set(id, action)
  }
  // It knows US listings only, so that of others its silence says nothing.
  if (actions.size === 0 && currencyOf(instrument) === null) throw notFound('alpaca', instrument.symbol)
  const inside = [...actions.values()].filter(({ ex_date: day }) => day !== null && day >= from && day <= to)
  return { data: inside.sort((a, b) => a.ex_date! < b.ex_date! ? 1 : -1).slice(0, limit), as_of: null }
}

/**
 * One page of an instrument's actions, each by its id.
 * @throws PROVIDER_MALFORMED where it has no groups, or actions of other symbols only
 */
function toActions (body: Fields, instrument: Instrument, types: readonly ActionKind[]): [string, CorporateAction][] {
  const { corporate_actions: groups } = body
  if (typeof groups !== 'object' || Array.isArray(groups)) throw malformed('alpaca', 'corporate actions')
  const rows = types.flatMap(kind => TYPES[kind].flatMap(type =>
    toRows(toFields(groups)[`${type}s`]).map(row => ({ row, kind, type }))))
  const own = rows.filter(({ row }) => isAbout(row, instrument))
  if (rows.length > 0 && own.length === 0) throw malformed('alpaca', 'keeping to the symbol asked for')
  return own.map(({ row, kind, type }) =>
    [toText(row.id) ?? JSON.stringify(row), toAction(row, kind, type, instrument.symbol)])
}

/** A reverse split may come with a new symbol: it belongs to both. */
function isAbout (row: Fields, { symbol }: Instrument): boolean {
  return [row.symbol, row.new_symbol].some(name => typeof name === 'string' && toInstrument(name)?.symbol === symbol)
}

function toAction (row: Fields, type: ActionKind, upstreamType: string, symbol: string): CorporateAction {
  return {
    type,
    symbol,
    ex_date: toDay(row.ex_date),
    record_date: toDay(row.record_date),
    pay_date: toDay(row.payable_date),
    declaration_date: null,
    frequency: null,
    ...(type === 'dividend' ? toPayout(row) : { ...NO_PAYOUT, ...toRatio(row, upstreamType) })
  }
}

const NO_PAYOUT = { amount: null, currency: null, special: null }

/** No currency may mean that it is not known yet; of a domestic company it is the dollar. */
function toPayout (row: Fields) {
  return {
    amount: toPrice(row.rate),
    currency: /^[A-Z]{3}$/.exec(String(row.currency))?.[0] ?? (row.foreign === false ? 'USD' : null),
    special: typeof row.special === 'boolean' ? row.special : null,
    split_from: null,
    split_to: null
  }
}

/** A stock dividend of 0.05 makes 1.05 shares of each. */
function toRatio (row: Fields, upstreamType: string): Pick<CorporateAction, 'split_from' | 'split_to'> {
  if (upstreamType !== 'stock_dividend') return { split_from: toPrice(row.old_rate), split_to: toPrice(row.new_rate) }
  const rate = toPrice(row.rate)
  return rate === null
    ? { split_from: null, split_to: null }
    : { split_from: 1, split_to: Math.round((1 + rate) * 1e9) / 1e9 }
}

/** More days than the exchange was ever closed in a row, so that a trading day stands on both sides of the window. */
const MARGIN_DAYS = 14
const USUAL_CLOSE = '16:00'

export async function fetchMarketCalendar ({ from, to }: Capabilities['market_calendar']['input'],
  call: ProviderCall): Promise<Answer<MarketHoliday[]>> {
  const query = { start: addDays(from, -MARGIN_DAYS), end: addDays(to, MARGIN_DAYS) }
  const body = await call.request({ host: 'trading', path: '/v2/calendar', query })
  return { data: toHolidays(body, { from, to }), as_of: null }
}

/**
 * The closings of a window out of its trading days: what is missing between two of them is closed, and what lies beyond
 * the first and the last is not known.
 * @throws PROVIDER_MALFORMED where it is no calendar
 * @throws PROVIDER_NOT_ENTITLED where it knows no day of the window
 */
function toHolidays (body: unknown, { from, to }: DayWindow): MarketHoliday[] {
  if (!Array.isArray(body)) throw malformed('alpaca', 'a calendar')
  const rows = new Map(toRows(body).flatMap(row => {
    const day = toDay(row.date)
    return day ? [[day, row] as const] : []
  }))
  if (body.length > 0 && rows.size === 0) throw malformed('alpaca', 'the days of its calendar')
  const days = [...rows.keys()].sort()
  const first = days[0]
  const last = days.at(-1)
  if (!first || !last || first > to || last < from) {
    const detail = `Alpaca's calendar has no day from ${from} to ${to}. Ask another provider.`
    throw problem('PROVIDER_NOT_ENTITLED', detail, { provider: 'alpaca' })
  }
  const known = daysBetween(first > from ? first : from, last < to ? last : to)
  return known.flatMap(day => toHoliday(day, rows.get(day)) ?? [])
}

function daysBetween (first: string, last: string): string[] {
  const days: string[] = []
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day)
  return days
}

function toHoliday (date: string, row: Fields | undefined): MarketHoliday | null {
  const name = closingOf(date)?.name ?? null
  if (!row) return weekdayOf(date) % 6 === 0 ? null : { date, name, status: 'closed', open: null, close: null }
  const close = toClockTime(row.close, USUAL_CLOSE)
  return close < USUAL_CLOSE
    ? { date, name, status: 'early_close', open: toClockTime(row.open, '09:30'), close }
    : null
}
