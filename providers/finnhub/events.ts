import { isProblem } from '../../errors.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type {
  ActionKind, CorporateAction, EconomicEvent, EconomicIndicator, EconomicSeries, Filing, MarketHoliday
} from '../../schemas/events.ts'
import { commonOf, malformed, newestOf, NO_ACTION, toDay, toFields, toNumber, toPrice, toText, toUrl } from '../parse.ts'
import type { Capabilities, DayWindow, ProviderCall } from '../types.ts'
import {
  isInside, newestFirst, notEntitled, planLineOfPast, requestOf, toList, toOwnRows, type Fetch
} from './common.ts'
import { FINNHUB } from './normalise.ts'

type ActionsInput = Capabilities['corporate_actions']['input']

/** One kind that is refused refuses all: a list without it would say that there are none. */
export const fetchCorporateActions: Fetch<'corporate_actions'> = async (input, call) => {
  const kinds = [...new Set(input.types)]
  const lists = await Promise.all(kinds.map(kind => actionsOf(kind, input, call)))
  const data = lists.flat().sort(newestFirst(row => row.ex_date)).slice(0, input.limit)
  return { data, as_of: null, currency: commonOf(data.flatMap(({ type, currency }) => type === 'dividend' ? currency : [])) }
}

async function actionsOf (kind: ActionKind, { instrument, from, to }: ActionsInput, call: ProviderCall) {
  const request = requestOf(`/stock/${kind}`, instrument, { from, to }, new Date(from), call.now)
  const body = await call.request(request)
  const rows = kind === 'dividend' ? toDividends(body, instrument) : toSplits(body, instrument)
  return rows.filter(({ ex_date: day }) => isInside(day, { from, to }))
}

/** Payouts a year, by Finnhub's number for it; 4 is "other", 6 is "trimesterly". */
const FREQUENCIES = new Map([[0, 1], [1, 12], [2, 4], [3, 2], [5, 6], [7, 52]])

export function toDividends (body: unknown, instrument: Instrument): CorporateAction[] {
  return toOwnRows(body, instrument, 'dividends').map(row => ({
    ...NO_ACTION,
    type: 'dividend',
    symbol: instrument.symbol,
    ex_date: toDay(row.date),
    record_date: toDay(row.recordDate),
    pay_date: toDay(row.payDate),
    declaration_date: toDay(row.declarationDate),
    amount: toPrice(row.amount),
    currency: toText(row.currency, 10),
    frequency: FREQUENCIES.get(toNumber(row.freq) ?? NaN) ?? null
  }))
}

export function toSplits (body: unknown, instrument: Instrument): CorporateAction[] {
  return toOwnRows(body, instrument, 'splits').map(row => ({
    ...NO_ACTION,
    type: 'split',
    symbol: instrument.symbol,
    ex_date: toDay(row.date),
    split_from: toPrice(row.fromFactor),
    split_to: toPrice(row.toFactor)
  }))
}

export const fetchEconomicCalendar: Fetch<'economic_calendar'> = async ({ from, to, country, limit }, call) => {
  const window = { from, to }
  const line = planLineOfPast(window, call.now)
  const events = toEvents(await call.request({ path: '/calendar/economic', query: window, plan_line: line }))
  const data = events
    .filter(event => isInside(event.time.slice(0, 10), window))
    .filter(event => !country || event.country === country.toUpperCase())
    .sort((a, b) => a.time < b.time ? -1 : a.time > b.time ? 1 : 0)
    .slice(0, limit)
  return { data, as_of: null }
}

/** Releases; their zoneless times are UTC. @throws PROVIDER_MALFORMED */
export function toEvents (body: unknown): EconomicEvent[] {
  return toList(toFields(body).economicCalendar, 'economic releases').flatMap(row => {
    const event = toText(row.event)
    const stamp = typeof row.time === 'string' ? row.time.trim().replace(' ', 'T') : ''
    const at = /^\d{4}-\d{2}-\d{2}(T[\d:]+)?$/.test(stamp) ? Date.parse(stamp.length === 10 ? stamp : `${stamp}Z`) : NaN
    if (event === null || Number.isNaN(at)) return []
    const impact = toText(row.impact, 10)?.toLowerCase() ?? ''
    return {
      time: toInstant(at),
      country: toCountry(row.country),
      event,
      impact: ['low', 'medium', 'high'].includes(impact) ? impact : null,
      actual: toNumber(row.actual),
      estimate: toNumber(row.estimate),
      previous: toNumber(row.prev),
      unit: toText(row.unit, 20)
    }
  })
}

function toCountry (value: unknown): string | null {
  const code = toText(value, 10)?.toUpperCase() ?? ''
  return code === 'UK' ? 'GB' : /^[A-Z]{2}$/.test(code) ? code : null
}

/**
 * Codes of US series, a country and the name of a series in decimal ASCII, and the unit where the name fixes it. Series
 * that Finnhub has in another measure only are absent: payrolls and retail sales as changes, for example.
 */
const SERIES: Partial<Record<EconomicIndicator, { code: string, unit?: string }>> = {
  real_gdp: { code: 'MA-USA-716780' },
  cpi: { code: 'MA-USA-678073', unit: 'index' },
  inflation: { code: 'MA-USA-67807367', unit: 'percent' },
  unemployment_rate: { code: 'MA-USA-857882', unit: 'percent' },
  initial_claims: { code: 'MA-USA-74677677' },
  federal_funds_rate: { code: 'MA-USA-7382', unit: 'percent' },
  housing_starts: { code: 'MA-USA-72838484' },
  consumer_sentiment: { code: 'MA-USA-67786778', unit: 'index' }
}

