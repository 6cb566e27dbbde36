import type { Instrument } from '../../market/symbols.ts'
import { NEW_YORK } from '../../market/time.ts'
import {
  MATURITIES, type CorporateAction, type EconomicEvent, type EconomicSeries, type Filing, type MarketHoliday
} from '../../schemas/events.ts'
import { currencyOf, NO_ACTION, toDay, toNumber, toPrice, toText, toUrl, type Fields } from '../parse.ts'
import type { DayWindow } from '../types.ts'
import { clockReader, listOf, newestFirst, rowsAbout } from './normalise.ts'

function isInside (day: string | null, { from, to }: DayWindow): day is string {
  return day !== null && day >= from && day <= to
}

/** Payouts a year. */
const FREQUENCIES = new Map(Object.entries({
  Weekly: 52, 'Bi-Weekly': 26, Monthly: 12, Quarterly: 4, 'Semi-Annual': 2, Annual: 1, Special: 0
}))

/** Rows of `dividends` with their ex-date in the window. */
export function toDividends (body: unknown, instrument: Instrument, window: DayWindow): CorporateAction[] {
  return rowsAbout(body, instrument, 'dividends').flatMap(row => {
    const exDate = toDay(row.date)
    if (!isInside(exDate, window)) return []
    const frequency = FREQUENCIES.get(String(row.frequency)) ?? null
    return {
      type: 'dividend',
      symbol: instrument.symbol,
      ex_date: exDate,
      ...NO_ACTION,
      record_date: toDay(row.recordDate),
      pay_date: toDay(row.paymentDate),
      declaration_date: toDay(row.declarationDate),
      amount: toPrice(row.dividend),
      currency: currencyOf(instrument),
      frequency,
      special: frequency === null ? null : frequency === 0
    }
  })
}

/** Rows of `splits` in the window; a spin-off moves the price but is no split. */
export function toSplits (body: unknown, instrument: Instrument, window: DayWindow): CorporateAction[] {
  return rowsAbout(body, instrument, 'splits').flatMap(row => {
    const exDate = toDay(row.date)
    const from = toPrice(row.denominator)
    const to = toPrice(row.numerator)
    if (!isInside(exDate, window) || from === null || to === null || row.splitType === 'spin-off') return []
    return { type: 'split', symbol: instrument.symbol, ex_date: exDate, ...NO_ACTION, split_from: from, split_to: to }
  })
}

/** What FMP calls countries otherwise than ISO 3166 does. */
const COUNTRIES = new Map([['UK', 'GB'], ['EMU', 'EU']])

/** Rows of `economic-calendar` in the window of UTC days, earliest first. */
export function toEvents (body: unknown, window: DayWindow, country?: string): EconomicEvent[] {
  const timeOf = clockReader('UTC')
  return listOf(body, 'an economic calendar')
    .flatMap(row => {
      const time = timeOf(row.date)
      const event = toText(row.event)
      if (event === null || !isInside(toDay(time), window)) return []
      const code = toText(row.country, 10)
      const impact = toText(row.impact, 10)?.toLowerCase()
      return {
        time: time!,
        country: code && (COUNTRIES.get(code) ?? code),
        event,
        impact: impact === 'low' || impact === 'medium' || impact === 'high' ? impact : null,
        actual: toNumber(row.actual),
        estimate: toNumber(row.estimate),
        previous: toNumber(row.previous),
        unit: toText(row.unit, 20)
      }
    })
    .filter(event => country === undefined || event.country === country.toUpperCase())
    .sort((a, b) => a.time < b.time ? -1 : a.time > b.time ? 1 : 0)
}

type Point = EconomicSeries['points'][number]

/** A row of `economic-indicators`; undefined without a day. */
export function toPoint (row: Fields): Point | undefined {
  const date = toDay(row.date)
  return date === null ? undefined : { date, value: toNumber(row.value) }
}

/** A row of `treasury-rates`, whose columns are `month1` to `year30`. */
export function toCurve (row: Fields): Point | undefined {
  const date = toDay(row.date)
  const rates = MATURITIES.map(name => {
    const [, count, unit] = /^(\d+)([my])$/.exec(name)!
    return [name, toNumber(row[`${unit === 'm' ? 'month' : 'year'}${count}`])] as const
  })
  if (date === null || rates.every(([, rate]) => rate === null)) return undefined
  return { date, ...Object.fromEntries(rates) }
}

/** When the exchange opens on a day that FMP names no other hour for. */
const USUAL_OPEN = '09:30'

/** Rows of `holidays-by-exchange` in the window, earliest first; a day without a closing hour is not one. */
export function toHolidays (body: unknown, window: DayWindow): MarketHoliday[] {
  const days = listOf(body, 'holidays of the exchange').flatMap(row => {
    const date = toDay(row.date)
    if (!isInside(date, window)) return []
    const name = toText(row.name)
    // Of an early close `isClosed` is null, and `isFullyClosed` false.
    if (row.isClosed === true || row.isFullyClosed === true) {
      return { date, name, status: 'closed' as const, open: null, close: null }
    }
    const open = toClock(row.adjOpenTime)
    const close = toClock(row.adjCloseTime)
    return close === null ? [] : { date, name, status: 'early_close' as const, open: open ?? USUAL_OPEN, close }
  })
  return [...new Map(days.map(day => [day.date, day])).values()].sort((a, b) => a.date < b.date ? -1 : 1)
}

/** `13:00`, also out of `13:00:00`. */
function toClock (value: unknown): string | null {
  return /^([01]\d|2[0-3]):[0-5]\d/.exec(String(value))?.[0] ?? null
}

/** Rows of `sec-filings-search` that were filed in the window, newest first. */
export function toFilings (rows: readonly Fields[], instrument: Instrument, window: DayWindow,
  form?: string): Filing[] {
  const timeOf = clockReader(NEW_YORK)
  return rowsAbout(rows, instrument, 'filings')
    .map(row => ({
      symbol: instrument.symbol,
      form: toText(row.formType, 30),
      filed_at: toDay(row.filingDate),
      accepted_at: timeOf(row.acceptedDate),
      period_end: null,
      accession: /\d{10}-\d{2}-\d{6}/.exec(String(row.link))?.[0] ?? null,
      cik: toText(row.cik, 20),
      // `finalLink` is any file of the filing, pictures included.
      url: toUrl(row.link) ?? toUrl(row.finalLink)
    }))
    .filter(filing => isInside(filing.filed_at, window))
    .filter(filing => form === undefined || filing.form?.toUpperCase() === form.toUpperCase())
    .sort((a, b) => newestFirst(a.filed_at, b.filed_at) || newestFirst(a.accepted_at, b.accepted_at))
}

/** Dividends and splits, newest first. */
export function toActions (actions: readonly CorporateAction[]): CorporateAction[] {
  return actions.toSorted((a, b) => newestFirst(a.ex_date, b.ex_date))
}
