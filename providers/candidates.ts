import type { Instrument } from '../market/symbols.ts'
import type { AssetClass } from '../schemas/market.ts'
import { PROVIDERS } from './index.ts'
import type { RouteCall, RouterOptions } from './router.ts'
import type { Answer, Capability, Provider, ProviderCall } from './types.ts'

/** An adapter seen without its capability's name. */
interface Adapter<I, O> {
  asset_classes?: readonly AssetClass[]
  fetch: (input: I, call: ProviderCall) => Promise<Answer<O>>
}

/** The adapter of one capability; undefined where the provider lacks it. */
export type AdapterOf<I, O> = (provider: Provider) => Adapter<I, O> | undefined

/** One provider that may be asked now, with its opened key, and what it can be asked for. */
export interface Candidate<I, O> {
  provider: Provider
  adapter: Adapter<I, O>
  call: ProviderCall
  instruments: Instrument[]
  /** From 0, in the order asked. */
  place: number
  startedAt: number
  /** Ends with the caller, or where another provider was faster. */
  signal: AbortSignal
  abort: (reason: Error) => void
  log: RouteCall['log']
}

/**
 * The providers that can be asked, in order.
 * @param wanted.remaining read anew before each: the instruments that have no answer yet
 * @param wanted.fewest instruments that it must be able to answer, to be asked at all
 */
export async function * candidates<I, O> (
  { requests, openCredential }: Pick<RouterOptions, 'requests' | 'openCredential'>,
  capability: Capability,
  pick: AdapterOf<I, O>,
  { remaining, fewest }: { remaining: () => Instrument[], fewest: number },
  call: RouteCall
): AsyncGenerator<Candidate<I, O>, undefined> {
  const { provider_order: order, capability_order: orders } = call.settings
  const refusals = await requests.refusalsOf(call.connectionId)
  let place = 0
  for (const name of orders[capability] ?? order) {
    if (call.provider && name !== call.provider) continue
    const provider = PROVIDERS[name]
    const adapter = pick(provider)
    if (!adapter) continue
    const needsKey = provider.credential_fields.length > 0
    const credential = needsKey ? await openCredential(call.connectionId, name) : null
    const keyless = provider.keyless?.[capability]
    if (needsKey && !credential && !keyless) continue
    const instruments = remaining().filter(({ asset_class: kind }) =>
      (adapter.asset_classes?.includes(kind) ?? true) && (!needsKey || credential || keyless?.includes(kind)))
    if (instruments.length < fewest) continue
    const controller = new AbortController()
    const signal = AbortSignal.any([call.signal, controller.signal])
    yield {
      provider,
      adapter,
      call: requests.open({ ...call, signal, provider, credential, capability, refusals }),
      instruments,
      place: place++,
      startedAt: performance.now(),
      signal,
      abort: reason => controller.abort(reason),
      log: call.log
    }
  }
}
