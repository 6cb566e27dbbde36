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

const ALL = ['stock', 'crypto', 'forex', 'index'] as const
const STOCKS = ['stock'] as const

export const finnhub: Provider = {
  name: 'finnhub',
  title: 'Finnhub',
  credential_fields: ['api_key'],
  key_url: 'https://finnhub.io/dashboard',
  toUpstreamSymbol,
  authHeaders: credential => ({ 'X-Finnhub-Token': 'api_key' in credential ? credential.api_key : '' }),
  baseUrls: urls => ({ main: urls.finnhub ?? 'https://finnhub.io/api/v1' }),
  classify,
  test,
  capabilities: {
    quote: { asset_classes: ALL, fetch: fetchQuotes },
    bars: { asset_classes: ALL, fetch: fetchBars },
    search: { fetch: fetchMatches },
    profile: { asset_classes: STOCKS, fetch: fetchProfile },
    news: { asset_classes: STOCKS, fetch: fetchNews },
    market_status: { fetch: fetchMarketStatus },
    financials: { asset_classes: STOCKS, fetch: fetchFinancials },
    key_metrics: { asset_classes: STOCKS, fetch: fetchKeyMetrics },
    earnings: { asset_classes: STOCKS, fetch: fetchEarnings },
    earnings_calendar: { fetch: fetchEarningsCalendar },
    corporate_actions: { asset_classes: STOCKS, fetch: fetchCorporateActions },
    analyst_ratings: { asset_classes: STOCKS, fetch: fetchAnalystRatings },
    insider_trades: { asset_classes: STOCKS, fetch: fetchInsiderTrades },
    institutional_holders: { asset_classes: STOCKS, fetch: fetchInstitutionalHolders },
    economic_calendar: { fetch: fetchEconomicCalendar },
    economic_indicator: { fetch: fetchEconomicIndicator },
    filings: { asset_classes: STOCKS, fetch: fetchFilings },
    etf_holdings: { asset_classes: STOCKS, fetch: fetchEtfHoldings },
    index_constituents: { fetch: fetchIndexConstituents },
    market_calendar: { fetch: fetchMarketCalendar }
  }
}

/** Its statuses say what the table's defaults say; only an error under a status of success needs reading. */
function classify ({ status, body }: Parameters<NonNullable<Provider['classify']>>[0]): ProviderFailure | undefined {
  const message = status < 300 ? messageOf(body) : ''
  if (!message) return undefined
  if (/limit/i.test(message)) return { code: 'PROVIDER_QUOTA', message }
  if (/api key/i.test(message)) return { code: 'PROVIDER_REJECTED_KEY', message }
  if (/access|premium/i.test(message)) return { code: 'PROVIDER_NOT_ENTITLED', message }
  return { code: 'PROVIDER_UNAVAILABLE', message }
}
