import type { Provider } from '../types.ts'
import { bars } from './bars.ts'
import { corporateActions, economicCalendar, economicIndicator, filings, marketCalendar } from './events.ts'
import { earnings, earningsCalendar, financials, keyMetrics } from './fundamentals.ts'
import { marketStatus, news, profile, quote, search } from './market.ts'
import { analystRatings, etfHoldings, indexConstituents, insiderTrades, institutionalHolders } from './ownership.ts'
import { marketMovers, optionsChain } from './trading.ts'

/** A deterministic synthetic market for trying things out. It needs no key and is never a fallback. */
export const sample: Provider = {
  name: 'sample',
  title: 'Sample market',
  credential_fields: [],
  key_url: null,
  authHeaders: () => ({}),
  baseUrls: () => ({}),
  test: async () => {},
  capabilities: {
    quote,
    bars,
    search,
    profile,
    news,
    market_status: marketStatus,
    financials,
    key_metrics: keyMetrics,
    earnings,
    earnings_calendar: earningsCalendar,
    corporate_actions: corporateActions,
    analyst_ratings: analystRatings,
    insider_trades: insiderTrades,
    institutional_holders: institutionalHolders,
    market_movers: marketMovers,
    options_chain: optionsChain,
    economic_calendar: economicCalendar,
    economic_indicator: economicIndicator,
    filings,
    etf_holdings: etfHoldings,
    index_constituents: indexConstituents,
    market_calendar: marketCalendar
  }
}
