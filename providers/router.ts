import { isProblem, problem, type Problem } from '../errors.ts'
import type { Instrument } from '../market/symbols.ts'
import { PROVIDERS } from './index.ts'
import { outcomeOf, receipts, summarise, type Tried } from './outcomes.ts'
import type { ProviderRequests } from './requests.ts'
import type { Answer, BarsInput, Capabilities, Capability, Credential, PerSymbol, Provider, ProviderCall } from './types.ts'
import type { ConnectionSettings } from '../schemas/control.ts'
import type { AssetClass, BarSeries, ProviderName, Quote } from '../schemas/market.ts'

/** Who asks: which connection's keys and settings are used, and when to give up. */
export interface RouteCall {
  connectionId: string
  settings: ConnectionSettings
  /** Ask this provider only. */
  provider?: ProviderName | undefined
  signal: AbortSignal
  now: Date
}

export interface Routed<T> extends Answer<T> {
  provider: ProviderName
  tried: Tried[]
}

export interface RoutedItem<T> extends Answer<T> {
  provider: ProviderName
}

export interface RoutedItems<T> {
  /** By symbol, in the order asked. */
  items: Record<string, RoutedItem<T>>
  failed: { symbol: string, problem: Problem }[]
  tried: Tried[]
}

/** What one provider answered of what it was asked for. */
export interface ProviderAnswer<T> extends Answer<PerSymbol<T>> {
  provider: ProviderName
}

type PerSymbolCapability = 'quote' | 'bars'

export interface ProviderRouter {
  /** Asks the connection's providers in order until one answers. */
  one: <C extends Exclude<Capability, PerSymbolCapability>>(capability: C, input: Capabilities[C]['input'], call: RouteCall) =>
  Promise<Routed<Capabilities[C]['output']>>
  /** Both ask symbol by symbol: what one provider lacks goes to the next. They throw where no symbol was answered. */
  quotes: (input: Capabilities['quote']['input'], call: RouteCall) => Promise<RoutedItems<Quote>>
  bars: (input: BarsInput, call: RouteCall) => Promise<RoutedItems<BarSeries>>
  /** Asks every provider that can answer, all at once. They throw where none can be asked. */
  everyQuote: (input: Capabilities['quote']['input'], call: RouteCall) => Promise<ProviderAnswer<Quote>[]>
  everyBars: (input: BarsInput, call: RouteCall) => Promise<ProviderAnswer<BarSeries>[]>
  /** Proves a stored key with the provider's cheapest call. */
  test: (
    connectionId: string,
    settings: ConnectionSettings,
    provider: ProviderName,
    signal: AbortSignal
  ) => Promise<TestResult>
}

export interface TestResult {
  /** `ok`, or the code of the error. */
  status: string
  latency_ms: number
  message: string
}

export interface RouterOptions {
  requests: ProviderRequests
  /** Null: none is stored. */
  openCredential: (connectionId: string, provider: ProviderName) => Promise<Credential | null>
  /** Told of an adapter that failed with anything but a problem of the table. */
  onDefect: (error: unknown, provider: ProviderName) => void
}

/** An adapter seen without its capability's name. */
interface Adapter<I, O> {
  asset_classes?: readonly AssetClass[]
  fetch: (input: I, call: ProviderCall) => Promise<Answer<O>>
}

/** The adapter of one capability; undefined where the provider lacks it. */
type AdapterOf<I, O> = (provider: Provider) => Adapter<I, O> | undefined

/** One provider that may be asked now, with its opened key, and what it can be asked for. */
interface Candidate<I, O> {
  provider: Provider
  adapter: Adapter<I, O>
  call: ProviderCall
  instruments: Instrument[]
}

