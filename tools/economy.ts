import { Type } from 'typebox'
import { addDays } from '../market/time.ts'
import { daysOf, type DayRules } from '../market/window.ts'
import { EconomicEventSchema, INDICATORS, MATURITIES, type EconomicIndicator } from '../schemas/events.ts'
import { Nullable } from '../schemas/market.ts'
import { HOUR, MINUTE } from './freshness.ts'
import { DAYS, WindowSchema } from './inputs.ts'
import { defineList } from './list.ts'
import { MAX_ROWS } from './page.ts'
import { receiptOf } from './receipt.ts'

const IMPACTS = ['low', 'medium', 'high']

/** Providers cut wider windows without a word. */
const RELEASE_DAYS: DayRules = { usual: today => ({ from: today, to: addDays(today, 7) }), most: 90 }

export const getEconomicCalendar = defineList({
  name: 'get_economic_calendar',
  title: 'Economic calendar',
  description: 'Releases of economic data, with estimate, previous and actual value: the next 7 days, or from start to end (at most 90 days), earliest first. ' +
    '`impact` is the least. For a series use get_economic_indicator.',
  input: {
    start: Type.Optional(Type.String({ examples: ['2026-11-20'] })),
    end: DAYS.end,
    country: Type.Optional(Type.String({ pattern: '^[A-Za-z]{2}$', examples: ['US'] })),
    impact: Type.Optional(Type.Enum(['low', 'medium', 'high']))
  },
  capability: 'economic_calendar',
  key: 'events',
  row: EconomicEventSchema,
  header: { ...WindowSchema, country: Type.Optional(Type.String()) },
  limit: { usual: 50 },
  untrusted: ['event'],
  ttl: () => 15 * MINUTE,
  async fetch ({ country, impact, ...days }, call) {
    const window = daysOf(days, RELEASE_DAYS, call.now)
    const wanted = country ? { country: country.toUpperCase() } : {}
    // Those asked for may stand anywhere in the window.
    const answer = await call.route.one('economic_calendar', { ...window, ...wanted, limit: impact ? MAX_ROWS : call.reach }, call)
    const rows = impact
      ? answer.data.filter(event => IMPACTS.indexOf(event.impact ?? '') >= IMPACTS.indexOf(impact))
      : answer.data
    return { data: { rows, header: { ...window, ...wanted } }, meta: receiptOf(answer) }
  }
})

const number = Type.Optional(Nullable(Type.Number()))
const columnsOf = (indicator: EconomicIndicator) => ['date', ...(indicator === 'treasury_rates' ? MATURITIES : ['value'])]

/** Five years, leap days included. */
const FIVE_YEARS: DayRules = { usual: today => ({ from: addDays(today, -1827), to: today }) }

export const getEconomicIndicator = defineList({
  name: 'get_economic_indicator',
  title: 'Economic indicator',
  description: 'One US economic series, newest first; the last 5 years unless start and end say otherwise. Rates are in percent; treasury_rates has a column a maturity. ' +
    'For coming releases use get_economic_calendar.',
  input: { indicator: Type.Enum([...INDICATORS], { examples: ['cpi'] }), ...DAYS },
  capability: 'economic_indicator',
  key: 'points',
  row: Type.Object({ date: Type.String(), ...Object.fromEntries(['value', ...MATURITIES].map(name => [name, number])) }),
  header: {
    indicator: Type.Enum([...INDICATORS]), unit: Nullable(Type.String()), country: Type.String(), ...WindowSchema
  },
  columns: ({ indicator }) => columnsOf(indicator),
  limit: { usual: 60 },
  ttl: () => 6 * HOUR,
  async fetch ({ indicator, ...days }, call) {
    const window = daysOf(days, FIVE_YEARS, call.now)
    const answer = await call.route.one('economic_indicator', { indicator, ...window, limit: call.reach }, call)
    const { points, unit, country } = answer.data
    return { data: { rows: points, header: { indicator, unit, country, ...window } }, meta: receiptOf(answer) }
  }
})
