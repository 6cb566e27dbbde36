import { messageOf } from '../http.ts'
import { toFields } from '../parse.ts'
import type { Provider, ProviderFailure } from '../types.ts'
import { fetchBars, fetchMarketStatus, fetchNews, fetchProfile, fetchQuotes, fetchSearch } from './endpoints.ts'

export const polygon: Provider = {
  name: 'polygon',
  title: 'Polygon',
  credential_fields: ['api_key'],

  authHeaders: credential => 'api_key' in credential ? { authorization: `Bearer ${credential.api_key}` } : {},

  baseUrls: urls => ({ main: urls.polygon ?? 'https://api.massive.com' }),

  classify,

  test: async call => { await call.request({ path: '/v1/marketstatus/now' }) },

  capabilities: {
    quote: { asset_classes: ['stock', 'crypto', 'forex', 'index'], fetch: fetchQuotes },
    bars: { asset_classes: ['stock', 'crypto', 'forex', 'index'], fetch: fetchBars },
    search: { fetch: fetchSearch },
    profile: { asset_classes: ['stock'], fetch: fetchProfile },
    news: { asset_classes: ['stock', 'crypto', 'forex'], fetch: fetchNews },
    market_status: { fetch: fetchMarketStatus }
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