/** The router over all providers: order, keys, failover and the receipt of what was tried. */
export function createRouter ({ requests, openCredential, onDefect }: RouterOptions): ProviderRouter {
  function toProblem (error: unknown, { name, title }: Provider): Problem {
    if (isProblem(error)) return error
    onDefect(error, name)
    return problem('PROVIDER_MALFORMED', `${title} sent an answer that could not be read. Ask another provider.`, { provider: name, cause: error })
  }

  /**
   * The providers that can be asked, in order.
   * @param remaining read anew before each: the instruments that have no answer yet
   */
  async function * candidates<I, O> (
    capability: Capability,
    pick: AdapterOf<I, O>,
    remaining: () => Instrument[],
    call: RouteCall
  ): AsyncGenerator<Candidate<I, O>> {
    const { provider_order: order, capability_order: orders } = call.settings
    const refusals = await requests.refusalsOf(call.connectionId)
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
      const opened = requests.open({ ...call, provider, credential, capability, refusals })
      yield { provider, adapter, call: opened, instruments }
    }
  }

  async function each<I extends { instruments: Instrument[] }, T> (
    capability: PerSymbolCapability,
    pick: AdapterOf<I, PerSymbol<T>>,
    input: I,
    call: RouteCall
  ): Promise<RoutedItems<T>> {
    const items: Record<string, RoutedItem<T>> = {}
    const errors: Record<string, Problem[]> = {}
    const tried: Tried[] = []
    const asked = input.instruments
    let remaining = asked
    for await (const candidate of candidates(capability, pick, () => remaining, call)) {
      const { provider, instruments } = candidate
      if (!instruments.length) continue
      const { data: { items: found, failures }, ...basis } = await attempt(candidate, { ...input, instruments }, call)
      for (const [symbol, data] of Object.entries(found)) items[symbol] = { ...basis, data, provider: provider.name }
      for (const [symbol, error] of Object.entries(failures)) (errors[symbol] ??= []).push(error)
      tried.push(...receipts(provider.name, failures, asked.length))
      remaining = remaining.filter(({ symbol }) => !items[symbol])
      if (!remaining.length) break
    }
    if (remaining.length === asked.length) throw summarise(capability, call, Object.values(errors).flat(), tried)
    return {
      items: Object.fromEntries(asked.flatMap(({ symbol }) => items[symbol] ? [[symbol, items[symbol]]] : [])),
      failed: remaining.map(({ symbol }) => ({
        symbol,
        problem: summarise(capability, call, errors[symbol] ?? [], [])
      })),
      tried
    }
  }

  /** A failure of the whole request is every symbol's failure. */
  async function attempt<I extends { instruments: Instrument[] }, T> (
    { provider, adapter, call }: Candidate<I, PerSymbol<T>>,
    input: I,
    { signal }: RouteCall
  ): Promise<Answer<PerSymbol<T>>> {
    try {
      return await adapter.fetch(input, call)
    } catch (error) {
      signal.throwIfAborted()
      const failure = toProblem(error, provider)
      const failures = Object.fromEntries(input.instruments.map(({ symbol }) => [symbol, failure]))
      return { data: { items: {}, failures }, as_of: null }
    }
  }

  async function every<I extends { instruments: Instrument[] }, T> (
    capability: PerSymbolCapability,
    pick: AdapterOf<I, PerSymbol<T>>,
    input: I,
    call: RouteCall
  ): Promise<ProviderAnswer<T>[]> {
    const answers: Promise<ProviderAnswer<T>>[] = []
    for await (const candidate of candidates(capability, pick, () => input.instruments, call)) {
      const { provider: { name }, instruments } = candidate
      if (!instruments.length) continue
      answers.push(attempt(candidate, { ...input, instruments }, call).then(answer => ({ ...answer, provider: name })))
    }
    if (!answers.length) throw summarise(capability, call, [], [])
    return Promise.all(answers)
  }

  return {
    quotes: (input, call) => each('quote', provider => provider.capabilities.quote, input, call),
    bars: (input, call) => each('bars', provider => provider.capabilities.bars, input, call),

    everyQuote: (input, call) => every('quote', provider => provider.capabilities.quote, input, call),
    everyBars: (input, call) => every('bars', provider => provider.capabilities.bars, input, call),

    async one (capability, input, call) {
      const wanted = instrumentsOf(input)
      const tried: Tried[] = []
      const errors: Problem[] = []
      type Output = Capabilities[typeof capability]['output']
      const pick: AdapterOf<typeof input, Output> = provider => provider.capabilities[capability]
      for await (const candidate of candidates(capability, pick, () => wanted, call)) {
        const { provider, adapter, call: providerCall, instruments } = candidate
        if (instruments.length < wanted.length) continue
        try {
          return { ...await adapter.fetch(input, providerCall), provider: provider.name, tried }
        } catch (error) {
          call.signal.throwIfAborted()
          errors.push(toProblem(error, provider))
          tried.push({ provider: provider.name, outcome: outcomeOf(error) })
        }
      }
      throw summarise(capability, call, errors, tried)
    },

    async test (connectionId, settings, name, signal) {
      const provider = PROVIDERS[name]
      const credential = await openCredential(connectionId, name)
      if (!credential) throw problem('PROVIDER_NOT_CONFIGURED', `This connection has no ${provider.title} key. Store one first.`, { provider: name })
      const startedAt = performance.now()
      const latency = () => Math.round(performance.now() - startedAt)
      try {
        const opening = { connectionId, settings, signal, now: new Date(), provider, credential, refusals: [] }
        await provider.test(requests.open(opening))
        return { status: 'ok', latency_ms: latency(), message: `${provider.title} accepted the key.` }
      } catch (error) {
        signal.throwIfAborted()
        const { code, message } = toProblem(error, provider)
        return { status: code, latency_ms: latency(), message }
      }
    }
  }
}

function instrumentsOf (input: object): Instrument[] {
  if ('instruments' in input) return input.instruments as Instrument[]
  return ['instrument', 'underlying'].flatMap(name => name in input ? [(input as Record<string, Instrument>)[name]!] : [])
}
