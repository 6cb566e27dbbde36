/**
 * The market's shapes as they leave the server: snake_case, missing is null and never 0, money beside its currency,
 * a `_percent` in percent, an instant in ISO 8601 UTC, a trading day as `YYYY-MM-DD`.
 */
import { Type, type Static, type TSchema } from 'typebox'

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const text = Nullable(Type.String())
const number = Nullable(Type.Number())

export const AssetClassSchema = Type.Enum(['stock', 'crypto', 'forex', 'index', 'option'])
export type AssetClass = Static<typeof AssetClassSchema>

export const ProviderNameSchema = Type.Enum(['alpaca', 'polygon', 'fmp', 'finnhub', 'sample'])
export type ProviderName = Static<typeof ProviderNameSchema>

/** What providers can be asked for; see providers/types.ts. */
export const CAPABILITIES = [
  'quote', 'bars', 'search', 'profile', 'news', 'market_status', 'financials', 'key_metrics', 'earnings',
  'earnings_calendar', 'corporate_actions', 'analyst_ratings', 'insider_trades', 'institutional_holders',
  'market_movers', 'options_chain', 'economic_calendar', 'economic_indicator', 'filings', 'etf_holdings',
  'index_constituents', 'market_calendar'
] as const
export const CapabilitySchema = Type.Enum([...CAPABILITIES])

/** One symbol's latest price. ETFs are stocks here. Sizes are in shares or units of the base currency. */
export const QuoteSchema = Type.Object({
  symbol: Type.String(),
  price: Type.Number(),
  currency: text,
  change: number,
  change_percent: number,
  open: number,
  high: number,
  low: number,
  previous_close: number,
  volume: number,
  bid: number,
  ask: number,
  bid_size: number,
  ask_size: number,
  /** When the price was made, not when it was fetched; null where the provider does not say. */
  as_of: text,
  feed: text,
  /** 0 is real time; null where the provider does not say. */
  delayed_by_seconds: number
}, { additionalProperties: false })
export type Quote = Static<typeof QuoteSchema>

export const TIMEFRAMES = ['1min', '5min', '15min', '30min', '1hour', '1day', '1week', '1month'] as const
export const TimeframeSchema = Type.Enum([...TIMEFRAMES])
export type Timeframe = typeof TIMEFRAMES[number]

export const ADJUSTMENTS = ['raw', 'split', 'all'] as const
export const AdjustmentSchema = Type.Enum([...ADJUSTMENTS])
/** `raw` as traded, `split` for splits only, `all` for splits and dividends. */
export type Adjustment = typeof ADJUSTMENTS[number]

/**
 * One OHLCV bar. `time` is the start: an instant below 1day; for 1day the trading day, for 1week its Monday, for 1month
 * its first day.
 */
export const BarSchema = Type.Object({
  time: Type.String(),
  open: Type.Number(),
  high: Type.Number(),
  low: Type.Number(),
  close: Type.Number(),
  volume: number,
  vwap: number,
  trades: number
}, { additionalProperties: false })
export type Bar = Static<typeof BarSchema>

/** One symbol's bars, oldest first, with the basis of their prices. */
export const BarSeriesSchema = Type.Object({
  symbol: Type.String(),
  timeframe: TimeframeSchema,
  currency: text,
  adjustment: AdjustmentSchema,
  feed: text,
  /** Which hours the bars cover: `regular`, `extended` (pre and post included) or `continuous` (crypto, forex). */
  session: Type.Enum(['regular', 'extended', 'continuous']),
  time_zone: Type.String(),
  bars: Type.Array(BarSchema)
}, { additionalProperties: false })
export type BarSeries = Static<typeof BarSeriesSchema>

export const SymbolMatchSchema = Type.Object({
  symbol: Type.String(),
  name: text,
  asset_class: Nullable(AssetClassSchema),
  exchange: text,
  type: text,
  currency: text,
  active: Nullable(Type.Boolean())
}, { additionalProperties: false })
export type SymbolMatch = Static<typeof SymbolMatchSchema>

export const CompanyProfileSchema = Type.Object({
  symbol: Type.String(),
  name: text,
  description: text,
  exchange: text,
  sector: text,
  industry: text,
  country: text,
  currency: text,
  /** In units of `currency`, not in millions. */
  market_cap: number,
  shares_outstanding: number,
  employees: number,
  ceo: text,
  website: text,
  ipo_date: text,
  cik: text,
  peers: Nullable(Type.Array(Type.String()))
}, { additionalProperties: false })
export type CompanyProfile = Static<typeof CompanyProfileSchema>

export const NewsArticleSchema = Type.Object({
  id: text,
  title: Type.String(),
  summary: text,
  url: text,
  source: text,
  author: text,
  published_at: text,
  symbols: Type.Array(Type.String()),
  /** `positive`, `neutral` or `negative`, where the provider says so. */
  sentiment: text
}, { additionalProperties: false })
export type NewsArticle = Static<typeof NewsArticleSchema>

export const MarketStatusSchema = Type.Object({
  market: Type.String(),
  is_open: Type.Boolean(),
  session: Type.Enum(['pre', 'regular', 'post', 'closed']),
  next_open: text,
  next_close: text,
  holiday: text,
  time_zone: Type.String()
}, { additionalProperties: false })
export type MarketStatus = Static<typeof MarketStatusSchema>
