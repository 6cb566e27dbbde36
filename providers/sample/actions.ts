/** Payouts and splits: the same rules make the calendar of actions, the cash flows and the basis of prices. */
import { tradingDayFrom } from '../../market/calendar.ts'
import { addDays } from '../../market/time.ts'
import type { CorporateAction } from '../../schemas/events.ts'
import { COMPANIES, type SampleListing } from './listings.ts'
import { quarterOf, quarterStart } from './quarters.ts'
import { between, fixed, unit } from './random.ts'

/** Companies that have never paid. */
const KEEPERS = new Set(['AMZN', 'TSLA', 'BRK.B'])

export interface Split { symbol: string, ex_date: string, from: number, to: number }

export const SPLITS: readonly Split[] = [{ symbol: 'NVDA', ex_date: '2024-06-10', from: 1, to: 10 }]

/** New shares that one share of a day has become since. */
export function splitRatioAfter (symbol: string, day: string, until = '9999'): number {
  return SPLITS
    .filter(split => split.symbol === symbol && split.ex_date > day && split.ex_date <= until)
    .reduce((ratio, { from, to }) => ratio * to / from, 1)
}

/** One quarter's payout a share on today's basis, in cents; 0 where none is paid. */
export function payoutOf (listing: SampleListing, year: number): number {
  const { symbol, type, level } = listing
  const isFund = type === 'ETF'
  if (KEEPERS.has(symbol) || !(isFund || COMPANIES.includes(listing))) return 0
  const percent = isFund ? 1.3 : between(`${symbol}:yield`, 0.5, 1)
  const wave = 1 + 0.2 * Math.sin(2 * Math.PI * (year / 12 + unit(`${symbol}:payout`)))
  return fixed(level * percent / 100 / 4 * wave, 2)
}

export interface Payout {
  ex_date: string
  pay_date: string
  declaration_date: string
  /** A share, on today's basis. */
  amount: number
}

/** The payout of a quarter: it goes ex and is paid within the quarter. */
export function payoutIn (listing: SampleListing, quarter: number): Payout | undefined {
  const amount = payoutOf(listing, Math.floor(quarter / 4))
  if (!amount) return undefined
  const first = addDays(quarterStart(quarter), 33 + Math.floor(7 * unit(`${listing.symbol}:ex`)))
  const exDate = tradingDayFrom(first, 1)
  return {
    ex_date: exDate,
    pay_date: tradingDayFrom(addDays(exDate, 14), 1),
    declaration_date: declaredOn(exDate),
    amount
  }
}

/** Payouts that go ex between two days, both included, oldest first. */
export function payoutsBetween (listing: SampleListing, from: string, to: string): Payout[] {
  const payouts: Payout[] = []
  for (let quarter = quarterOf(from); quarter <= quarterOf(to); quarter++) {
    const payout = payoutIn(listing, quarter)
    if (payout && payout.ex_date >= from && payout.ex_date <= to) payouts.push(payout)
  }
  return payouts
}

/** A payout as it was paid: before a split on fewer shares. */
export function toDividend (listing: SampleListing, { amount, ...days }: Payout, today: string): CorporateAction {
  const ratio = splitRatioAfter(listing.symbol, days.ex_date, today)
  return {
    type: 'dividend',
    symbol: listing.symbol,
    ...days,
    record_date: days.ex_date,
    amount: fixed(amount * ratio, 4),
    currency: listing.currency,
    frequency: 4,
    special: false,
    split_from: null,
    split_to: null
  }
}

export function toSplit ({ symbol, ex_date: exDate, from, to }: Split): CorporateAction {
  return {
    type: 'split',
    symbol,
    ex_date: exDate,
    record_date: tradingDayFrom(addDays(exDate, -1), -1),
    pay_date: exDate,
    declaration_date: declaredOn(exDate),
    amount: null,
    currency: null,
    frequency: null,
    special: null,
    split_from: from,
    split_to: to
  }
}

const declaredOn = (exDate: string) => tradingDayFrom(addDays(exDate, -21), -1)
