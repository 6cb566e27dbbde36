import type { Instrument } from '../../market/symbols.ts'
import { addDays, DAY_MS } from '../../market/time.ts'
import type {
  AnalystRatings, EtfHolding, IndexConstituent, InsiderTrade, InstitutionalHolder
} from '../../schemas/ownership.ts'
import {
  commonOf, malformed, toCaret, toDate, toDay, toFields, toNumber, toPrice, toRows, toText, type Fields
} from '../parse.ts'
import type { Answer, Capabilities, DayWindow } from '../types.ts'
import {
  assertAbout, isInside, newestFirst, noneKnown, partsOf, requestOf, startOfDay, toList, toOwnRows, type Fetch
} from './common.ts'
import { FINNHUB, fromUpstreamSymbol } from './normalise.ts'

type Trend = AnalystRatings['trend']
type Changes = AnalystRatings['changes']
type PriceTarget = AnalystRatings['price_target']

export const fetchAnalystRatings: Fetch<'analyst_ratings'> = async ({ instrument, limit }, call) => {
  const ask = (path: string) => call.request(requestOf(path, instrument))
  const [trend, target, changes] = await partsOf(
    ask('/stock/recommendation').then(body => toTrend(body, instrument)),
    ask('/stock/price-target').then(body => toPriceTarget(body, instrument)),
    ask('/stock/upgrade-downgrade').then(body => toChanges(body, instrument))
  )
  if (!trend?.length && !target?.price_target && !changes?.length) throw noneKnown('analyst ratings', instrument)
  return {
    data: {
      symbol: instrument.symbol,
      consensus: toConsensus(trend?.[0]),
      currency: null,
      price_target: target?.price_target ?? null,
      trend: trend ?? [],
      changes: changes?.slice(0, limit) ?? []
    },
    as_of: target?.as_of ?? null
  }
}

/** Newest first. @throws PROVIDER_MALFORMED */
export function toTrend (body: unknown, instrument: Instrument): Trend {
  return toOwnRows(body, instrument, 'recommendations').map(row => ({
    period: toDay(row.period),
    strong_buy: toNumber(row.strongBuy),
    buy: toNumber(row.buy),
    hold: toNumber(row.hold),
    sell: toNumber(row.sell),
    strong_sell: toNumber(row.strongSell)
  })).filter(({ period, ...counts }) => Object.values(counts).some(Boolean)).sort(newestFirst(({ period }) => period))
}

/** The opinion that most analysts share; null where two are as frequent. */
function toConsensus (counts: Trend[number] | undefined): string | null {
  if (!counts) return null
  const { period, ...opinions } = counts
  const [first, second] = Object.entries(opinions).sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
  return first && second && (first[1] ?? 0) > (second[1] ?? 0) ? first[0] : null
}

/** An unknown symbol has targets of zero: null. @throws PROVIDER_MALFORMED */
export function toPriceTarget (body: unknown, instrument: Instrument):
{ price_target: PriceTarget, as_of: string | null } {
  const fields = toFields(body)
  assertAbout(fields.symbol, instrument, 'the price target')
  const prices = {
    high: toPrice(fields.targetHigh),
    low: toPrice(fields.targetLow),
    mean: toPrice(fields.targetMean),
    median: toPrice(fields.targetMedian)
  }
  if (!Object.values(prices).some(Boolean)) return { price_target: null, as_of: null }
  return {
    price_target: { ...prices, analysts: toPrice(fields.numberAnalysts) },
    as_of: startOfDay(toDay(fields.lastUpdated))
  }
}

const ACTIONS = new Map<unknown, string>([
  ['up', 'upgrade'], ['down', 'downgrade'], ['main', 'maintain'], ['init', 'initiate'], ['reit', 'reiterate']
])

/** Newest first. @throws PROVIDER_MALFORMED */
export function toChanges (body: unknown, instrument: Instrument): Changes {
  return toOwnRows(body, instrument, 'changes of ratings').map(row => ({
    date: toDate(row.gradeTime)?.toISOString().slice(0, 10) ?? null,
    firm: toText(row.company),
    action: ACTIONS.get(row.action) ?? toText(row.action, 40)?.toLowerCase() ?? null,
    from: toText(row.fromGrade, 60),
    to: toText(row.toGrade, 60),
    price_target: null
  })).sort(newestFirst(({ date }) => date))
}

/** Rows from which an answer may have been cut. */
const TRADES_PAGE = 100
const MOST_CALLS = 40
/** Trades are filed some days later, and it is not said which of the two days a window is about. */
const DAYS_TO_FILE = 7

/** Days with more trades than a call answers are asked for in halves, the later one first, until there are enough. */
export const fetchInsiderTrades: Fetch<'insider_trades'> = async ({ instrument, from, to, limit }, call) => {
  const queue: DayWindow[] = [{ from, to: addDays(to, DAYS_TO_FILE) }]
  const found: { row: InsiderTrade, currency: string | null }[] = []
  for (let calls = 1; queue.length > 0 && calls <= MOST_CALLS && found.length < limit; calls++) {
    const window = queue.shift()!
    const body = await call.request(requestOf('/stock/insider-transactions', instrument, { ...window }, new Date(from), call.now))
    const days = (Date.parse(window.to) - Date.parse(window.from)) / DAY_MS
    if (toRows(toFields(body).data).length < TRADES_PAGE || days < 1) {
      const trades = toTrades(body, instrument)
      found.push(...trades.filter(({ row }) => isInside(row.transaction_date ?? row.filed_at, { from, to })))
      continue
    }
    const middle = addDays(window.from, Math.floor(days / 2))
    queue.unshift({ from: addDays(middle, 1), to: window.to }, { from: window.from, to: middle })
  }
  const newest = found.sort(newestFirst(({ row }) => row.transaction_date ?? row.filed_at)).slice(0, limit)
  return { data: newest.map(({ row }) => row), as_of: null, currency: commonOf(newest.map(({ currency }) => currency)) }
}

