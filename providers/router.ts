import type { FastifyBaseLogger } from 'fastify'
import { isProblem, problem, type Problem } from '../errors.ts'
import type { Instrument } from '../market/symbols.ts'
import { candidates, type AdapterOf, type Candidate } from './candidates.ts'
import { createLatencies, race, type Settled } from './hedge.ts'
import { PROVIDERS } from './index.ts'
import { outcomeOf, receipts, slow, summarise, type Tried } from './outcomes.ts'
import type { ProviderRequests } from './requests.ts'
import type { Answer, BarsInput, Capabilities, Capability, Credential, PerSymbol, Provider } from './types.ts'
import type { ConnectionSettings } from '../schemas/control.ts'
import type { BarSeries, ProviderName, Quote } from '../schemas/market.ts'

/** Who asks: which connection's keys and settings are used, and when to give up. */
export interface RouteCall {
  connectionId: string
  settings: ConnectionSettings
  /** Ask this provider only. */
  provider?: ProviderName | undefined
  /** Whose share of the keys' quota it takes. */
  sessionId?: string
  /** Nobody waits for it: it leaves a reserve of the quota. */
  background?: boolean
  /** Whose lines carry the id of the request that it is for. */
  log?: Pick<FastifyBaseLogger, 'debug' | 'warn' | 'error'>
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
  onDefect: (error: unknown, provider: ProviderName, log: RouteCall['log']) => void
}

interface Asking<I, O, T> {
  run: (candidate: Candidate<I, O>) => Promise<T>
  /** What came of one. True: no other is needed. */
  settle: (candidate: Candidate<I, O>, result: Settled<T>) => boolean
  /** It was asked, and another answered before it. */
  passOver: (candidate: Candidate<I, O>) => void
}

/** The router over all providers: order, keys, failover and the receipt of what was tried. */
export function createRouter (options: RouterOptions): ProviderRouter {
  const { requests, openCredential, onDefect } = options
  const latencies = createLatencies()

  function toProblem (error: unknown, { name, title }: Provider, log: RouteCall['log']): Problem {
    if (isProblem(error)) return error
    onDefect(error, name, log)
    return problem('PROVIDER_MALFORMED', `${title} sent an answer that could not be read. Ask another provider.`, { provider: name, cause: error })
  }

  /** Asks the candidates in order; with hedging, two at a time where the first is slower than it usually is. */
  function ask<I, O, T> (
    capability: Capability,
    call: RouteCall,
    pool: AsyncIterator<Candidate<I, O>, undefined>,
    { run, settle, passOver }: Asking<I, O, T>
  ): Promise<void> {
    const mayHedge = call.settings.hedging && !call.background
    return race<Candidate<I, O>, T>({
      next: async () => (await pool.next()).value,
      run: candidate => {
        candidate.startedAt = performance.now()
        return run(candidate)
      },
      patienceMs: ({ provider: { name } }) => mayHedge ? latencies.p95(name, capability) : undefined,
      settle (candidate, result) {
        call.signal.throwIfAborted()
        return settle(candidate, result)
      },
      giveUp (candidate) {
        // How long it took so far: a p95 of the quick answers alone would sink and sink.
        record(capability, candidate)
        passOver(candidate)
        candidate.abort(new Error('another provider was faster'))
      }
    })
  }

  function record (capability: Capability, { provider, startedAt }: { provider: Provider, startedAt: number }): void {
    latencies.record(provider.name, capability, performance.now() - startedAt)
  }

  async function each<I extends { instruments: Instrument[] }, T> (
    capability: PerSymbolCapability,
    pick: AdapterOf<I, PerSymbol<T>>,
    input: I,
    call: RouteCall
  ): Promise<RoutedItems<T>> {
    const items: Record<string, RoutedItem<T>> = {}
    const errors: Record<string, Problem[]> = {}
    const tried: Tried[][] = []
    const asked = input.instruments
    let remaining = asked
    const wanted = { remaining: () => remaining, fewest: 1 }
    const pool = candidates<I, PerSymbol<T>>(options, capability, pick, wanted, call)
    await ask<I, PerSymbol<T>, Answer<PerSymbol<T>>>(capability, call, pool, {
      run: candidate => attempt(candidate, { ...input, instruments: candidate.instruments }),
      settle (candidate, result) {
        if ('error' in result) throw result.error
        const { provider: { name }, place } = candidate
        const { data: { items: found, failures }, ...basis } = result.value
        if (Object.keys(found).length) record(capability, candidate)
        for (const [symbol, data] of Object.entries(found)) items[symbol] ??= { ...basis, data, provider: name }
        for (const [symbol, error] of Object.entries(failures)) (errors[symbol] ??= []).push(error)
        tried[place] = receipts(name, failures, asked.length)
        remaining = remaining.filter(({ symbol }) => !items[symbol])
        return !remaining.length
      },
      passOver ({ provider: { name }, place, instruments }) {
        tried[place] = slow(name, instruments, asked.length)
      }
    })
    if (remaining.length === asked.length) throw summarise(capability, call, Object.values(errors).flat(), tried.flat())
    return {
      items: Object.fromEntries(asked.flatMap(({ symbol }) => items[symbol] ? [[symbol, items[symbol]]] : [])),
      failed: remaining.map(({ symbol }) => ({
        symbol,
        problem: summarise(capability, call, errors[symbol] ?? [], [])
      })),
      tried: tried.flat()
    }
  }

  /** A failure of the whole request is every symbol's failure. */
  async function attempt<I extends { instruments: Instrument[] }, T> (
    { provider, adapter, call, signal, log }: Candidate<I, PerSymbol<T>>,
    input: I
  ): Promise<Answer<PerSymbol<T>>> {
    try {
      return await adapter.fetch(input, call)
    } catch (error) {
      signal.throwIfAborted()
      const failure = toProblem(error, provider, log)
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
    const wanted = { remaining: () => input.instruments, fewest: 1 }
    for await (const candidate of candidates(options, capability, pick, wanted, call)) {
      const { provider: { name }, instruments } = candidate
      answers.push(attempt(candidate, { ...input, instruments }).then(answer => ({ ...answer, provider: name })))
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
      const tried: Tried[][] = []
      const errors: Problem[] = []
      type Input = typeof input
      type Output = Capabilities[typeof capability]['output']
      let routed: Routed<Output> | undefined
      const pick: AdapterOf<Input, Output> = provider => provider.capabilities[capability]
      const pool = candidates(options, capability, pick, { remaining: () => wanted, fewest: wanted.length }, call)
      await ask<Input, Output, Answer<Output>>(capability, call, pool, {
        run: ({ adapter, call: providerCall }) => adapter.fetch(input, providerCall),
        settle (candidate, result) {
          const { provider, place } = candidate
          if ('value' in result) {
            record(capability, candidate)
            routed = { ...result.value, provider: provider.name, tried: [] }
            return true
          }
          errors.push(toProblem(result.error, provider, call.log))
          tried[place] = [{ provider: provider.name, outcome: outcomeOf(result.error) }]
          return false
        },
        passOver ({ provider, place }) { tried[place] = slow(provider.name) }
      })
      if (routed) return { ...routed, tried: tried.flat() }
      throw summarise(capability, call, errors, tried.flat())
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
        const { code, message } = toProblem(error, provider, undefined)
        return { status: code, latency_ms: latency(), message }
      }
    }
  }
}

function instrumentsOf (input: object): Instrument[] {
  if ('instruments' in input) return input.instruments as Instrument[]
  return ['instrument', 'underlying'].flatMap(name => name in input ? [(input as Record<string, Instrument>)[name]!] : [])
}
