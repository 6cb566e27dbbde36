import {
  ResourceNotFoundError,
  type CacheHint, type ReadResourceResult, type Resource, type ResourceTemplateType
} from '@modelcontextprotocol/server'
import { closingsOf, isTradingDay } from '../../market/calendar.ts'
import { EXCHANGES, EXCHANGES_AS_OF } from '../../market/exchanges.ts'
import { parseSymbol, type Instrument } from '../../market/symbols.ts'
import { addDays, NEW_YORK } from '../../market/time.ts'
import type { MarketHoliday } from '../../schemas/events.ts'
import { toCaller, type McpCall } from './call.ts'
import { describeInstrument } from './instrument.ts'
import type { Search } from './search.ts'

/** The exchange's rules were others before. */
export const FIRST_YEAR = 2000
export const LAST_YEAR = 2100
export const CALENDAR = 'market://calendar/{year}'
export const INSTRUMENT = 'market://instrument/{symbol}'

const mimeType = 'application/json'

export const RESOURCES: Resource[] = [{
  uri: 'market://exchanges',
  name: 'exchanges',
  title: 'Exchanges',
  description: 'The US exchanges and the main ones of the world: MIC, name, country, time zone, regular hours, what trades there.',
  mimeType
}]

export const TEMPLATES: ResourceTemplateType[] = [{
  uriTemplate: CALENDAR,
  name: 'calendar',
  title: 'US trading calendar',
  description: `Holidays and early closes of the US stock market in a year, ${FIRST_YEAR} to ${LAST_YEAR}.`,
  mimeType
}, {
  uriTemplate: INSTRUMENT,
  name: 'instrument',
  title: 'Instrument',
  description: 'What a symbol is: asset class, option terms, each provider\'s spelling of it, trading hours, name, exchange and currency.',
  mimeType
}]

const FACTS: CacheHint = { ttlMs: 86_400_000, cacheScope: 'public' }
const LISTING: CacheHint = { ttlMs: 300_000, cacheScope: 'private' }
const GAP: CacheHint = { ttlMs: 0, cacheScope: 'private' }

export interface Reading { result: ReadResourceResult, hint: CacheHint }

/** Makes the reader of all resources. It throws a ResourceNotFoundError that says what there is. */
export function createRead (search: Search): (uri: string, call: McpCall) => Promise<Reading> {
  return async (uri, call) => {
    const toReading = (body: object, hint: CacheHint): Reading =>
      ({ result: { contents: [{ uri, mimeType, text: JSON.stringify(body) }] }, hint })
    const [, kind, key] = /^market:\/\/(exchanges|calendar|instrument)(?:\/(.+))?$/s.exec(uri) ?? []
    if (kind === 'exchanges' && key === undefined) {
      return toReading({ as_of: EXCHANGES_AS_OF, exchanges: EXCHANGES }, FACTS)
    }
    if (kind === 'calendar' && key !== undefined) return toReading(calendarOf(readYear(uri, key)), FACTS)
    if (kind === 'instrument' && key !== undefined) {
      const { whole, body } = await describeInstrument(readInstrument(uri, key), search, toCaller(call))
      return toReading(body, whole ? LISTING : GAP)
    }
    const known = [...RESOURCES.map(resource => resource.uri), ...TEMPLATES.map(template => template.uriTemplate)]
    throw new ResourceNotFoundError(uri, `There is no such resource. There are ${known.join(', ')}.`)
  }
}

function readYear (uri: string, key: string): number {
  const year = Number(key)
  if (/^\d{4}$/.test(key) && year >= FIRST_YEAR && year <= LAST_YEAR) return year
  throw new ResourceNotFoundError(uri, `There is a calendar for each year from ${FIRST_YEAR} to ${LAST_YEAR}, such as market://calendar/2026.`)
}

/** A pair may come with its slash as it is, or percent-encoded. */
function readInstrument (uri: string, key: string): Instrument {
  let symbol: string
  try {
    symbol = decodeURIComponent(key)
  } catch {
    throw new ResourceNotFoundError(uri, 'The percent-encoding of the symbol cannot be read. Send for example market://instrument/BTC%2FUSD.')
  }
  try {
    return parseSymbol(symbol)
  } catch (error) {
    throw new ResourceNotFoundError(uri, (error as Error).message)
  }
}

function calendarOf (year: number): object {
  const closings: MarketHoliday[] = closingsOf(year).map(({ day, name, kind }) => kind === 'closed'
    ? { date: day, name, status: kind, open: null, close: null }
    : { date: day, name, status: kind, open: '09:30', close: '13:00' })
  return {
    year,
    market: 'US stocks',
    time_zone: NEW_YORK,
    regular_hours: '09:30-16:00',
    trading_days: countTradingDays(year),
    closings,
    note: 'Computed from the exchange\'s rules. Not in it: closings decreed at short notice, and early closes outside the rules.'
  }
}

function countTradingDays (year: number): number {
  let count = 0
  for (let day = `${year}-01-01`; day <= `${year}-12-31`; day = addDays(day, 1)) if (isTradingDay(day)) count++
  return count
}