/** What the codes of SEC form 4 say; the others are "other". */
const TRADES: Record<string, string> = { P: 'buy', S: 'sell', A: 'award', M: 'exercise', F: 'tax', G: 'gift' }

/** @throws PROVIDER_MALFORMED, also for trades in another company */
export function toTrades (body: unknown, instrument: Instrument): { row: InsiderTrade, currency: string | null }[] {
  const { data, symbol } = toFields(body)
  assertAbout(symbol, instrument, 'insider trades')
  return toOwnRows(data, instrument, 'insider trades').map(row => {
    const code = toText(row.transactionCode, 10)?.toUpperCase() ?? null
    const [shares, price] = [toNumber(row.change), toPrice(row.transactionPrice)]
    return {
      currency: toText(row.currency, 10),
      row: {
        symbol: instrument.symbol,
        filed_at: toDay(row.filingDate),
        transaction_date: toDay(row.transactionDate),
        name: toText(row.name),
        role: null,
        code,
        type: code && (TRADES[code] ?? 'other'),
        shares,
        price,
        value: shares === null || price === null ? null : Math.round(Math.abs(shares) * price * 100) / 100,
        shares_after: toNumber(row.share),
        is_derivative: typeof row.isDerivative === 'boolean' ? row.isDerivative : null,
        url: null
      }
    }
  })
}

export const fetchInstitutionalHolders: Fetch<'institutional_holders'> = async ({ instrument, limit }, call) => {
  const body = await call.request(requestOf('/stock/ownership', instrument, { limit }))
  const data = toHolders(body, instrument)
  if (data.length === 0) throw noneKnown('institutional holders', instrument)
  return { data: data.slice(0, limit), as_of: null }
}

/** Largest first. @throws PROVIDER_MALFORMED */
export function toHolders (body: unknown, instrument: Instrument): InstitutionalHolder[] {
  const { ownership, symbol } = toFields(body)
  assertAbout(symbol, instrument, 'holders')
  return toOwnRows(ownership, instrument, 'holders').flatMap(row => {
    const holder = toText(row.name)
    if (holder === null) return []
    return {
      symbol: instrument.symbol,
      holder,
      shares: toNumber(row.share),
      change: toNumber(row.change),
      value: null,
      ownership_percent: null,
      // Named a filing's date, but these are the ends of quarters that forms 13F report.
      report_date: toDay(row.filingDate),
      filed_at: null
    }
  }).sort((a, b) => (b.shares ?? 0) - (a.shares ?? 0))
}

export const fetchEtfHoldings: Fetch<'etf_holdings'> = async ({ instrument, limit }, call) => {
  const body = await call.request(requestOf('/etf/holdings', instrument))
  const data = toHoldings(body, instrument)
  if (data.length === 0) throw noneKnown('holdings', instrument)
  return { data: data.slice(0, limit), as_of: startOfDay(toDay(toFields(body).atDate)) }
}

/** Largest first. @throws PROVIDER_MALFORMED, also for those of another fund */
export function toHoldings (body: unknown, instrument: Instrument): EtfHolding[] {
  const { holdings, symbol } = toFields(body)
  assertAbout(symbol, instrument, 'the holdings')
  return toList(holdings, 'holdings').map(row => ({
    symbol: toSymbol(row),
    name: toText(row.name),
    weight_percent: toNumber(row.percent),
    shares: toNumber(row.share),
    value: toNumber(row.value),
    isin: toText(row.isin, 20),
    cusip: toText(row.cusip, 20)
  }))
    .filter(({ symbol, name, isin, cusip }) => symbol ?? name ?? isin ?? cusip)
    .sort((a, b) => (b.weight_percent ?? 0) - (a.weight_percent ?? 0))
}

function toSymbol (row: Fields): string | null {
  const upstream = toText(row.symbol, 40)
  return upstream && fromUpstreamSymbol(upstream)
}

export const fetchIndexConstituents: Fetch<'index_constituents'> = async (input, call) => {
  const symbol = toCaret(input.index)
  return toMembers(await call.request({ path: '/index/constituents', query: { symbol } }), input)
}

/** Members with names where there are such, otherwise symbols. @throws PROVIDER_MALFORMED, also where there are none */
export function toMembers (body: unknown,
  { index, limit }: Capabilities['index_constituents']['input']): Answer<IndexConstituent[]> {
  const { symbol, constituents, constituentsBreakdown } = toFields(body)
  const named = toText(symbol, 40)
  if (named !== null && fromUpstreamSymbol(named) !== index) throw malformed(FINNHUB, `the members of ${index}`)
  const rows = toRows(constituentsBreakdown)
  const plain = Array.isArray(constituents) ? constituents.map(symbol => ({ symbol }) as Fields) : []
  const members = (rows.length > 0 ? rows : plain).flatMap(row => {
    const member = toSymbol(row)
    return member === null ? [] : { ...NO_FACTS, symbol: member, name: toText(row.name) }
  })
  if (members.length === 0) throw malformed(FINNHUB, `the members of ${index}`)
  return { data: members.slice(0, limit), as_of: null }
}

const NO_FACTS = { sector: null, industry: null, headquarters: null, date_added: null, cik: null }
