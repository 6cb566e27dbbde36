/** Insiders, who keep to a yearly round: what they are given they sell, so that their holdings stay what they were. */
import { tradingDayFrom } from '../../market/calendar.ts'
import { addDays } from '../../market/time.ts'
import type { InsiderTrade } from '../../schemas/ownership.ts'
import { closeOn } from './bars.ts'
import { round, type SampleListing } from './listings.ts'
import { between, pick, unit } from './random.ts'
import { filingUrl } from './reports.ts'

/** When form 4 is filed, in New York. */
export const FORM_4_AT = '18:00'

type Code = 'P' | 'S' | 'A' | 'M' | 'F' | 'G'

const TYPES: Record<Code, string> = { P: 'buy', S: 'sell', A: 'award', M: 'exercise', F: 'tax', G: 'gift' }
const FIRST_NAMES = ['Alex', 'Billie', 'Casey', 'Dana', 'Eli', 'Frankie', 'Gray', 'Harper']
const LAST_NAMES = ['Sample', 'Example', 'Placeholder', 'Specimen', 'Mockup']

/** Who trades in which month: codes, and the part of the year's shares each moves. */
const ROUND: { role: string, steps: [month: number, code: Code, part: number][] }[] = [
  { role: 'Chief Executive Officer', steps: [[2, 'A', 1], [2, 'F', -0.4], [8, 'S', -0.6]] },
  { role: 'Chief Financial Officer', steps: [[3, 'A', 1], [3, 'F', -0.4], [9, 'S', -0.6]] },
  { role: 'General Counsel', steps: [[5, 'M', 1], [5, 'S', -1]] },
  { role: 'Director', steps: [[6, 'P', 1], [11, 'G', -1]] }
]

/** A trade before its prices are looked up. */
export interface PlannedTrade {
  person: string
  role: string
  code: Code
  shares: number
  sharesAfter: number
  day: string
  filed: string
}

/** A year's trades by day, oldest first. */
export function tradesOf ({ symbol }: SampleListing, year: number): PlannedTrade[] {
  return ROUND.flatMap(({ role, steps }, i) => {
    const key = `${symbol}:insider:${i}`
    const held = Math.round(between(key, 20_000, 900_000))
    const lot = 10 * Math.round(between(`${key}:${year}`, 500, 4000))
    let sharesAfter = held
    return steps.map(([month, code, part]): PlannedTrade => {
      const first = `${year}-${String(month).padStart(2, '0')}-01`
      const day = tradingDayFrom(addDays(first, Math.floor(between(`${key}:${year}:${month}`, 0, 20))), 1)
      const shares = Math.round(lot * part)
      sharesAfter += shares
      const filed = tradingDayFrom(addDays(tradingDayFrom(addDays(day, 1), 1), 1), 1)
      return { person: personOf(symbol, i), role, code, shares, sharesAfter, day, filed }
    })
  }).sort((a, b) => a.day < b.day ? -1 : a.day > b.day ? 1 : 0)
}

/** No two of a company share a first name. */
function personOf (symbol: string, i: number): string {
  const first = FIRST_NAMES[(Math.floor(unit(symbol) * FIRST_NAMES.length) + i) % FIRST_NAMES.length]!
  return `${first} ${pick(`${symbol}:surname:${i}`, LAST_NAMES)}`
}

/** What an insider pays: nothing for an award or a gift, half the usual price for an option. */
function priceOf (listing: SampleListing, { code, day }: PlannedTrade): number | null {
  if (code === 'A' || code === 'G') return null
  return code === 'M' ? round(listing.level / 2, listing) : closeOn(listing, day)
}

export function toInsiderTrade (listing: SampleListing, trade: PlannedTrade): InsiderTrade {
  const price = priceOf(listing, trade)
  return {
    symbol: listing.symbol,
    filed_at: trade.filed,
    transaction_date: trade.day,
    name: trade.person,
    role: trade.role,
    code: trade.code,
    type: TYPES[trade.code],
    shares: trade.shares,
    price,
    value: price === null ? null : round(Math.abs(trade.shares) * price, listing),
    shares_after: trade.sharesAfter,
    is_derivative: false,
    url: filingUrl(listing, trade.filed, trade.person)
  }
}
