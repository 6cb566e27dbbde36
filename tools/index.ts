import { getBars } from './bars.ts'
import { getCompanyProfile } from './company.ts'
import { compareSymbols } from './compare.ts'
import type { Tool } from './define.ts'
import { getEconomicCalendar, getEconomicIndicator } from './economy.ts'
import { getCorporateActions, getEarningsCalendar, getFilings, getMarketCalendar } from './events.ts'
import { getEarnings, getFinancials, getKeyMetrics } from './fundamentals.ts'
import { getIndicators } from './indicators.ts'
import { getMarketStatus } from './market.ts'
import { getNews } from './news.ts'
import { getAnalystRatings, getEtfHoldings, getIndexConstituents, getInsiderTrades, getInstitutionalHolders } from './ownership.ts'
import { getQuote } from './quotes.ts'
import { searchSymbols } from './search.ts'
import { getMarketMovers, getOptionsChain } from './trading.ts'
import { getUsage } from './usage.ts'
import { verifyQuote } from './verify.ts'

/** The whole catalogue, in the order that clients see. */
export const TOOLS: readonly Tool[] = [
  searchSymbols,
  getQuote,
  getBars,
  getCompanyProfile,
  getNews,
  getMarketStatus,
  getFinancials,
  getKeyMetrics,
  getEarnings,
  getEarningsCalendar,
  getAnalystRatings,
  getInsiderTrades,
  getInstitutionalHolders,
  getCorporateActions,
  getFilings,
  getOptionsChain,
  getMarketMovers,
  getEtfHoldings,
  getIndexConstituents,
  getEconomicIndicator,
  getEconomicCalendar,
  getMarketCalendar,
  getIndicators,
  compareSymbols,
  verifyQuote,
  getUsage
]
