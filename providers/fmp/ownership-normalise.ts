import { newestOf, toDay, toNumber, toPrice, toText, toUrl, type Fields } from '../parse.ts'
import type { Instrument } from '../../market/symbols.ts'
import type {
  AnalystRatings, EtfHolding, IndexConstituent, InsiderTrade, InstitutionalHolder
} from '../../schemas/ownership.ts'
import type { DayWindow } from '../types.ts'
import { clockReader, fromUpstreamSymbol, listOf, newestFirst, rowsAbout } from './normalise.ts'

type Trend = AnalystRatings['trend'][number]
type Change = AnalystRatings['changes'][number]

const GRADES = ['strong_buy', 'buy', 'hold', 'sell', 'strong_sell'] as const

/** `Strong Buy` is `strong_buy`; null where it is none of ours. */
export function toConsensus (value: unknown): string | null {
  const name = toText(value, 20)?.toLowerCase().replaceAll(' ', '_')
  return GRADES.find(grade => grade === name) ?? null
}

/** A count of analysts, out of `grades-consensus`, or of `grades-historical` with its prefix. */
export function toTrend (row: Fields, prefix = ''): Trend {
  const count = (name: string) => toNumber(row[prefix === '' ? name[0]!.toLowerCase() + name.slice(1) : prefix + name])
  return {
    period: toDay(row.date),
    strong_buy: count('StrongBuy'),
    buy: count('Buy'),
    hold: count('Hold'),
    sell: count('Sell'),
    strong_sell: count('StrongSell')
  }
}

/** What most analysts say; null where nobody is counted. */
export function toMajority (trend: Trend | undefined): string | null {
  const most = Math.max(0, ...GRADES.map(grade => trend?.[grade] ?? 0))
  return most === 0 ? null : GRADES.find(grade => trend?.[grade] === most) ?? null
}

/** Null where no target is named. */
export function toTarget (row: Fields | undefined): AnalystRatings['price_target'] {
  const target = {
    high: toPrice(row?.targetHigh),
    low: toPrice(row?.targetLow),
    mean: toPrice(row?.targetConsensus),
    median: toPrice(row?.targetMedian)
  }
  return Object.values(target).every(price => price === null) ? null : { ...target, analysts: null }
}

/** Rows of `grades`, newest first. */
export function toChanges (rows: readonly Fields[]): Change[] {
  return rows
    .map(row => ({
      date: toDay(row.date),
      firm: toText(row.gradingCompany, 100),
      action: toText(row.action, 30)?.toLowerCase() ?? null,
      from: toText(row.previousGrade, 50),
      to: toText(row.newGrade, 50),
      price_target: null
    }))
    .sort((a, b) => newestFirst(a.date, b.date))
}

/** What the code of SEC form 4 says; FMP writes `S-Sale`. */
const TRADES: Record<string, string> = {
  P: 'buy', S: 'sell', A: 'award', M: 'exercise', O: 'exercise', X: 'exercise', F: 'tax', G: 'gift'
}

/**
 * Rows of `insider-trading/search` in the window of transaction days, newest first; what somebody held when becoming
 * an insider (form 3) is no trade.
 */
export function toTrades (rows: readonly Fields[], instrument: Instrument, { from, to }: DayWindow): InsiderTrade[] {
  return rowsAbout(rows, instrument, 'insider trades')
    .filter(row => !String(row.formType ?? '4').startsWith('3'))
    .map(row => toTrade(row, instrument.symbol))
    .filter(({ transaction_date: day }) => day !== null && day >= from && day <= to)
    .sort((a, b) => newestFirst(a.transaction_date, b.transaction_date) || newestFirst(a.filed_at, b.filed_at))
}

function toTrade (row: Fields, symbol: string): InsiderTrade {
  const code = /^([A-Z])(?:-|$)/.exec(String(row.transactionType))?.[1] ?? null
  const count = toNumber(row.securitiesTransacted)
  const price = toPrice(row.price)
  return {
    symbol,
    filed_at: toDay(row.filingDate),
    transaction_date: toDay(row.transactionDate),
    name: toText(row.reportingName, 100),
    role: toText(row.typeOfOwner, 100),
    code,
    type: code && (TRADES[code] ?? 'other'),
    shares: count === null ? null : toSigned(count, row.acquisitionOrDisposition, code),
    price,
    value: count === null || price === null ? null : Math.round(Math.abs(count) * price * 100) / 100,
    shares_after: toNumber(row.securitiesOwned),
    is_derivative: null,
    url: toUrl(row.url)
  }
}

/** Null where nothing says whether they came or went. */
function toSigned (count: number, side: unknown, code: string | null): number | null {
  if (side === 'A' || (side !== 'D' && code === 'P')) return Math.abs(count)
  return side === 'D' || code === 'S' ? -Math.abs(count) : null
}

/** Rows of `extract-analytics/holder`, largest first: who holds shares, not options on them or bonds. */
export function toHolders (rows: readonly Fields[], instrument: Instrument): InstitutionalHolder[] {
  return rowsAbout(rows, instrument, 'institutional holders')
    .filter(row => /^(share)?$/i.test(String(row.putCallShare ?? '')) && /^(sh)?$/i.test(String(row.sharesType ?? '')))
    .flatMap(row => {
      const holder = toText(row.investorName, 200)
      const shares = toPrice(row.sharesNumber)
      if (holder === null || shares === null) return []
      return {
        symbol: instrument.symbol,
        holder,
        shares,
        change: toNumber(row.changeInSharesNumber),
        value: toPrice(row.marketValue),
        ownership_percent: toPrice(row.ownership),
        report_date: toDay(row.date),
        filed_at: toDay(row.filingDate)
      }
    })
    .sort((a, b) => b.shares - a.shares)
}

/** Rows of `etf/holdings`, largest first, and when FMP brought them up to date. */
export function toHoldings (body: unknown, instrument: Instrument):
{ holdings: EtfHolding[], updated_at: string | null } {
  const rows = rowsAbout(body, instrument, 'holdings')
  // UTC: read as New York's clock it is later than the answers it comes in.
  const timeOf = clockReader('UTC')
  const holdings = rows.flatMap(row => {
    const asset = toText(row.asset, 40)
    const name = toText(row.name)
    if (asset === null && name === null) return []
    return {
      symbol: asset && fromUpstreamSymbol(asset),
      name,
      weight_percent: toNumber(row.weightPercentage),
      shares: toNumber(row.sharesNumber),
      value: toNumber(row.marketValue),
      isin: toText(row.isin, 20),
      cusip: toText(row.securityCusip, 20)
    }
  })
  return {
    holdings: holdings.sort((a, b) => (b.weight_percent ?? -Infinity) - (a.weight_percent ?? -Infinity) || 0),
    updated_at: newestOf(rows.map(row => timeOf(row.updatedAt)))
  }
}

/** Rows of a list of constituents. */
export function toConstituents (body: unknown): IndexConstituent[] {
  return listOf(body, 'the constituents of an index').flatMap(row => {
    const upstream = toText(row.symbol, 40)
    if (upstream === null) return []
    return {
      symbol: fromUpstreamSymbol(upstream),
      name: toText(row.name),
      sector: toText(row.sector),
      industry: toText(row.subSector),
      headquarters: toText(row.headQuarter),
      date_added: toDay(row.dateFirstAdded),
      cik: toText(row.cik, 20)
    }
  })
}
