/** What happens on a day: payouts, splits, releases, closings, filings. A day is `YYYY-MM-DD`. */
import { Type, type Static } from 'typebox'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const text = Nullable(Type.String())
const number = Nullable(Type.Number())

export const ACTIONS = ['dividend', 'split'] as const
export type ActionKind = typeof ACTIONS[number]

/** A dividend or a split; what belongs to the other kind is null. */
export const CorporateActionSchema = Type.Object({
  type: Type.Enum([...ACTIONS]),
  symbol: Type.String(),
  /** Of a split: the first day that trades on the new basis. */
  ex_date: text,
  record_date: text,
  pay_date: text,
  declaration_date: text,
  /** Cash a share, as paid: not adjusted for later splits. */
  amount: number,
  currency: text,
  /** Payouts a year: 1, 2, 4, 12; 0 is one-time. */
  frequency: number,
  special: Nullable(Type.Boolean()),
  /** `split_from` old shares become `split_to` new ones. */
  split_from: number,
  split_to: number
}, strict)
export type CorporateAction = Static<typeof CorporateActionSchema>

export const EconomicEventSchema = Type.Object({
  /** ISO 8601 UTC. */
  time: Type.String(),
  /** ISO 3166 alpha-2. */
  country: text,
  event: Type.String(),
  /** `low`, `medium` or `high`. */
  impact: text,
  /** Null: not yet released. */
  actual: number,
  estimate: number,
  previous: number,
  unit: text
}, strict)
export type EconomicEvent = Static<typeof EconomicEventSchema>

/** US series. `treasury_rates` is a curve: one column a maturity. */
export const INDICATORS = [
  'gdp', 'real_gdp', 'cpi', 'inflation', 'inflation_expectation', 'unemployment_rate', 'nonfarm_payrolls',
  'initial_claims', 'federal_funds_rate', 'retail_sales', 'industrial_production', 'durable_goods', 'housing_starts',
  'consumer_sentiment', 'recession_probability', 'mortgage_rate_15y', 'mortgage_rate_30y', 'treasury_rates'
] as const
export type EconomicIndicator = typeof INDICATORS[number]

export const MATURITIES = ['1m', '2m', '3m', '6m', '1y', '2y', '3y', '5y', '7y', '10y', '20y', '30y'] as const

/** One economic series, newest first. Rates are in percent: 5.25 is 5.25 %. */
export const EconomicSeriesSchema = Type.Object({
  indicator: Type.Enum([...INDICATORS]),
  /** `percent`, `index`, `USD bn`, `thousands` …; null where the provider does not say. */
  unit: text,
  country: Type.String(),
  points: Type.Array(Type.Union([
    Type.Object({ date: Type.String(), value: number }, strict),
    Type.Object({ date: Type.String(), ...Object.fromEntries(MATURITIES.map(name => [name, number])) }, strict)
  ]))
}, strict)
export type EconomicSeries = Omit<Static<typeof EconomicSeriesSchema>, 'points'> & {
  points: ({ date: string } & Record<string, string | number | null>)[]
}

/** A day on which the exchange does not keep its usual hours. */
export const MarketHolidaySchema = Type.Object({
  date: Type.String(),
  name: text,
  status: Type.Enum(['closed', 'early_close']),
  /** Wall clock of the exchange, `HH:MM`; null where it is closed. */
  open: text,
  close: text
}, strict)
export type MarketHoliday = Static<typeof MarketHolidaySchema>

export const FilingSchema = Type.Object({
  symbol: text,
  /** `10-K`, `8-K`, `4` … as the SEC names it. */
  form: text,
  filed_at: text,
  /** ISO 8601 UTC. */
  accepted_at: text,
  period_end: text,
  /** `0000320193-25-000079` */
  accession: text,
  cik: text,
  url: text
}, strict)
export type Filing = Static<typeof FilingSchema>
