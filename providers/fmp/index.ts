import { messageOf } from '../judge.ts'
import type { Provider, ProviderFailure } from '../types.ts'
import { fetchBars, fetchMarketStatus, fetchMatches, fetchNews, fetchProfile, fetchQuotes, test } from './endpoints.ts'
import {
  fetchCorporateActions, fetchEconomicCalendar, fetchEconomicIndicator, fetchFilings, fetchMarketCalendar
} from './events.ts'
import { fetchEarnings, fetchEarningsCalendar, fetchFinancials, fetchKeyMetrics } from './fundamentals.ts'
import { toUpstreamSymbol } from './normalise.ts'
import {
  fetchAnalystRatings, fetchEtfHoldings, fetchIndexConstituents, fetchInsiderTrades, fetchInstitutionalHolders
} from './ownership.ts'
import { fetchMovers } from './trading.ts'

/** FMP has no options. */
const ALL = ['stock', 'crypto', 'forex', 'index'] as const
const STOCKS = ['stock'] as const

export const fmp: Provider = {
  name: 'fmp',
  title: 'FMP',
  credential_fields: ['api_key'],
  key_url: 'https://site.financialmodelingprep.com/developer/docs/dashboard',
  toUpstreamSymbol,
  authHeaders: credential => ({ apikey: 'api_key' in credential ? credential.api_key : '' }),
  baseUrls: urls => ({ main: urls.fmp ?? 'https://financialmodelingprep.com/stable' }),
  classify,
  test,
  capabilities: {
    quote: { asset_classes: ALL, fetch: fetchQuotes },
    bars: { asset_classes: ALL, fetch: fetchBars },
    search: { fetch: fetchMatches },
    profile: { asset_classes: STOCKS, fetch: fetchProfile },
    news: { asset_classes: ['stock', 'crypto', 'forex'], fetch: fetchNews },
    market_status: { fetch: fetchMarketStatus },
    financials: { asset_classes: STOCKS, fetch: fetchFinancials },
    key_metrics: { asset_classes: STOCKS, fetch: fetchKeyMetrics },
    earnings: { asset_classes: STOCKS, fetch: fetchEarnings },
    earnings_calendar: { fetch: fetchEarningsCalendar },
    corporate_actions: { asset_classes: STOCKS, fetch: fetchCorporateActions },
    analyst_ratings: { asset_classes: STOCKS, fetch: fetchAnalystRatings },
    insider_trades: { asset_classes: STOCKS, fetch: fetchInsiderTrades },
    institutional_holders: { asset_classes: STOCKS, fetch: fetchInstitutionalHolders },
    market_movers: { fetch: fetchMovers },
    economic_calendar: { fetch: fetchEconomicCalendar },
    economic_indicator: { fetch: fetchEconomicIndicator },
    filings: { asset_classes: STOCKS, fetch: fetchFilings },
    etf_holdings: { asset_classes: STOCKS, fetch: fetchEtfHoldings },
    index_constituents: { fetch: fetchIndexConstituents },
    market_calendar: { fetch: fetchMarketCalendar }
  }
}

const NOT_ENTITLED = new RegExp('Exclusive Endpoint|Premium Query Parameter|Special Endpoint|Legacy Endpoint|' +
  'not available under your current subscription', 'i')

/** The free plan holds a few dozen symbols; `Premium Query Parameter` also refuses a limit, or a period. */
const SYMBOL_ONLY = /value set for 'symbols?'|Premium Query Parameter: 'symbols?'/i

/** FMP sends errors with any status, 200 included, and some as plain text in the name of JSON. */
function classify ({ status, body, text }: Parameters<NonNullable<Provider['classify']>>[0]): ProviderFailure | undefined {
  const message = messageOf(body) || (typeof body === 'string' ? body : body === undefined ? text : '')
  if (/Limit Reach/i.test(message)) return { code: 'PROVIDER_QUOTA', message }
  if (/Invalid API KEY/i.test(message)) return { code: 'PROVIDER_REJECTED_KEY', message }
  if (NOT_ENTITLED.test(message) || status === 402) {
    return { code: 'PROVIDER_NOT_ENTITLED', message, ...(SYMBOL_ONLY.test(message) && { about: 'symbol' }) }
  }
  return status < 300 && messageOf(body) ? { code: 'PROVIDER_UNAVAILABLE', message } : undefined
}
