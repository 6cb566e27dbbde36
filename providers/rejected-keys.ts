import { problem, type Problem } from '../errors.ts'
import { createLru } from '../lru.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { Provider } from './types.ts'

/** The keys that a provider does not know: asking with one again would get its address blocked. */
export interface RejectedKeys {
  /** @param ledger stands for the key */
  remember: (connectionId: string, provider: ProviderName, ledger: string) => void
  /** The error to answer with; undefined where the key may be asked with. */
  find: (connectionId: string, provider: Provider, ledger: string) => Problem | undefined
  /** Without a provider: all of the connection; without a connection: all. */
  forget: (connectionId?: string, provider?: ProviderName) => void
}

const HOLDS_MS = 60_000

export function createRejectedKeys (now: () => number = Date.now): RejectedKeys {
  const known = createLru<{ ledger: string, at: number }>(2000)

  return {
    remember (connectionId, provider, ledger) { known.set(`${connectionId} ${provider}`, { ledger, at: now() }) },

    find (connectionId, { name, title }, ledger) {
      const rejected = known.get(`${connectionId} ${name}`)
      const leftMs = rejected?.ledger === ledger ? rejected.at + HOLDS_MS - now() : 0
      if (!rejected || leftMs <= 0) return undefined
      return problem('PROVIDER_REJECTED_KEY', `${title} refused this key at ${new Date(rejected.at).toISOString()}; it was not asked again. ` +
        `Check the key at the provider and store or test it again, or wait ${Math.ceil(leftMs / 1000)} s.`, { provider: name })
    },

    forget (connectionId, provider) {
      for (const id of known.keys()) {
        const [connection, name] = id.split(' ')
        if ((connectionId ?? connection) === connection && (provider ?? name) === name) known.delete(id)
      }
    }
  }
}
