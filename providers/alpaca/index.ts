import { messageOf } from '../judge.ts'
import type { Provider, ProviderFailure } from '../types.ts'
import { createSearch, fetchBars, fetchMarketStatus, fetchNews, fetchQuotes } from './endpoints.ts'
import { fetchCorporateActions, fetchMarketCalendar } from './events.ts'
import { toUpstreamSymbol } from './normalise.ts'
import { fetchMarketMovers, fetchOptionsChain } from './trading.ts'

export const alpaca: Provider = {
  name: 'alpaca',
  title: 'Alpaca',
  credential_fields: ['key_id', 'secret_key'],
  key_url: 'https://app.alpaca.markets/',
  toUpstreamSymbol,
  keyless: { quote: ['crypto'], bars: ['crypto'] },

  authHeaders: credential => 'key_id' in credential
    ? { 'APCA-API-KEY-ID': credential.key_id, 'APCA-API-SECRET-KEY': credential.secret_key }
    : {},

  baseUrls: (urls, settings) => ({
    data: urls.alpaca_data ?? 'https://data.alpaca.markets',
    trading: urls.alpaca_trading ??
      (settings.alpaca_environment === 'live' ? 'https://api.alpaca.markets' : 'https://paper-api.alpaca.markets')
  }),

  classify,

  test: async call => { await call.request({ host: 'trading', path: '/v2/clock' }) },

  capabilities: {
    quote: { asset_classes: ['stock', 'crypto', 'forex', 'index', 'option'], fetch: fetchQuotes },
    bars: { asset_classes: ['stock', 'crypto', 'option'], fetch: fetchBars },
    search: { fetch: createSearch() },
    news: { asset_classes: ['stock', 'crypto'], fetch: fetchNews },
    market_status: { fetch: fetchMarketStatus },
    corporate_actions: { asset_classes: ['stock'], fetch: fetchCorporateActions },
    market_movers: { fetch: fetchMarketMovers },
    options_chain: { asset_classes: ['stock'], fetch: fetchOptionsChain },
    market_calendar: { fetch: fetchMarketCalendar }
  }
}

/** A bad key is answered with 401 or 403, by the data host in HTML; a 403 in JSON that says why is about the plan. */
function classify ({ status, body }: { status: number, body: unknown }): ProviderFailure | undefined {
  const message = messageOf(body)
  const bare = body === undefined || /^(forbidden|request is not authorized)\.?$/i.test(message)
  if (status === 401 || (status === 403 && bare)) return { code: 'PROVIDER_REJECTED_KEY', message }
  if ((status === 400 || status === 422) && /invalid symbol/i.test(message)) {
    return { code: 'SYMBOL_NOT_FOUND', message }
  }
  if (status === 200 && /^(too many requests|API limit reached)/i.test(message)) return { code: 'PROVIDER_QUOTA', message }
  return undefined
}
