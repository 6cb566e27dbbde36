import { NEW_YORK, wallClock } from '../../market/time.ts'
import {
  MATURITIES, type CorporateAction, type EconomicIndicator, type EconomicSeries, type Filing, type MarketHoliday
} from '../../schemas/events.ts'
import { commonOf, malformed, NO_ACTION, toDate, toDay, toNumber, toPrice, toRows, toText, toUrl, type Fields } from '../parse.ts'
import { planLine } from '../plan-line.ts'
import type { Answer, Capabilities, ProviderCall } from '../types.ts'
import { toCurrency, toUpstreamSymbol } from './normalise.ts'
import { assertAbout, fetchRows, MARKET, MAX_ROWS, notOffered } from './pages.ts'

const MAX_ACTIONS = 5000

/** Both kinds must answer: an empty list would say that there were no dividends, or no splits. */
export async function fetchCorporateActions (input: ActionsInput,
  call: ProviderCall): Promise<Answer<CorporateAction[]>> {
  const lists = await Promise.all([
    input.types.includes('dividend') ? fetchActions('dividends', 'ex_dividend_date', toDividend, input, call) : [],
    input.types.includes('split') ? fetchActions('splits', 'execution_date', toSplit, input, call) : []
  ])
  const data = lists.flat().sort((a, b) => a.ex_date! < b.ex_date! ? 1 : -1).slice(0, input.limit)
  const dividends = data.filter(({ type }) => type === 'dividend')
  return { data, as_of: null, currency: commonOf(dividends.map(({ currency }) => currency)) }
}

type ActionsInput = Capabilities['corporate_actions']['input']
type ReadAction = (row: Fields, symbol: string) => CorporateAction | null

function fetchActions (list: string, dateField: string, read: ReadAction, input: ActionsInput,
  call: ProviderCall): Promise<CorporateAction[]> {
  const { instrument, from, to, limit } = input
  const request = {
    path: `/stocks/v1/${list}`,
    query: {
      ticker: toUpstreamSymbol(instrument),
      [`${dateField}.gte`]: from,
      [`${dateField}.lte`]: to,
      sort: `${dateField}.desc`,
      limit: Math.min(limit, MAX_ACTIONS)
    },
    plan_line: planLine(instrument, new Date(from), call.now)
  }
  return fetchRows(request, row => {
    assertAbout(instrument, row.ticker)
    const action = read(row, instrument.symbol)
    return action?.ex_date && action.ex_date >= from && action.ex_date <= to ? action : null
  }, limit, call)
}

function toDividend (row: Fields, symbol: string): CorporateAction | null {
  const amount = toPrice(row.cash_amount)
  const kind = String(row.distribution_type)
  return amount === null
    ? null
    : {
        type: 'dividend',
        symbol,
        ex_date: toDay(row.ex_dividend_date),
        record_date: toDay(row.record_date),
        pay_date: toDay(row.pay_date),
        declaration_date: toDay(row.declaration_date),
        amount,
        currency: toCurrency(row.currency),
        frequency: toNumber(row.frequency),
        special: /^(special|supplemental)$/.test(kind) ? true : kind === 'recurring' ? false : null,
        split_from: null,
        split_to: null
      }
}

function toSplit (row: Fields, symbol: string): CorporateAction | null {
  const [from, to] = [toPrice(row.split_from), toPrice(row.split_to)]
  if (from === null || to === null) return null
  return { ...NO_ACTION, type: 'split', symbol, ex_date: toDay(row.execution_date), split_from: from, split_to: to }
}

interface Series { table: string, unit: string, read: (row: Fields) => Record<string, number | null> }

const column = (name: string) => (row: Fields) => ({ value: toNumber(row[name]) })

/** Expected inflation is what ten-year bonds price in: the break-even rate. */
const SERIES: Partial<Record<EconomicIndicator, Series>> = {
  cpi: { table: 'inflation', unit: 'index', read: column('cpi') },
  inflation: { table: 'inflation', unit: 'percent', read: column('cpi_year_over_year') },
  inflation_expectation: { table: 'inflation-expectations', unit: 'percent', read: column('market_10_year') },
  unemployment_rate: { table: 'labor-market', unit: 'percent', read: column('unemployment_rate') },
  treasury_rates: { table: 'treasury-yields', unit: 'percent', read: toCurve }
}

