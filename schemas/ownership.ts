/** Who holds, trades and judges a company, and what a fund or an index is made of. */
import { Type, type Static } from 'typebox'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const text = Nullable(Type.String())
const number = Nullable(Type.Number())

/** How many analysts say what; `period` is the month or day of the count. */
export const RatingTrendSchema = Type.Object({
  period: text,
  strong_buy: number,
  buy: number,
  hold: number,
  sell: number,
  strong_sell: number
}, strict)

/** One analyst's change of mind. */
export const RatingChangeSchema = Type.Object({
  date: text,
  firm: text,
  /** `upgrade`, `downgrade`, `initiate`, `maintain` … in the provider's words, lower case. */
  action: text,
  from: text,
  to: text,
  price_target: number
}, strict)

export const PriceTargetSchema = Type.Object({
  high: number, low: number, mean: number, median: number, analysts: number
}, strict)

export const AnalystRatingsSchema = Type.Object({
  symbol: Type.String(),
  /** `strong_buy`, `buy`, `hold`, `sell` or `strong_sell`: the provider's own, or the most frequent one. */
  consensus: text,
  currency: text,
  price_target: Nullable(PriceTargetSchema),
  /** Newest first. */
  trend: Type.Array(RatingTrendSchema),
  /** Newest first. */
  changes: Type.Array(RatingChangeSchema)
}, strict)
export type AnalystRatings = Static<typeof AnalystRatingsSchema>

export const InsiderTradeSchema = Type.Object({
  symbol: Type.String(),
  filed_at: text,
  transaction_date: text,
  name: text,
  role: text,
  /** Code of SEC form 4: P bought, S sold, A awarded, M exercised, F tax, G gift. */
  code: text,
  /** What the code says in one word: buy, sell, award, exercise, tax, gift, other. */
  type: text,
  /** Positive where shares were acquired, negative where they were disposed of. */
  shares: number,
  price: number,
  value: number,
  shares_after: number,
  is_derivative: Nullable(Type.Boolean()),
  url: text
}, strict)
export type InsiderTrade = Static<typeof InsiderTradeSchema>

export const InstitutionalHolderSchema = Type.Object({
  symbol: Type.String(),
  holder: Type.String(),
  shares: number,
  /** Shares, against the report before. */
  change: number,
  /** In US dollars at the report's date. */
  value: number,
  /** Of the company. */
  ownership_percent: number,
  report_date: text,
  filed_at: text
}, strict)
export type InstitutionalHolder = Static<typeof InstitutionalHolderSchema>

export const EtfHoldingSchema = Type.Object({
  symbol: text,
  name: text,
  weight_percent: number,
  shares: number,
  value: number,
  isin: text,
  cusip: text
}, strict)
export type EtfHolding = Static<typeof EtfHoldingSchema>

export const INDICES = ['I:SPX', 'I:NDX', 'I:DJI'] as const
export type IndexSymbol = typeof INDICES[number]

export const IndexConstituentSchema = Type.Object({
  symbol: Type.String(),
  name: text,
  sector: text,
  industry: text,
  headquarters: text,
  date_added: text,
  cik: text
}, strict)
export type IndexConstituent = Static<typeof IndexConstituentSchema>