export const fetchEconomicIndicator: Fetch<'economic_indicator'> = async ({ indicator, from, to, limit }, call) => {
  const series = SERIES[indicator]
  if (!series) throw notEntitled(`Finnhub has no series of ${indicator} that is known here. Ask another provider.`)
  const [body, unit] = await Promise.all([
    call.request({ path: '/economic', query: { code: series.code } }),
    series.unit ?? unitOf(series.code, call)
  ])
  const points = toPoints(body, series.code)
  if (points.length === 0) throw notEntitled(`Finnhub has no numbers of ${indicator}. Ask another provider.`)
  const inside = points.filter(({ date }) => isInside(date, { from, to })).sort(newestFirst(({ date }) => date))
  return { data: { indicator, unit, country: 'US', points: inside.slice(0, limit) }, as_of: null }
}

/** Null where it cannot be had: numbers are worth having without. */
async function unitOf (code: string, call: ProviderCall): Promise<string | null> {
  try {
    return toUnit(await call.request({ path: '/economic/code' }), code)
  } catch (error) {
    if (isProblem(error)) return null
    throw error
  }
}

/** The unit of a code in the list of them; null where it is not in there. */
export function toUnit (body: unknown, code: string): string | null {
  const row = toList(body, 'economic codes').find(row => row.code === code)
  const unit = toText(row?.unit, 30)
  return unit === '%' ? 'percent' : unit
}

export function toPoints (body: unknown, code: string): EconomicSeries['points'] {
  const fields = toFields(body)
  if (toText(fields.code) !== null && fields.code !== code) throw malformed(FINNHUB, `numbers of ${code}`)
  return toList(fields.data, 'numbers').flatMap(row => {
    const date = toDay(row.date)
    return date === null ? [] : { date, value: toNumber(row.value) }
  })
}

/** Whole years of holidays are listed, some back and one ahead; of others it is not known whether they have any. */
export const fetchMarketCalendar: Fetch<'market_calendar'> = async ({ from, to }, call) => {
  const body = await call.request({ path: '/stock/market-holiday', query: { exchange: 'US' } })
  const days = toHolidays(body)
  const [first, last] = [days[0], days.at(-1)]
  if (!first || !last) throw malformed(FINNHUB, 'a list of holidays')
  const years = [first, last].map(({ date }) => date.slice(0, 4)) as [string, string]
  if (from.slice(0, 4) < years[0] || to.slice(0, 4) > years[1]) {
    throw notEntitled(`Finnhub lists holidays of ${years[0]} to ${years[1]} only. Ask for days in these years, or another provider.`)
  }
  return { data: days.filter(({ date }) => isInside(date, { from, to })), as_of: null }
}

/** Earliest first. @throws PROVIDER_MALFORMED, also for those of another exchange */
export function toHolidays (body: unknown): MarketHoliday[] {
  const { data, exchange } = toFields(body)
  if ((toText(exchange) ?? 'US') !== 'US') throw malformed(FINNHUB, 'the holidays of the US')
  return toList(data, 'holidays').flatMap(row => {
    const date = toDay(row.atDate)
    if (date === null) return []
    const hours = toText(row.tradingHour, 20)
    const [, open = null, close = null] = /^(\d{2}:\d{2})-(\d{2}:\d{2})$/.exec(hours ?? '') ?? []
    const status = hours === null ? 'closed' as const : 'early_close' as const
    return { date, name: toText(row.eventName), status, open, close }
  }).sort((a, b) => a.date < b.date ? -1 : 1)
}

/** A full page may have been cut: it is the latest filings of its days. */
const FILINGS_PAGE = 250
const MOST_PAGES = 40

export const fetchFilings: Fetch<'filings'> = async ({ instrument, form, from, to, limit }, call) => {
  const found = new Map<string, Filing>()
  let last = to
  for (let page = 1; last >= from && page <= MOST_PAGES && found.size < limit; page++) {
    const query = { form, from, to: last }
    const body = await call.request(requestOf('/stock/filings', instrument, query, new Date(from), call.now))
    const rows = toFilings(body, instrument)
    for (const row of rows) if (isWanted(row, form, { from, to })) found.set(row.accession ?? JSON.stringify(row), row)
    const oldest = rows.flatMap(row => row.filed_at ?? []).sort()[0]
    if (toList(body, 'filings').length < FILINGS_PAGE || !oldest) break
    // The oldest day may be on the next page too; one day that fills a page is left behind.
    last = oldest < last ? oldest : addDays(last, -1)
  }
  const data = [...found.values()].sort(newestFirst(row => row.accepted_at ?? row.filed_at)).slice(0, limit)
  return { data, as_of: newestOf(data.map(row => row.accepted_at)) }
}

function isWanted (row: Filing, form: string | undefined, window: DayWindow): boolean {
  return isInside(row.filed_at, window) && (!form || row.form?.toUpperCase() === form.toUpperCase())
}

/** Their times are those of New York, where the SEC receives them. @throws PROVIDER_MALFORMED */
export function toFilings (body: unknown, instrument: Instrument): Filing[] {
  return toOwnRows(body, instrument, 'filings').map(row => {
    const accepted = toText(row.acceptedDate, 30) ?? ''
    return {
      symbol: instrument.symbol,
      form: toText(row.form, 30),
      filed_at: toDay(row.filedDate),
      accepted_at: /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(accepted) ? toInstant(instantAt(accepted, NEW_YORK)) : null,
      period_end: null,
      accession: toText(row.accessNumber, 30),
      cik: toText(row.cik, 20)?.padStart(10, '0') ?? null,
      url: toUrl(row.reportUrl) ?? toUrl(row.filingUrl)
    }
  })
}
