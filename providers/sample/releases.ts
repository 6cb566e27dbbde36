/** The economic calendar: when a series is told, and what of it. */
import { addDays, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type { EconomicEvent, EconomicIndicator } from '../../schemas/events.ts'
import { ECONOMY, MEETING_MONTHS, periodBefore, periodOf } from './economy.ts'
import { FIRST_DAY, laterOf } from './quarters.ts'
import { fixed, unit } from './random.ts'

interface Release {
  indicator: EconomicIndicator
  event: string
  impact: 'low' | 'medium' | 'high'
  /** What is told: the value, or how it differs from the period before. */
  measure: 'level' | 'change' | 'percent_change'
  digits: number
  /** How far off the estimates are, at most. */
  miss: number
}

function release (
  indicator: EconomicIndicator, event: string, impact: Release['impact'], measure: Release['measure'], digits: number, miss: number
): Release {
  return { indicator, event: `${event} (sample)`, impact, measure, digits, miss }
}

const RELEASES: readonly Release[] = [
  release('real_gdp', 'Real GDP QoQ', 'high', 'percent_change', 1, 0.3),
  release('cpi', 'CPI MoM', 'high', 'percent_change', 1, 0.1),
  release('inflation', 'CPI YoY', 'high', 'level', 1, 0.2),
  release('nonfarm_payrolls', 'Nonfarm Payrolls', 'high', 'change', 0, 50),
  release('unemployment_rate', 'Unemployment Rate', 'high', 'level', 1, 0.1),
  release('federal_funds_rate', 'Interest Rate Decision', 'high', 'level', 2, 0),
  release('initial_claims', 'Initial Jobless Claims', 'medium', 'level', 0, 9000),
  release('retail_sales', 'Retail Sales MoM', 'medium', 'percent_change', 1, 0.4),
  release('industrial_production', 'Industrial Production MoM', 'low', 'percent_change', 1, 0.3),
  release('durable_goods', 'Durable Goods Orders MoM', 'medium', 'percent_change', 1, 1),
  release('housing_starts', 'Housing Starts', 'low', 'level', 0, 60),
  release('consumer_sentiment', 'Consumer Sentiment', 'medium', 'level', 1, 2)
]

interface Scheduled { release: Release, date: string, day: string, moment: string }

/** What is told between two days, both included, earliest first. */
export function scheduleOf (from: string, to: string): Scheduled[] {
  return RELEASES.flatMap(release => scheduledOf(release, from, to))
    .sort((a, b) => a.moment < b.moment ? -1 : a.moment > b.moment ? 1 : 0)
}

function scheduledOf (release: Release, from: string, to: string): Scheduled[] {
  const { frequency, released, clock } = ECONOMY[release.indicator]
  const scheduled: Scheduled[] = []
  // The longest way from a period's first day to its release is a quarter and a month.
  const first = laterOf(addDays(laterOf(from, FIRST_DAY), -130), FIRST_DAY)
  for (let date = periodOf(frequency, to); date >= first; date = periodBefore(frequency, date)) {
    const day = released(date)
    const isTold = release.indicator !== 'federal_funds_rate' || MEETING_MONTHS.includes(Number(date.slice(5, 7)))
    if (isTold && day >= from && day <= to) scheduled.push({ release, date, day, moment: `${day} ${clock}` })
  }
  return scheduled
}

/** An estimate is known from the release before on. */
export function toEvent ({ release, date, moment }: Scheduled, now: string): EconomicEvent {
  const { indicator, measure, digits, miss } = release
  const { frequency, released, clock, unit: unitName } = ECONOMY[indicator]
  const actual = measureOf(release, date)
  const before = periodBefore(frequency, date)
  const isNext = `${released(before)} ${clock}` <= now
  return {
    time: toInstant(instantAt(moment, NEW_YORK)),
    country: 'US',
    event: release.event,
    impact: release.impact,
    actual: moment <= now ? actual : null,
    estimate: isNext ? fixed(actual + miss * (2 * unit(`${release.event}:${date}`) - 1), digits) : null,
    previous: isNext ? measureOf(release, before) : null,
    unit: measure === 'percent_change' ? 'percent' : unitName
  }
}

function measureOf ({ indicator, measure, digits }: Release, date: string): number {
  const { frequency, value } = ECONOMY[indicator]
  const [current, before] = [value(date) as number, value(periodBefore(frequency, date)) as number]
  if (measure === 'level') return fixed(current, digits)
  return fixed(measure === 'change' ? current - before : (current / before - 1) * 100, digits)
}
