import type { ProviderName } from './api/types.ts'

/** What a page says of a provider that a key can be stored for. */
export interface ProviderFacts {
  title: string
  /** What its key consists of: the member of the request, and what the provider calls it. */
  fields: { name: 'api_key' | 'key_id' | 'secret_key', label: string }[]
  /** Where its owner finds it. */
  keyUrl: string
  keyHint: string
}

export const PROVIDERS: Record<Exclude<ProviderName, 'sample'>, ProviderFacts> = {
  alpaca: {
    title: 'Alpaca',
    fields: [{ name: 'key_id', label: 'Key ID' }, { name: 'secret_key', label: 'Secret key' }],
    keyUrl: 'https://app.alpaca.markets/paper/dashboard/overview',
    keyHint: 'In the dashboard, under “API Keys”. A paper account is free and enough.'
  },
  polygon: {
    title: 'Polygon / Massive',
    fields: [{ name: 'api_key', label: 'API key' }],
    keyUrl: 'https://massive.com/dashboard/keys',
    keyHint: 'In the dashboard, under “Keys”.'
  },
  fmp: {
    title: 'Financial Modeling Prep',
    fields: [{ name: 'api_key', label: 'API key' }],
    keyUrl: 'https://site.financialmodelingprep.com/developer/docs/dashboard',
    keyHint: 'In the dashboard, once you have signed up.'
  },
  finnhub: {
    title: 'Finnhub',
    fields: [{ name: 'api_key', label: 'API key' }],
    keyUrl: 'https://finnhub.io/dashboard',
    keyHint: 'At the top of the dashboard.'
  }
}

export type KeyedProvider = keyof typeof PROVIDERS
export const KEYED = Object.keys(PROVIDERS) as KeyedProvider[]

export const titleOf = (provider: ProviderName): string =>
  provider === 'sample' ? 'Sample market' : PROVIDERS[provider].title
