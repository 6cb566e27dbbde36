import type { ProviderName } from './api/types.ts'

/** Those that a key can be stored for, in the order of their cards. */
export type KeyedProvider = Exclude<ProviderName, 'sample'>

interface Words {
  title: string
  /** Where its page shows the key. */
  keyHint: string
}

/** What a page says of a provider beyond what the server tells. */
export const PROVIDERS: Record<KeyedProvider, Words> = {
  alpaca: {
    title: 'Alpaca', keyHint: 'In the dashboard, under “API Keys”. A paper account is free and enough.'
  },
  polygon: {
    title: 'Polygon / Massive', keyHint: 'In the dashboard, under “Keys”.'
  },
  fmp: {
    title: 'Financial Modeling Prep', keyHint: 'In the dashboard, once you have signed up.'
  },
  finnhub: {
    title: 'Finnhub', keyHint: 'At the top of the dashboard.'
  }
}

export const KEYED = Object.keys(PROVIDERS) as KeyedProvider[]

/** The members of a key, as providers call them. */
export const FIELD_LABELS = { api_key: 'API key', key_id: 'Key ID', secret_key: 'Secret key' } as const

export const titleOf = (provider: ProviderName): string =>
  provider === 'sample' ? 'Sample market' : PROVIDERS[provider].title
