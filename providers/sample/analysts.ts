/** Made-up analysts: each speaks once a quarter, and what they say last makes counts, consensus and targets. */
import { tradingDayFrom } from '../../market/calendar.ts'
import { addDays } from '../../market/time.ts'
import type { AnalystRatings } from '../../schemas/ownership.ts'
import { closeOn } from './bars.ts'
import type { SampleListing } from './listings.ts'
import { quarterOf, quarterStart } from './quarters.ts'
import { FIRST_QUARTER } from './reports.ts'
import { between, fixed, unit } from './random.ts'

/** Best first. */
const GRADES = ['strong_buy', 'buy', 'hold', 'sell', 'strong_sell'] as const
type Grade = typeof GRADES[number]

const FIRMS = [
  'Sample Brothers', 'Example Securities', 'Placeholder Capital', 'Specimen & Co', 'Mockup Partners', 'Fictional Research',
  'Invented Equities', 'Imaginary Bank', 'Pretend Markets', 'Hypothetical Advisors'
]
const OPENS = '09:30'

interface Opinion { firm: string, quarter: number, day: string, grade: Grade }

function opinionOf ({ symbol }: SampleListing, firm: string, quarter: number): Opinion {
  const key = `${symbol}:${firm}`
  const day = tradingDayFrom(addDays(quarterStart(quarter), Math.floor(85 * unit(`${key}:day:${quarter}`))), 1)
  // A firm keeps its mind for three quarters.
  const era = Math.floor((quarter + Math.floor(3 * unit(key))) / 3)
  const mood = between(`${symbol}:mood`, 0.2, 1.8)
  const grade = GRADES[Math.max(0, Math.min(4, Math.round(mood + between(`${key}:era:${era}`, -1.2, 1.6))))]!
  return { firm, quarter, day, grade }
}

/** What each firm said last before a moment. */
function opinionsAt (listing: SampleListing, moment: string): Opinion[] {
  return FIRMS.flatMap(firm => {
    for (let quarter = quarterOf(moment); quarter >= FIRST_QUARTER; quarter--) {
      const opinion = opinionOf(listing, firm, quarter)
      if (`${opinion.day} ${OPENS}` <= moment) return [opinion]
    }
    return []
  })
}

/** What a firm thinks the share is worth in a year, from the close before. */
function targetOf (listing: SampleListing, { firm, quarter, day, grade }: Opinion): number {
  const hope = 0.16 - 0.08 * GRADES.indexOf(grade) + between(`${listing.symbol}:${firm}:target:${quarter}`, -0.05, 0.09)
  return Math.round(closeOn(listing, addDays(day, -1)) * (1 + hope))
}

function changesOf (listing: SampleListing, moment: string, limit: number): AnalystRatings['changes'] {
  const opinions: Opinion[] = []
  for (let quarter = quarterOf(moment); quarter >= FIRST_QUARTER && opinions.length < limit; quarter--) {
    opinions.push(...FIRMS.map(firm => opinionOf(listing, firm, quarter))
      .filter(({ day }) => `${day} ${OPENS}` <= moment)
      .sort((a, b) => a.day > b.day ? -1 : a.day < b.day ? 1 : 0))
  }
  return opinions.slice(0, limit).map(opinion => {
    const { firm, quarter, day, grade } = opinion
    const before = quarter > FIRST_QUARTER ? opinionOf(listing, firm, quarter - 1).grade : null
    const action = actionOf(before, grade)
    return { date: day, firm, action, from: before, to: grade, price_target: targetOf(listing, opinion) }
  })
}

function actionOf (before: Grade | null, grade: Grade): string {
  if (!before) return 'initiate'
  const step = GRADES.indexOf(before) - GRADES.indexOf(grade)
  return step > 0 ? 'upgrade' : step < 0 ? 'downgrade' : 'maintain'
}

function countOf (opinions: readonly Opinion[]): Record<Grade, number> {
  return Object.fromEntries(GRADES.map(grade =>
    [grade, opinions.filter(opinion => opinion.grade === grade).length])) as Record<Grade, number>
}

/** The last six months, newest first; the month that runs as it stands now. */
function trendOf (listing: SampleListing, moment: string): AnalystRatings['trend'] {
  const trend: AnalystRatings['trend'] = []
  let at = moment
  for (let i = 0; i < 6; i++) {
    const month = `${at.slice(0, 7)}-01`
    trend.push({ period: month, ...countOf(opinionsAt(listing, at)) })
    at = `${addDays(month, -1)} 23:59`
  }
  return trend
}

function targetsOf (targets: number[]): AnalystRatings['price_target'] {
  const sorted = targets.sort((a, b) => a - b)
  const middle = sorted.length / 2
  if (!sorted.length) return null
  return {
    high: sorted.at(-1)!,
    low: sorted[0]!,
    mean: fixed(sorted.reduce((a, b) => a + b) / sorted.length, 2),
    median: (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2,
    analysts: sorted.length
  }
}

export function ratingsOf (listing: SampleListing, moment: string, limit: number): AnalystRatings {
  const opinions = opinionsAt(listing, moment)
  const counts = countOf(opinions)
  return {
    symbol: listing.symbol,
    consensus: opinions.length ? GRADES.reduce((most, grade) => counts[grade] > counts[most] ? grade : most) : null,
    currency: listing.currency,
    price_target: targetsOf(opinions.map(opinion => targetOf(listing, opinion))),
    trend: trendOf(listing, moment),
    changes: changesOf(listing, moment, limit)
  }
}
