import { getBars } from './bars.ts'
import { getCompanyProfile } from './company.ts'
import type { Tool } from './define.ts'
import { getMarketStatus } from './market.ts'
import { getNews } from './news.ts'
import { getQuote } from './quotes.ts'
import { searchSymbols } from './search.ts'

/** The whole catalogue, in the order that clients see. */
export const TOOLS: readonly Tool[] = [
  searchSymbols,
  getQuote,
  getBars,
  getCompanyProfile,
  getNews,
  getMarketStatus
]
