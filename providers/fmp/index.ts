import { messageOf } from '../http.ts'
import type { Provider, ProviderFailure } from '../types.ts'
import { fetchBars, fetchMarketStatus, fetchMatches, fetchNews, fetchProfile, fetchQuotes, test } from './endpoints.ts'

const ALL = ['stock', 'crypto', 'forex', 'index'] as const

export const fmp: Provider = {
  name: 'fmp',
  title: 'FMP',
  credential_fields: ['api_key'],
  authHeaders: credential => ({ apikey: 'api_key' in credential ? credential.api_key : '' }),
  baseUrls: urls => ({ main: urls.fmp ?? 'https://financialmodelingprep.com/stable' }),
  classify,
  test,
  capabilities: {
    quote: { asset_classes: ALL, fetch: fetchQuotes },
    bars: { asset_classes: ALL, fetch: fetchBars },
    search: { fetch: fetchMatches },
    profile: { asset_classes: ['stock'], fetch: fetchProfile },
    news: { asset_classes: ['stock', 'crypto', 'forex'], fetch: fetchNews },
    market_status: { fetch: fetchMarketStatus }
  }
}

const NOT_ENTITLED = new RegExp('Exclusive Endpoint|Premium Query Parameter|Special Endpoint|Legacy Endpoint|' +
  'not available under your current subscription', 'i')

/** FMP sends errors with any status, 200 included, and some as plain text in the name of JSON. */
function classify ({ status, body, text }: Parameters<NonNullable<Provider['classify']>>[0]): ProviderFailure | undefined {
  const message = messageOf(body) || (typeof body === 'string' ? body : body === undefined ? text : '')
  if (/Limit Reach/i.test(message)) return { code: 'PROVIDER_QUOTA', message }
  if (/Invalid API KEY/i.test(message)) return { code: 'PROVIDER_REJECTED_KEY', message }
  if (NOT_ENTITLED.test(message) || status === 402) return { code: 'PROVIDER_NOT_ENTITLED', message }
  return status < 300 && messageOf(body) ? { code: 'PROVIDER_UNAVAILABLE', message } : undefined
}
