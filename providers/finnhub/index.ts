import { messageOf } from '../http.ts'
import type { Provider, ProviderFailure } from '../types.ts'
import { fetchBars, fetchMarketStatus, fetchMatches, fetchNews, fetchProfile, fetchQuotes, test } from './endpoints.ts'

const ALL = ['stock', 'crypto', 'forex', 'index'] as const

export const finnhub: Provider = {
  name: 'finnhub',
  title: 'Finnhub',
  credential_fields: ['api_key'],
  authHeaders: credential => ({ 'X-Finnhub-Token': 'api_key' in credential ? credential.api_key : '' }),
  baseUrls: urls => ({ main: urls.finnhub ?? 'https://finnhub.io/api/v1' }),
  classify,
  test,
  capabilities: {
    quote: { asset_classes: ALL, fetch: fetchQuotes },
    bars: { asset_classes: ALL, fetch: fetchBars },
    search: { fetch: fetchMatches },
    profile: { asset_classes: ['stock'], fetch: fetchProfile },
    news: { asset_classes: ['stock'], fetch: fetchNews },
    market_status: { fetch: fetchMarketStatus }
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
