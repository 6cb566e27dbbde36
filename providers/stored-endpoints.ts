import type { ProviderName } from '../schemas/market.ts'
import type { Provider, ProviderRequest, ProviderSettings, ProviderUrls } from './types.ts'

type Endpoints = Pick<ProviderSettings, 'endpoints'>

/** The provider that an endpoint stands for: `alpaca_data` is one of `alpaca`. */
export const providerOf = (endpoint: string) => endpoint.split('_')[0] as ProviderName

/** Where a request goes. `endpoint` is set where a connection, and not the operator, says so. */
export function toBase (
  provider: Provider, { host = 'main' }: ProviderRequest, urls: ProviderUrls, settings: ProviderSettings
): { base: string | undefined, endpoint?: string } {
  const trusted = provider.baseUrls(urls, settings)[host]
  const stored = provider.baseUrls({ ...urls, ...settings.endpoints }, settings)[host]?.replace(/\/+$/, '')
  return stored === undefined || stored === trusted ? { base: trusted } : { base: stored, endpoint: stored }
}

/**
 * What a connection puts in the place of a provider's hosts, as one text: what is learned of a key at one endpoint is
 * not known at another. Empty where it puts nothing.
 */
export function endpointsOf (provider: ProviderName, { endpoints = {} }: Endpoints): string {
  return Object.entries(endpoints).filter(([name]) => providerOf(name) === provider)
    .map(pair => pair.join('=')).sort().join(' ')
}

/** Providers whose keys would go to another server than before, by the owner's word. */
export function redirectedProviders (before: Endpoints, after: Endpoints): ProviderName[] {
  const originOf = (url: string | undefined) => url && new URL(url).origin
  const names = Object.keys(after.endpoints ?? {}) as (keyof ProviderUrls)[]
  const moved = names.filter(name => originOf(after.endpoints?.[name]) !== originOf(before.endpoints?.[name]))
  return [...new Set(moved.map(providerOf))]
}
