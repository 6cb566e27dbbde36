/** The exact shape that each capability answers, whoever provides it. */
import { Type, type TSchema } from 'typebox'
import type { Capability } from '../../providers/types.ts'
import {
  CorporateActionSchema, EconomicEventSchema, EconomicSeriesSchema, FilingSchema, MarketHolidaySchema
} from '../../schemas/events.ts'
import { EarningsSchema, KeyMetricsSchema, STATEMENT_SCHEMAS } from '../../schemas/fundamentals.ts'
import {
  BarSeriesSchema, CompanyProfileSchema, MarketStatusSchema, NewsArticleSchema, QuoteSchema, SymbolMatchSchema
} from '../../schemas/market.ts'
import {
  AnalystRatingsSchema, EtfHoldingSchema, IndexConstituentSchema, InsiderTradeSchema, InstitutionalHolderSchema
} from '../../schemas/ownership.ts'
import { MoverSchema, OptionContractSchema } from '../../schemas/trading.ts'

const listOf = (row: TSchema) => Type.Array(row)
const perSymbol = (row: TSchema) => Type.Object({
  items: Type.Record(Type.String(), row), failures: Type.Record(Type.String(), Type.Unknown())
})

export const SHAPES: { [C in Capability]: TSchema } = {
  quote: perSymbol(QuoteSchema),
  bars: perSymbol(BarSeriesSchema),
  search: listOf(SymbolMatchSchema),
  profile: CompanyProfileSchema,
  news: listOf(NewsArticleSchema),
  market_status: MarketStatusSchema,
  financials: Type.Union(Object.values(STATEMENT_SCHEMAS).map(listOf)),
  key_metrics: KeyMetricsSchema,
  earnings: listOf(EarningsSchema),
  earnings_calendar: listOf(EarningsSchema),
  corporate_actions: listOf(CorporateActionSchema),
  analyst_ratings: AnalystRatingsSchema,
  insider_trades: listOf(InsiderTradeSchema),
  institutional_holders: listOf(InstitutionalHolderSchema),
  market_movers: listOf(MoverSchema),
  options_chain: listOf(OptionContractSchema),
  economic_calendar: listOf(EconomicEventSchema),
  economic_indicator: EconomicSeriesSchema,
  filings: listOf(FilingSchema),
  etf_holdings: listOf(EtfHoldingSchema),
  index_constituents: listOf(IndexConstituentSchema),
  market_calendar: listOf(MarketHolidaySchema)
}
