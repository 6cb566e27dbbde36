/**
 * A company's books. What it owns and owes is a function of the quarter alone, and cash flows are the differences, so
 * that any two statements agree without adding up from the first day. Money in whole US dollars, a share as it is
 * today.
 */
import { payoutOf } from './actions.ts'
import { sharesOf, type SampleListing } from './listings.ts'
import { between } from './random.ts'

/** What stands at the end of a quarter, as parts of a year's usual revenue; the lasting ones do not swing with it. */
const PARTS = {
  cash: 0.15,
  investments: 0.1,
  receivables: 0.12,
  inventory: 0.06,
  plant: 0.35,
  payables: 0.1,
  shortDebt: 0.05,
  longDebt: 0.25
}
const LASTING_PARTS = { goodwill: 0.15, intangibles: 0.05, paidIn: 0.12 }
type Parts = typeof PARTS
type LastingParts = typeof LASTING_PARTS

interface Traits {
  /** Revenue of a usual quarter. */
  revenue: number
  grossMargin: number
  research: number
  selling: number
  taxRate: number
  phase: number
  seasons: number[]
  parts: Parts
  lasting: LastingParts
}

const INTEREST_RATE = 0.045
const known = new Map<string, Traits>()

function traitsOf (listing: SampleListing): Traits {
  let traits = known.get(listing.symbol)
  if (!traits) known.set(listing.symbol, traits = makeTraits(listing))
  return traits
}

function makeTraits (listing: SampleListing): Traits {
  const trait = (name: string, low: number, high: number) => between(`${listing.symbol}:${name}`, low, high)
  const vary = <T extends Record<string, number>>(parts: T) => Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, part * trait(name, 0.85, 1.15)])) as T
  const [grossMargin, research, selling] = [trait('gross', 0.45, 0.6), trait('r&d', 0.06, 0.1), trait('sg&a', 0.08, 0.12)]
  const taxRate = trait('tax', 0.15, 0.21)
  const netMargin = (grossMargin - research - selling - 0.0135) * (1 - taxRate)
  const earnings = listing.level * sharesOf(listing) / trait('pe', 18, 32)
  const peak = Math.floor(trait('season', 0, 4))
  return {
    revenue: earnings / netMargin / 4,
    grossMargin,
    research,
    selling,
    taxRate,
    phase: trait('cycle', 0, 2 * Math.PI),
    seasons: [0, 1, 2, 3].map(quarter => quarter === peak ? 1.09 : 0.97),
    parts: vary(PARTS),
    lasting: vary(LASTING_PARTS)
  }
}

const toMillions = (value: number) => Math.round(value / 1e6) * 1e6

/** What a company owns and owes at the end of a quarter. */
function positionOf ({ parts, lasting, revenue }: Traits, trend: number): Parts & LastingParts {
  const ofYear = (list: Record<string, number>, quarterly: number) =>
    Object.entries(list).map(([name, part]) => [name, toMillions(4 * quarterly * part)])
  return Object.fromEntries([...ofYear(parts, trend), ...ofYear(lasting, revenue)])
}

/** Usual revenue swings by 15 % in ten years; every other number follows. */
function trendOf ({ revenue, phase }: Traits, quarter: number): number {
  return revenue * Math.exp(0.15 * Math.sin(2 * Math.PI * quarter / 40 + phase))
}

/** From revenue to net income; interest is on the debt at the beginning. */
function earnedIn ({ symbol }: SampleListing, traits: Traits, quarter: number, { shortDebt, longDebt }: Parts) {
  const trend = trendOf(traits, quarter)
  const noise = (name: string, size: number) => between(`${symbol}:${name}:${quarter}`, -size, size)
  const revenue = toMillions(trend * traits.seasons[quarter % 4]! * (1 + noise('revenue', 0.015)))
  const cost = toMillions(revenue * (1 - traits.grossMargin - noise('cost', 0.01)))
  const research = toMillions(trend * traits.research)
  const selling = toMillions(trend * traits.selling)
  const operatingIncome = revenue - cost - research - selling
  const interest = toMillions((shortDebt + longDebt) * INTEREST_RATE / 4)
  const tax = toMillions((operatingIncome - interest) * traits.taxRate)
  const netIncome = operatingIncome - interest - tax
  return { revenue, cost, research, selling, operatingIncome, interest, tax, netIncome }
}

export type Books = ReturnType<typeof booksOf>

/** What one quarter brought, and what stood at its end. */
export function booksOf (listing: SampleListing, quarter: number) {
  const traits = traitsOf(listing)
  const trend = trendOf(traits, quarter)
  const before = positionOf(traits, trendOf(traits, quarter - 1))
  const position = positionOf(traits, trend)
  const grown = (name: keyof Parts) => position[name] - before[name]
  const earned = earnedIn(listing, traits, quarter, before)

  const depreciation = toMillions(before.plant * 0.03)
  const stockCompensation = toMillions(trend * 0.03)
  const operating = earned.netIncome + depreciation + stockCompensation -
    grown('receivables') - grown('inventory') + grown('payables')
  const capital = -(grown('plant') + depreciation)
  const investing = capital - grown('investments')
  const repaid = -toMillions(before.shortDebt / 2)
  const issued = grown('shortDebt') + grown('longDebt') - repaid
  const dividends = 0 - Math.round(payoutOf(listing, Math.floor(quarter / 4)) * sharesOf(listing))
  // Whatever is left beyond the cash to be kept goes to the owners.
  const repurchased = grown('cash') - operating - investing - issued - repaid - dividends
  const spent = { capital, investing, issued, repaid, dividends, repurchased }
  return { position, flows: { ...earned, depreciation, stockCompensation, operating, ...spent } }
}

export type Flows = Books['flows']

/** Several quarters as one. */
export function addFlows (books: readonly Books[]): Flows {
  const [first, ...rest] = books.map(({ flows }) => flows)
  return rest.reduce<Flows>((sum, flows) => {
    const entries = Object.entries(flows) as [keyof Flows, number][]
    return Object.fromEntries(entries.map(([name, value]) => [name, sum[name] + value])) as Flows
  }, first!)
}
