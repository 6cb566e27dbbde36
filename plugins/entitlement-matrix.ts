/** Who answers what over a connection: the adapters, the keys that are stored, and what was learned of them. */
import type { FastifyInstance } from 'fastify'
import { listCredentials } from '../db/credentials.ts'
import { PROVIDERS } from '../providers/index.ts'
import type { Capability, Provider } from '../providers/types.ts'
import type { Entitlements, ProviderInfo } from '../schemas/entitlements.ts'
import { CAPABILITIES, type ProviderName } from '../schemas/market.ts'
import type { Refusal } from '../schemas/usage.ts'

type App = Pick<FastifyInstance, 'connections' | 'db' | 'entitlements' | 'usage'>

type Key = 'none needed' | 'missing' | 'refused' | 'stored'

/** How a test of a key ended that the provider did not take. */
const REJECTED = 'FMS_PROVIDER_REJECTED_KEY'
const SAMPLE = 'sample'

/** Every provider, and what it is made for. */
export function listProviders (): ProviderInfo[] {
  return Object.values(PROVIDERS).map(provider => ({
    provider: provider.name,
    title: provider.title,
    credential_fields: [...provider.credential_fields],
    key_url: provider.key_url,
    capabilities: CAPABILITIES.flatMap(capability => {
      const adapter = provider.capabilities[capability]
      if (!adapter) return []
      const { asset_classes: kinds } = adapter
      const keyless = [...provider.keyless?.[capability] ?? []]
      return [{ capability, asset_classes: kinds ? [...kinds] : null, keyless }]
    })
  }))
}

/**
 * The sample market is in it where the connection asks it, and nowhere else.
 * @throws NOT_FOUND
 */
export async function readEntitlements (app: App, connectionId: string): Promise<Entitlements> {
  const { settings } = await app.connections.get(connectionId)
  const isSample = settings.provider_order.includes(SAMPLE)
  const providers = Object.values(PROVIDERS).filter(({ name }) => isSample === (name === SAMPLE))
  const [credentials, refusals, usages] = await Promise.all([
    listCredentials(app.db, connectionId),
    app.entitlements.list(connectionId),
    app.usage.providersOf(connectionId, settings)
  ])
  const keyOf = ({ name, credential_fields: fields }: Provider): Key => {
    if (fields.length === 0) return 'none needed'
    const stored = credentials.find(({ provider }) => provider === name)
    return !stored ? 'missing' : stored.test_status === REJECTED ? 'refused' : 'stored'
  }
  return {
    providers: providers.map(provider => ({
      provider: provider.name,
      title: provider.title,
      has_key: keyOf(provider) !== 'missing',
      windows: usages.find(usage => usage.provider === provider.name)?.windows ?? []
    })),
    capabilities: CAPABILITIES.map(capability => {
      const order = settings.capability_order[capability] ?? settings.provider_order
      return {
        capability,
        providers: providers.map(provider => {
          const refused = refusals.filter(row => row.provider === provider.name && row.capability === capability)
          return {
            provider: provider.name,
            state: stateOf(provider, capability, keyOf(provider), refused),
            place: placeOf(provider.name, order),
            refusals: refused.map(({ provider: _provider, capability: _capability, ...refusal }) => refusal)
          }
        })
      }
    })
  }
}

function stateOf (provider: Provider, capability: Capability, key: Key, refused: Refusal[]) {
  if (!provider.capabilities[capability]) return 'absent'
  if (key === 'refused') return 'key_refused'
  if (key === 'missing') return provider.keyless?.[capability] ? 'keyless' : 'needs_key'
  return refused.length > 0 ? 'refused' : 'supported'
}

function placeOf (provider: ProviderName, order: readonly ProviderName[]): number | null {
  const index = order.indexOf(provider)
  return index < 0 ? null : index + 1
}
