import { toInstant } from '../../market/time.ts'
import type { AnalystRatings, EtfHolding, InsiderTrade } from '../../schemas/ownership.ts'
import { toDate, toDay, toNumber, toPrice, toText, toUrl, type Fields } from '../parse.ts'
import { fromUpstreamSymbol, toCurrency } from './normalise.ts'

export type Consensus = Pick<AnalystRatings, 'consensus' | 'price_target' | 'trend'>
export interface RatingChange {
  change: AnalystRatings['changes'][number]
  currency: string | null
  as_of: string | null
}

/** @param day the day of the count, which the answer does not name */
export function toConsensus (row: Fields, day: string): Consensus {
  const target = {
    high: toPrice(row.high_price_target),
    low: toPrice(row.low_price_target),
    mean: toPrice(row.consensus_price_target),
    median: null,
    analysts: toNumber(row.price_target_contributors)
  }
  const counts = {
    strong_buy: toNumber(row.strong_buy_ratings),
    buy: toNumber(row.buy_ratings),
    hold: toNumber(row.hold_ratings),
    sell: toNumber(row.sell_ratings),
    strong_sell: toNumber(row.strong_sell_ratings)
  }
  const { high, low, mean } = target
  return {
    consensus: /^(?:(?:strong_)?(?:buy|sell)|hold)$/.exec(String(row.consensus_rating).toLowerCase())?.[0] ?? null,
    price_target: [high, low, mean].some(price => price !== null) ? target : null,
    trend: Object.values(counts).some(count => count !== null) ? [{ period: day, ...counts }] : []
  }
}

/** `maintains` is `maintain`, `initiates_coverage_on` is `initiate`. */
function toAction (value: unknown): string | null {
  const words = toText(value, 60)?.toLowerCase().replace(/_coverage_on$/, '').replaceAll('_', ' ')
  return words?.replace(/s$/, '') ?? null
}

/** Null where it has no day. The target is on today's share count, as are the prices that it is compared with. */
export function toRatingChange (row: Fields): RatingChange | null {
  const date = toDay(row.date)
  const updated = toDate(row.last_updated)
  if (date === null) return null
  return {
    change: {
      date,
      firm: toText(row.firm, 120),
      action: toAction(row.rating_action),
      from: toText(row.previous_rating, 60),
      to: toText(row.rating, 60),
      price_target: toPrice(row.adjusted_price_target) ?? toPrice(row.price_target)
    },
    currency: toCurrency(row.currency),
    as_of: updated && toInstant(updated)
  }
}

/** A row of a form 4 (or of its correction, 4/A), with what tells the same trade in both. */
export interface Form4Row { trade: InsiderTrade, accession: unknown, isCorrection: boolean, key: string }

const TYPES: Record<string, string> = { P: 'buy', S: 'sell', A: 'award', M: 'exercise', F: 'tax', G: 'gift' }

/** Null where the row states a holding, not a trade. */
export function toInsiderTrade (row: Fields, symbol: string): Form4Row | null {
  const code = toText(row.transaction_code, 4)?.toUpperCase() ?? null
  const count = toNumber(row.transaction_shares)
  if (row.record_type === 'holding' || (code === null && count === null)) return null
  const sign = toSign(row.transaction_acquired_disposed, code)
  const price = toPrice(row.transaction_price_per_share)
  const trade = {
    symbol,
    filed_at: toDay(row.filing_date),
    transaction_date: toDay(row.transaction_date) ?? toDay(row.period_of_report),
    name: toText(row.owner_name, 200),
    role: toRole(row),
    code,
    type: code === null ? null : TYPES[code] ?? 'other',
    shares: count === null || sign === null ? null : sign * Math.abs(count),
    price,
    value: toPrice(row.transaction_value) ?? (price === null || count === null ? null : price * Math.abs(count)),
    shares_after: toNumber(row.shares_owned_following_transaction),
    is_derivative: row.security_type === 'derivative' ? true : row.security_type === 'non-derivative' ? false : null,
    url: toUrl(row.filing_url)
  }
  return {
    trade,
    accession: row.accession_number,
    isCorrection: row.form_type === '4/A',
    key: JSON.stringify([row.owner_cik ?? trade.name, trade.transaction_date, code, row.security_title, trade.shares])
  }
}

/** 1 acquired, -1 disposed of; a code tells it too where only one way is possible. */
function toSign (direction: unknown, code: string | null): 1 | -1 | null {
  if (direction === 'A' || direction === 'D') return direction === 'A' ? 1 : -1
  return code === 'P' || code === 'A' ? 1 : code === 'S' || code === 'F' ? -1 : null
}

function toRole (row: Fields): string | null {
  const roles = [
    row.is_director === true && 'Director',
    row.is_officer === true && (toText(row.officer_title, 120) ?? 'Officer'),
    row.is_ten_percent_owner === true && '10% owner',
    row.is_other === true && 'Other'
  ]
  return roles.filter(Boolean).join(', ') || null
}

/** A correction states a trade anew: the row that it corrects is left out, or it would count twice. */
export function withoutCorrected (rows: readonly Form4Row[]): InsiderTrade[] {
  const corrections = new Map(rows.flatMap(row => row.isCorrection ? [[row.key, row.accession]] : []))
  return rows
    .filter(({ key, accession }) => (corrections.get(key) ?? accession) === accession)
    .map(({ trade }) => trade)
}

/** Null where the row names nothing. */
export function toHolding (row: Fields): EtfHolding | null {
  const weight = toNumber(row.weight)
  const holding = {
    symbol: toHeldSymbol(row),
    name: toText(row.constituent_name),
    weight_percent: weight === null ? null : Math.round(weight * 1e10) / 1e8,
    shares: toNumber(row.shares_held),
    value: toNumber(row.market_value),
    isin: /^[A-Z]{2}[A-Z0-9]{9}\d$/.exec(String(row.isin))?.[0] ?? null,
    cusip: /^[0-9A-Z]{9}$/.exec(String(row.us_code))?.[0] ?? null
  }
  return holding.symbol ?? holding.name ?? holding.isin ?? holding.cusip ? holding : null
}

/** A ticker is a symbol of ours where it is a share in the US: `ROG` may be Roche in Zurich, and a bond has one too. */
function toHeldSymbol (row: Fields): string | null {
  const isShare = typeof row.asset_class !== 'string' || /equity|stock|fund|etf/i.test(row.asset_class)
  const isUs = typeof row.country_of_exchange !== 'string' || /^(US|United States)/i.test(row.country_of_exchange)
  return isShare && isUs ? fromUpstreamSymbol(row.constituent_ticker)?.symbol ?? null : null
}
