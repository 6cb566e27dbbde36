import { messageOf } from '../judge.ts'
import { toFields } from '../parse.ts'
import type { Provider, ProviderFailure } from '../types.ts'
import { fetchBars, fetchMarketStatus, fetchNews, fetchProfile, fetchQuotes, fetchSearch } from './endpoints.ts'
import {
  fetchCorporateActions, fetchEconomicIndicator, fetchFilings, fetchMarketCalendar
} from './events.ts'
import { fetchEarnings, fetchEarningsCalendar, fetchFinancials, fetchKeyMetrics } from './fundamentals.ts'
import { toUpstreamSymbol } from './normalise.ts'
import { fetchAnalystRatings, fetchEtfHoldings, fetchInsiderTrades } from './ownership.ts'
import { fetchMarketMovers, fetchOptionsChain } from './trading.ts'

export const polygon: Provider = {
  name: 'polygon',
  title: 'Polygon',
  credential_fields: ['api_key'],
  key_url: 'https://massive.com/dashboard',

  toUpstreamSymbol,
  authHeaders: credential => 'api_key' in credential ? { authorization: `Bearer ${credential.api_key}` } : {},

  baseUrls: urls => ({ main: urls.polygon ?? 'https://api.massive.com' }),

  classify,

  test: async call => { await call.request({ path: '/v1/marketstatus/now' }) },

  capabilities: {
    quote: { asset_classes: ['stock', 'crypto', 'forex', 'index', 'option'], fetch: fetchQuotes },
    bars: { asset_classes: ['stock', 'crypto', 'forex', 'index', 'option'], fetch: fetchBars },
    search: { fetch: fetchSearch },
    profile: { asset_classes: ['stock'], fetch: fetchProfile },
    news: { asset_classes: ['stock', 'crypto', 'forex'], fetch: fetchNews },
    market_status: { fetch: fetchMarketStatus },
    financials: { asset_classes: ['stock'], fetch: fetchFinancials },
    key_metrics: { asset_classes: ['stock'], fetch: fetchKeyMetrics },
    earnings: { asset_classes: ['stock'], fetch: fetchEarnings },
    earnings_calendar: { fetch: fetchEarningsCalendar },
    corporate_actions: { asset_classes: ['stock'], fetch: fetchCorporateActions },
    analyst_ratings: { asset_classes: ['stock'], fetch: fetchAnalystRatings },
    insider_trades: { asset_classes: ['stock'], fetch: fetchInsiderTrades },
    market_movers: { fetch: fetchMarketMovers },
    options_chain: { asset_classes: ['stock', 'index'], fetch: fetchOptionsChain },
    economic_indicator: { fetch: fetchEconomicIndicator },
    filings: { asset_classes: ['stock'], fetch: fetchFilings },
    etf_holdings: { asset_classes: ['stock'], fetch: fetchEtfHoldings },
    market_calendar: { fetch: fetchMarketCalendar }
  }
}

/** Its own word for a failure is in the body, which may come with status 200. */
function classify ({ status, body }: { status: number, body: unknown }): ProviderFailure | undefined {
  const { status: word } = toFields(body)
  const message = messageOf(body)
  if (word === 'NOT_AUTHORIZED') return { code: 'PROVIDER_NOT_ENTITLED', message }
  if (word === 'NOT_FOUND' || (status === 404 && body !== undefined)) return { code: 'SYMBOL_NOT_FOUND', message }
  if (status !== 200 || word !== 'ERROR') return undefined
  if (/maximum requests/i.test(message)) return { code: 'PROVIDER_QUOTA', message }
  return { code: /api key/i.test(message) ? 'PROVIDER_REJECTED_KEY' : 'PROVIDER_UNAVAILABLE', message }
}