/** `10y` is in `yield_10_year`. */
function toCurve (row: Fields): Record<string, number | null> {
  return Object.fromEntries(MATURITIES.map(maturity => {
    const unit = maturity.endsWith('m') ? 'month' : 'year'
    return [maturity, toNumber(row[`yield_${maturity.slice(0, -1)}_${unit}`])]
  }))
}

export async function fetchEconomicIndicator (input: Capabilities['economic_indicator']['input'],
  call: ProviderCall): Promise<Answer<EconomicSeries>> {
  const { indicator, from, to, limit } = input
  const series = SERIES[indicator]
  if (!series) throw notOffered(`Polygon has no series of ${indicator}.`)
  const request = {
    path: `/fed/v1/${series.table}`,
    query: { 'date.gte': from, 'date.lte': to, sort: 'date.desc', limit: Math.min(limit, MAX_ROWS) },
    plan_line: planLine(MARKET, new Date(from), call.now)
  }
  const points = await fetchRows(request, row => {
    const date = toDay(row.date)
    const values = series.read(row)
    const isKnown = Object.values(values).some(value => value !== null)
    return date && isKnown && date >= from && date <= to ? { date, ...values } : null
  }, limit, call)
  const newest = points.sort((a, b) => a.date < b.date ? 1 : -1).slice(0, limit)
  return { data: { indicator, unit: series.unit, country: 'US', points: newest }, as_of: null }
}

export async function fetchFilings ({ instrument, from, to, form, limit }: Capabilities['filings']['input'],
  call: ProviderCall): Promise<Answer<Filing[]>> {
  const request = {
    path: '/stocks/filings/vX/index',
    query: {
      ticker: toUpstreamSymbol(instrument),
      form_type: form,
      'filing_date.gte': from,
      'filing_date.lte': to,
      sort: 'filing_date.desc',
      limit: Math.min(limit, MAX_ROWS)
    },
    plan_line: planLine(instrument, new Date(from), call.now)
  }
  const filings = await fetchRows(request, row => {
    assertAbout(instrument, row.ticker)
    const filing = toFiling(row, instrument.symbol)
    return filing.filed_at && filing.filed_at >= from && filing.filed_at <= to ? filing : null
  }, limit, call)
  const data = filings.sort((a, b) => a.filed_at! < b.filed_at! ? 1 : -1).slice(0, limit)
  return { data, as_of: null }
}

function toFiling (row: Fields, symbol: string): Filing {
  return {
    symbol,
    form: toText(row.form_type, 40),
    filed_at: toDay(row.filing_date),
    accepted_at: null,
    period_end: null,
    accession: toText(row.accession_number, 40),
    cik: toText(row.cik, 20),
    url: toUrl(row.filing_url)
  }
}

/** From today on; what lies before is not known here. */
export async function fetchMarketCalendar ({ from, to }: Capabilities['market_calendar']['input'],
  call: ProviderCall): Promise<Answer<MarketHoliday[]>> {
  const body = await call.request({ path: '/v1/marketstatus/upcoming' })
  if (!Array.isArray(body)) throw malformed('polygon', 'a list of holidays')
  const holidays = toRows(body).flatMap(row => row.exchange === 'NYSE' ? toHoliday(row) ?? [] : [])
  const byDate = new Map(holidays.map(holiday => [holiday.date, holiday]))
  const data = [...byDate.values()]
    .filter(({ date }) => date >= from && date <= to)
    .sort((a, b) => a.date < b.date ? -1 : 1)
  return { data, as_of: null }
}

function toHoliday (row: Fields): MarketHoliday | null {
  const date = toDay(row.date)
  const closed = row.status === 'closed'
  if (date === null || (!closed && row.status !== 'early-close')) return null
  const clockOf = (value: unknown) => {
    const at = toDate(value)
    return closed || !at ? null : wallClock(at, NEW_YORK).slice(11, 16)
  }
  const hours = { open: clockOf(row.open), close: clockOf(row.close) }
  return { date, name: toText(row.name), status: closed ? 'closed' : 'early_close', ...hours }
}
