/** What a company files: its statements, the news of its earnings and its insiders' trades. */
import { instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type { Filing } from '../../schemas/events.ts'
import type { DayWindow } from '../types.ts'
import { FORM_4_AT, tradesOf } from './insiders.ts'
import type { SampleListing } from './listings.ts'
import { FIRST_DAY, earlierOf, laterOf, quarterEnd, quarterOf } from './quarters.ts'
import { accessionOf, FILED_AT, filedOn, filingUrl, FIRST_QUARTER, reportOf } from './reports.ts'

interface Paper {
  form: string
  day: string
  /** New York's wall clock. */
  clock: string
  period: string
  /** What tells it from the company's other papers of the day. */
  key: string
}

/** Filed in the window and before a moment, newest first. */
export function filingsOf (listing: SampleListing, window: DayWindow, moment: string, form?: string): Filing[] {
  const from = laterOf(window.from, FIRST_DAY)
  const to = earlierOf(window.to, moment.slice(0, 10))
  if (from > to) return []
  return [...reportsOf(listing, from, to), ...ownershipOf(listing, from, to)]
    .filter(paper => paper.day >= from && paper.day <= to && `${paper.day} ${paper.clock}` <= moment)
    .filter(paper => !form || paper.form === form.toUpperCase())
    .sort((a, b) => `${a.day} ${a.clock}` > `${b.day} ${b.clock}` ? -1 : 1)
    .map(paper => toFiling(listing, paper))
}

function reportsOf (listing: SampleListing, from: string, to: string): Paper[] {
  const papers: Paper[] = []
  for (let quarter = Math.max(FIRST_QUARTER, quarterOf(from) - 1); quarter < quarterOf(to); quarter++) {
    const { day, moment } = reportOf(listing, quarter)
    const form = quarter % 4 === 3 ? '10-K' : '10-Q'
    papers.push({ form: '8-K', day, clock: moment.slice(11), period: day, key: '8-K' })
    papers.push({ form, day: filedOn(listing, quarter), clock: FILED_AT, period: quarterEnd(quarter), key: form })
  }
  return papers
}

/** One form 4 for all that a person did on a day. */
function ownershipOf (listing: SampleListing, from: string, to: string): Paper[] {
  const papers = new Map<string, Paper>()
  for (let year = Number(from.slice(0, 4)) - 1; year <= Number(to.slice(0, 4)); year++) {
    for (const { person, day, filed } of tradesOf(listing, year)) {
      papers.set(`${person}:${filed}`, { form: '4', day: filed, clock: FORM_4_AT, period: day, key: person })
    }
  }
  return [...papers.values()]
}

const toFiling = (listing: SampleListing, { form, day, clock, period, key }: Paper): Filing => ({
  symbol: listing.symbol,
  form,
  filed_at: day,
  accepted_at: toInstant(instantAt(`${day} ${clock}`, NEW_YORK)),
  period_end: period,
  accession: accessionOf(listing, day, key),
  cik: null,
  url: filingUrl(listing, day, key)
})
