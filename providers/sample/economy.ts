/** A made-up economy: each series is a function of its period, which its first day names (of a week, its last). */
import { tradingDayFrom } from '../../market/calendar.ts'
import { addDays, monthOf, weekdayOf } from '../../market/time.ts'
import { MATURITIES, type EconomicIndicator } from '../../schemas/events.ts'
import { quarterOf, quarterStart } from './quarters.ts'
import { fixed, unit } from './random.ts'

export type Frequency = 'quarter' | 'month' | 'saturday' | 'thursday' | 'day'

export interface Series {
  unit: string
  frequency: Frequency
  /** The value of a period; of a curve, by maturity. */
  value: (date: string) => number | Record<string, number>
  /** The day on which a period's value is released, and New York's wall clock then. */
  released: (date: string) => string
  clock: string
}

/** The period of a day, or the last one before it. */
export function periodOf (frequency: Frequency, day: string): string {
  if (frequency === 'quarter') return quarterStart(quarterOf(day))
  if (frequency === 'month') return monthOf(day)
  if (frequency === 'day') return tradingDayFrom(day, -1)
  return addDays(day, -((weekdayOf(day) - (frequency === 'saturday' ? 6 : 4) + 7) % 7))
}

export const periodBefore = (frequency: Frequency, date: string) => periodOf(frequency, addDays(date, -1))

const yearsOf = (date: string) => (Date.parse(date) - Date.parse('2020-01-01')) / (365.25 * 86_400_000)
const nextMonth = (date: string) => monthOf(addDays(monthOf(date), 32))

function monthsAfter (date: string, count: number): string {
  let month = date
  for (let i = 0; i < count; i++) month = nextMonth(month)
  return month
}

/** From a level: a trend a year, a wave of so many years, and noise; trend, wave and noise as fractions of it. */
const path = (
  name: string, level: number, digits: number, parts: { trend?: number, wave?: number, years?: number, noise?: number }
) => (date: string) => {
  const { trend = 0, wave = 0, years = 7, noise = 0 } = parts
  const angle = 2 * Math.PI * (yearsOf(date) / years + unit(`economy:${name}`))
  const chance = noise * (2 * unit(`economy:${name}:${date}`) - 1)
  return fixed(level * Math.exp(trend * yearsOf(date) + wave * Math.sin(angle) + chance), digits)
}

const prices = path('cpi', 258, 3, { trend: 0.025, wave: 0.012, years: 6, noise: 0.0006 })
const realOutput = path('real_gdp', 20_000, 1, { trend: 0.021, wave: 0.012, noise: 0.001 })
const longRate = path('long_rate', 4.1, 4, { wave: 0.15, years: 11 })
const dailyMove = path('yields', 1, 4, { wave: 0.015, years: 0.3, noise: 0.004 })

function inflation (date: string): number {
  return fixed((prices(date) / prices(`${Number(date.slice(0, 4)) - 1}${date.slice(4)}`) - 1) * 100, 2)
}

/** Months in which the central bank meets, on the third Wednesday. */
export const MEETING_MONTHS = [1, 3, 5, 6, 7, 9, 11, 12]
const target = path('target', 3, 4, { wave: 0.5, years: 9 })

/** In steps of a quarter, and the same from one meeting to the next. */
function fundsRate (date: string): number {
  let month = monthOf(date)
  while (!MEETING_MONTHS.includes(Number(month.slice(5, 7)))) month = periodBefore('month', month)
  return Math.round(target(month) * 4) / 4
}

function yearsOfMaturity (name: string): number {
  return name.endsWith('m') ? Number(name.slice(0, -1)) / 12 : Number(name.slice(0, -1))
}

/** Treasury yields in percent: from the central bank's rate at the short end to one of its own at the long end. */
export function curveOf (date: string): Record<typeof MATURITIES[number], number> {
  const [short, long, move] = [fundsRate(date), longRate(date), dailyMove(date)]
  return Object.fromEntries(MATURITIES.map(name =>
    [name, fixed((long + (short - long) * Math.exp(-yearsOfMaturity(name) / 2.5)) * move, 2)]
  )) as Record<typeof MATURITIES[number], number>
}

