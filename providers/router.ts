import { codeOf, isProblem, problem, type Problem } from '../errors.ts'
import type { Instrument } from '../market/symbols.ts'
import type { ProviderHttp } from './http.ts'
import { PROVIDERS } from './index.ts'
import type { Answer, BarsInput, Capabilities, Capability, Credential, PerSymbol, Provider, ProviderCall } from './types.ts'
import type { ConnectionSettings } from '../schemas/control.ts'
import type { AssetClass, BarSeries, ProviderName, Quote } from '../schemas/market.ts'
import type { Meta } from '../schemas/receipt.ts'

/** Who asks: which connection's keys and settings are used, and when to give up. */
export interface RouteCall {
  connectionId: string
  settings: ConnectionSettings
  /** Ask this provider only. */
  provider?: ProviderName | undefined
  signal: AbortSignal
  now: Date
}

export type Tried = Meta['tried'][number]

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

type PerSymbolCapability = 'quote' | 'bars'

export interface ProviderRouter {
  /** Asks the connection's providers in order until one answers. */
  one: <C extends Exclude<Capability, PerSymbolCapability>>(capability: C, input: Capabilities[C]['input'], call: RouteCall) =>
  Promise<Routed<Capabilities[C]['output']>>
  /** Both ask symbol by symbol: what one provider lacks goes to the next. They throw where no symbol was answered. */
  quotes: (input: Capabilities['quote']['input'], call: RouteCall) => Promise<RoutedItems<Quote>>
  bars: (input: BarsInput, call: RouteCall) => Promise<RoutedItems<BarSeries>>
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
  http: ProviderHttp
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

/** `FMS_PROVIDER_NOT_ENTITLED` reads `not_entitled` in a receipt. */
const outcomeOf = (error: unknown) => codeOf(error).replace(/^PROVIDER_/, '').toLowerCase()

/** The router over all providers: order, keys, failover and the receipt of what was tried. */
export function createRouter ({ http, openCredential, onDefect }: RouterOptions): ProviderRouter {
  function toProblem (error: unknown, { name, title }: Provider): Problem {
    if (isProblem(error)) return error
    onDefect(error, name)
    return problem('PROVIDER_MALFORMED', `${title} sent an answer that could not be read. Ask another provider.`, { provider: name, cause: error })
  }

  function callOf (provider: Provider, credential: Credential | null, { settings, signal, now }: Pick<RouteCall, 'settings' | 'signal' | 'now'>): ProviderCall {
    return { settings, now, request: request => http.send(request, { provider, credential, settings, signal }) }
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
    for (const name of call.settings.provider_order) {
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
      yield { provider, adapter, call: callOf(provider, credential, call), instruments }
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

  return {
    quotes: (input, call) => each('quote', provider => provider.capabilities.quote, input, call),
    bars: (input, call) => each('bars', provider => provider.capabilities.bars, input, call),

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
        await provider.test(callOf(provider, credential, { settings, signal, now: new Date() }))
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
  return 'instrument' in input ? [input.instrument as Instrument] : []
}

/** A row for each way in which symbols failed; the symbols are named where only some of them did. */
function receipts (provider: ProviderName, failures: Record<string, Problem>, total: number): Tried[] {
  const byOutcome = groupBy(Object.keys(failures), symbol => outcomeOf(failures[symbol]))
  return [...byOutcome].map(([outcome, symbols]) => ({
    provider, outcome, ...(symbols.length < total && { symbols })
  }))
}

function groupBy<T, K> (rows: readonly T[], keyOf: (row: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const row of rows) groups.set(keyOf(row), [...groups.get(keyOf(row)) ?? [], row])
  return groups
}

/**
 * The one error that a caller sees of several providers' errors: an unknown symbol is a fact and goes first, otherwise
 * the first provider's reason.
 */
function summarise (capability: Capability, call: RouteCall, errors: Problem[], tried: Tried[]): Problem {
  const first = errors.find(error => codeOf(error) === 'SYMBOL_NOT_FOUND') ?? errors[0]
  if (!first) return notConfigured(capability, call)
  const { provider, retry_after_seconds: retry } = first
  return problem(codeOf(first), first.message + others(tried), {
    ...(provider && { provider }),
    ...(retry !== undefined && { retry_after_seconds: retry }),
    ...(tried.length && { tried }),
    cause: first.cause
  })
}

/** The rest of the sentence, where more than one provider was asked. */
function others (tried: Tried[]): string {
  if (tried.length < 2) return ''
  const [, ...rest] = tried
  const isUnknown = tried.every(({ outcome }) => outcome === 'symbol_not_found')
  if (isUnknown) return ` Nor do ${rest.map(({ provider }) => provider).join(', ')}.`
  return ` Asked: ${tried.map(({ provider, outcome }) => `${provider} (${outcome})`).join(', ')}.`
}

function notConfigured (capability: Capability, { provider, settings }: RouteCall): Problem {
  const able = Object.values(PROVIDERS).filter(({ name, capabilities }) => name !== 'sample' && capabilities[capability]).map(({ title }) => title)
  return problem('PROVIDER_NOT_CONFIGURED', provider
    ? `${PROVIDERS[provider].title} cannot answer this here: it has no key on this connection, is not in its provider order, or does not offer this. Leave provider out.`
    : `No provider of this connection (${settings.provider_order.join(', ') || 'none'}) has a key and can answer this. ` +
      `Store a key of ${able.join(', ')}: fmcp credential set <connection> <provider>, or PUT /api/connections/:id/credentials/:provider.`)
}
