/** When a company reports and files a quarter, and what was expected of it. */
import { tradingDayFrom } from '../../market/calendar.ts'
import { addDays } from '../../market/time.ts'
import type { Earnings } from '../../schemas/fundamentals.ts'
import { booksOf } from './books.ts'
import { sharesOf, type SampleListing } from './listings.ts'
import { FIRST_DAY, quarterEnd, quarterOf } from './quarters.ts'
import { between, fixed, unit } from './random.ts'

export const FIRST_QUARTER = quarterOf(FIRST_DAY)
export const FILED_AT = '16:30'

const reportsEarly = ({ symbol }: SampleListing) => unit(`${symbol}:bmo`) < 0.4

export interface Report { day: string, time: 'bmo' | 'amc', moment: string }

/** The day on which earnings are told; `moment` is New York's wall clock then. */
export function reportOf (listing: SampleListing, quarter: number): Report {
  const late = Math.floor(between(`${listing.symbol}:report:${quarter}`, 21, 35))
  const day = tradingDayFrom(addDays(quarterEnd(quarter), late), 1)
  return reportsEarly(listing) ? { day, time: 'bmo', moment: `${day} 07:00` } : { day, time: 'amc', moment: `${day} 16:05` }
}

/** The day on which the statements are filed: the next trading day, a week later for the whole year. */
export function filedOn (listing: SampleListing, quarter: number): string {
  return tradingDayFrom(addDays(reportOf(listing, quarter).day, quarter % 4 === 3 ? 8 : 1), 1)
}

/** The newest quarter whose statements are filed; below FIRST_QUARTER where there is none. */
export function lastFiled (listing: SampleListing, moment: string): number {
  let quarter = quarterOf(moment)
  while (`${filedOn(listing, quarter)} ${FILED_AT}` > moment) quarter--
  return quarter
}

/** The quarter that is reported next. */
export function nextReported (listing: SampleListing, moment: string): number {
  let quarter = quarterOf(moment) - 3
  while (reportOf(listing, quarter).moment <= moment) quarter++
  return quarter
}

/** The report of a quarter as it is known at a moment: before it is told, what is expected. */
export function earningsOf (listing: SampleListing, quarter: number, moment: string): Earnings {
  const { day, time, moment: told } = reportOf(listing, quarter)
  const { revenue, netIncome } = booksOf(listing, quarter).flows
  const expected = (name: string, size: number) => 1 + between(`${listing.symbol}:${name}:${quarter}`, -size, size * 0.7)
  const eps = fixed(netIncome / dilutedOf(listing), 2)
  const estimate = fixed(eps * expected('eps', 0.1), 2)
  const isTold = told <= moment
  return {
    symbol: listing.symbol,
    date: day,
    time,
    period_end: quarterEnd(quarter),
    fiscal_year: Math.floor(quarter / 4),
    fiscal_quarter: quarter % 4 + 1,
    eps_estimate: estimate,
    eps_actual: isTold ? eps : null,
    eps_surprise_percent: isTold ? fixed((eps / estimate - 1) * 100, 4) : null,
    revenue_estimate: Math.round(revenue * expected('revenue', 0.03) / 1e6) * 1e6,
    revenue_actual: isTold ? revenue : null,
    currency: listing.currency
  }
}

export const dilutedOf = (listing: SampleListing) => Math.round(sharesOf(listing) * 1.01)

/** A number as the SEC gives, of a filer that does not exist. */
export function accessionOf ({ symbol }: SampleListing, day: string, key: string): string {
  const serial = Math.floor(1e6 * unit(`${symbol}:filing:${day}:${key}`))
  return `0000000000-${day.slice(2, 4)}-${String(serial).padStart(6, '0')}`
}

export function filingUrl (listing: SampleListing, day: string, key: string): string {
  return `https://example.com/filings/${listing.symbol}/${accessionOf(listing, day, key)}`
}
