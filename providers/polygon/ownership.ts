import { isProblem, type Problem } from '../../errors.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, dayIn, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type { AnalystRatings, EtfHolding, InsiderTrade } from '../../schemas/ownership.ts'
import { commonOf, newestOf, toDay, type Fields } from '../parse.ts'
import { planLine } from '../plan-line.ts'
import type { Answer, Capabilities, ProviderCall } from '../types.ts'
import { toCurrencyOf, toResults, toUpstreamSymbol } from './normalise.ts'
import {
  toConsensus, toHolding, toInsiderTrade, toRatingChange, withoutCorrected, type Consensus, type Form4Row,
  type RatingChange
} from './ownership-normalise.ts'
import { assertAbout, fetchRows, knowsNo, MAX_ROWS, pagesOf } from './pages.ts'

/** Targets of longer ago are not what analysts think now; without a window, all ever published are counted. */
const CONSENSUS_DAYS = 365
const MAX_HOLDINGS = 5000
/** Filings carry footnotes: more rows would make a body too large. */
const MAX_FILED_TRADES = 1000
/** A trade is to be filed within two business days; so late at most is one looked for. */
const LATE_FILING_DAYS = 45

/** Consensus and single changes: either answers without the other. */
export async function fetchAnalystRatings ({ instrument, limit }: Capabilities['analyst_ratings']['input'],
  call: ProviderCall): Promise<Answer<AnalystRatings>> {
  const [consensus, changes] = await Promise.all([
    orProblem(fetchConsensus(instrument, call)),
    orProblem(fetchChanges(instrument, limit, call))
  ])
  const known = isProblem(consensus) ? null : consensus
  const rows = isProblem(changes) ? [] : changes
  if (known === null && rows.length === 0) {
    throw [consensus, changes].find(isProblem) ?? knowsNo('analyst ratings', instrument)
  }
  const currencies = rows.flatMap(({ currency }) => currency ?? [])
  const currency = currencies.length > 0 ? commonOf(currencies) : toCurrencyOf(instrument)
  return {
    data: {
      symbol: instrument.symbol,
      consensus: known?.consensus ?? null,
      currency,
      price_target: known?.price_target ?? null,
      trend: known ? known.trend : [],
      changes: rows.map(({ change }) => change)
    },
    as_of: newestOf(rows.map(({ as_of: at }) => at)),
    currency
  }
}

/** A problem of the table as a value; anything else, such as the caller's abort, is thrown on. */
function orProblem<T> (answer: Promise<T>): Promise<T | Problem> {
  return answer.catch(error => {
    if (!isProblem(error)) throw error
    return error
  })
}

async function fetchConsensus (instrument: Instrument, call: ProviderCall): Promise<Consensus | null> {
  const today = dayIn(NEW_YORK, call.now)
  const body = await call.request({
    path: `/benzinga/v1/consensus-ratings/${encodeURIComponent(toUpstreamSymbol(instrument))}`,
    query: { 'date.gte': addDays(today, -CONSENSUS_DAYS) },
    plan_line: planLine(instrument)
  })
  const [row] = toResults(body)
  assertAbout(instrument, row?.ticker)
  return row ? toConsensus(row, today) : null
}

async function fetchChanges (instrument: Instrument, limit: number, call: ProviderCall): Promise<RatingChange[]> {
  const request = {
    path: '/benzinga/v1/ratings',
    query: { ticker: toUpstreamSymbol(instrument), sort: 'date.desc', limit: Math.min(limit, MAX_ROWS) },
    plan_line: planLine(instrument)
  }
  const rows = await fetchRows(request, row => {
    assertAbout(instrument, row.ticker)
    return toRatingChange(row)
  }, limit, call)
  return rows.sort((a, b) => a.change.date! < b.change.date! ? 1 : -1).slice(0, limit)
}

/** Polygon knows when a trade was filed; the window is that of the trades. */
export async function fetchInsiderTrades ({ instrument, from, to, limit }: Capabilities['insider_trades']['input'],
  call: ProviderCall): Promise<Answer<InsiderTrade[]>> {
  const request = {
    path: '/stocks/filings/vX/form-4',
    query: {
      tickers: toUpstreamSymbol(instrument),
      'filing_date.gte': from,
      'filing_date.lte': addDays(to, LATE_FILING_DAYS),
      sort: 'filing_date.desc',
      // Twice as many: holdings are among them, which are no trades.
      limit: Math.min(Math.max(limit * 2, 100), MAX_FILED_TRADES)
    },
    plan_line: planLine(instrument, new Date(from), call.now)
  }
  const rows = await fetchRows<Form4Row>(request, row => {
    assertAbout(instrument, row.tickers)
    const filed = toInsiderTrade(row, instrument.symbol)
    const day = filed?.trade.transaction_date
    return filed && day && day >= from && day <= to ? filed : null
  }, limit, call)
  const data = withoutCorrected(rows)
    .sort((a, b) => a.transaction_date! < b.transaction_date! ? 1 : -1)
    .slice(0, limit)
  return { data, as_of: null, currency: 'USD' }
}

/** The constituents on the latest day that is known of them. */
export async function fetchEtfHoldings ({ instrument, limit }: Capabilities['etf_holdings']['input'],
  call: ProviderCall): Promise<Answer<EtfHolding[]>> {
  const request = {
    path: '/etf-global/v1/constituents',
    query: {
      composite_ticker: toUpstreamSymbol(instrument),
      sort: 'effective_date.desc,processed_date.desc,constituent_rank.asc',
      limit: Math.min(limit, MAX_HOLDINGS)
    },
    plan_line: planLine(instrument)
  }
  const rows: Fields[] = []
  for await (const body of pagesOf(request, call)) {
    rows.push(...toResults(body))
    if (rows.length >= limit || !isOfEdition(rows[0], rows.at(-1))) break
  }
  for (const row of rows) assertAbout(instrument, row.composite_ticker)
  const holdings = rows.flatMap(row => isOfEdition(rows[0], row) ? toHolding(row) ?? [] : [])
  if (holdings.length === 0) throw knowsNo('holdings', instrument)
  const data = holdings.sort((a, b) => (b.weight_percent ?? 0) - (a.weight_percent ?? 0)).slice(0, limit)
  return { data, as_of: toCloseOf(rows[0]?.effective_date) }
}

/** Whether a holding was told together with the first one, which is of the latest day. */
function isOfEdition (first: Fields | undefined, row: Fields | undefined): boolean {
  return first?.effective_date === row?.effective_date && first?.processed_date === row?.processed_date
}

function toCloseOf (day: unknown): string | null {
  const date = toDay(day)
  return date && toInstant(instantAt(`${date} 16:00`, NEW_YORK))
}