const mortgage = (spread: number) => (date: string) => fixed(curveOf(date)['10y'] + spread, 2)

/** The nth weekday of a month; 0 is Sunday. */
function nthOf (month: string, weekday: number, n: number): string {
  return addDays(month, (weekday - weekdayOf(month) + 7) % 7 + (n - 1) * 7)
}

const onDay = (day: number, after = 1) => (date: string) =>
  tradingDayFrom(addDays(monthsAfter(date, after), day - 1), 1)
const firstFriday = (date: string) => tradingDayFrom(nthOf(nextMonth(date), 5, 1), 1)
const meetingDay = (date: string) => nthOf(date, 3, 3)

const monthly = (unitName: string, value: Series['value'], released: Series['released'], clock = '08:30'): Series =>
  ({ unit: unitName, frequency: 'month', value, released, clock })
const percent = (...rest: [Series['value'], Series['released'], clock?: string]) => monthly('percent', ...rest)
const quarterly = (unitName: string, value: Series['value']): Series =>
  ({ unit: unitName, frequency: 'quarter', value, released: onDay(28, 3), clock: '08:30' })
const mortgageSeries = (spread: number): Series =>
  ({ unit: 'percent', frequency: 'thursday', value: mortgage(spread), released: date => tradingDayFrom(date, -1), clock: '12:00' })

export const ECONOMY: Record<EconomicIndicator, Series> = {
  gdp: quarterly('USD bn', date => fixed(realOutput(date) * prices(date) / 258, 1)),
  real_gdp: quarterly('USD bn', realOutput),
  cpi: monthly('index', prices, onDay(12)),
  inflation: percent(inflation, onDay(12)),
  inflation_expectation: percent(path('expectation', 2.3, 2, { wave: 0.12, years: 5, noise: 0.01 }), onDay(2), '10:00'),
  unemployment_rate: percent(path('unemployment', 4.6, 1, { wave: 0.22, years: 9, noise: 0.015 }), firstFriday),
  nonfarm_payrolls: monthly('thousands', path('payrolls', 152_000, 0, { trend: 0.01, wave: 0.01, noise: 0.0003 }), firstFriday),
  initial_claims: {
    unit: 'persons',
    frequency: 'saturday',
    value: date => Math.round(path('claims', 225, 0, { wave: 0.12, years: 5, noise: 0.03 })(date)) * 1000,
    released: date => tradingDayFrom(addDays(date, 5), -1),
    clock: '08:30'
  },
  federal_funds_rate: percent(fundsRate, meetingDay, '14:00'),
  retail_sales: monthly('USD bn', path('retail', 600, 1, { trend: 0.03, wave: 0.02, noise: 0.004 }), onDay(15)),
  industrial_production: monthly('index', path('industry', 102, 2, { wave: 0.03, noise: 0.003 }), onDay(16), '09:15'),
  durable_goods: monthly('USD bn', path('durables', 270, 1, { trend: 0.015, wave: 0.04, noise: 0.015 }), onDay(26)),
  housing_starts: monthly('thousands', path('housing', 1400, 0, { wave: 0.12, years: 8, noise: 0.04 }), onDay(18)),
  consumer_sentiment: monthly('index', path('sentiment', 80, 1, { wave: 0.15, years: 5, noise: 0.02 }), onDay(25, 0), '10:00'),
  recession_probability: percent(path('recession', 8, 2, { wave: 0.9, years: 8, noise: 0.05 }), onDay(1), '09:00'),
  mortgage_rate_15y: mortgageSeries(1),
  mortgage_rate_30y: mortgageSeries(1.75),
  treasury_rates: { unit: 'percent', frequency: 'day', value: curveOf, released: date => date, clock: '15:30' }
}
