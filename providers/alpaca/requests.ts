/** Ways of asking that several capabilities share. */
import { codeOf, isProblem } from '../../errors.ts'
import type { Instrument } from '../../market/symbols.ts'
import type { AssetClass } from '../../schemas/market.ts'
import { assertAnswered, notFound, toFields, type Fields } from '../parse.ts'
import type { PerSymbol, ProviderCall, ProviderRequest } from '../types.ts'
import { toUpstreamSymbol } from './normalise.ts'

const MAX_PAGES = 20

export function byAssetClass (instruments: readonly Instrument[]): Instrument[][] {
  const groups = new Map<AssetClass, Instrument[]>()
  for (const instrument of instruments) {
    groups.set(instrument.asset_class, [...groups.get(instrument.asset_class) ?? [], instrument])
  }
  return [...groups.values()]
}

export function chunksOf<T> (list: readonly T[], size: number): T[][] {
  const starts = Array.from({ length: Math.ceil(list.length / size) }, (_, index) => index * size)
  return starts.map(start => list.slice(start, start + size))
}

export function listOf (instruments: readonly Instrument[]): string {
  return instruments.map(toUpstreamSymbol).join(',')
}

/** Asks for the parts of a request side by side: the failure of one fails its symbols only. */
export async function settleParts<T> (parts: readonly Instrument[][],
  ask: (part: Instrument[]) => Promise<PerSymbol<T>>): Promise<PerSymbol<T>> {
  const joined: PerSymbol<T> = { items: {}, failures: {} }
  await Promise.all(parts.map(async part => {
    try {
      const { items, failures } = await ask(part)
      Object.assign(joined.items, items)
      Object.assign(joined.failures, failures)
    } catch (error) {
      if (!isProblem(error)) throw error
      for (const { symbol } of part) joined.failures[symbol] = error
    }
  }))
  return assertAnswered(joined)
}

/** One symbol that Alpaca calls invalid fails its whole request: it is set aside, and the rest asked for again. */
export async function askWithoutInvalid<T> (part: Instrument[],
  ask: (known: Instrument[]) => Promise<PerSymbol<T>>): Promise<PerSymbol<T>> {
  try {
    return await ask(part)
  } catch (error) {
    if (!isProblem(error) || codeOf(error) !== 'SYMBOL_NOT_FOUND') throw error
    const words = new Set(error.message.toUpperCase().split(/[^A-Z0-9./]+/).map(word => word.replace(/\.+$/, '')))
    const invalid = part.filter(instrument => words.has(toUpstreamSymbol(instrument)))
    const rest = part.filter(instrument => !invalid.includes(instrument))
    if (invalid.length === 0 || rest.length === 0) throw error
    const answer = await askWithoutInvalid(rest, ask)
    for (const { symbol } of invalid) answer.failures[symbol] = notFound('alpaca', symbol)
    return answer
  }
}

/**
 * Asks one source after the other, as long as the plan refuses.
 * @throws the first refusal, where the plan refuses all
 */
export async function askEntitled<S, T> (sources: readonly S[], ask: (source: S) => Promise<T>): Promise<T> {
  let refusal: unknown
  for (const source of sources) {
    try {
      return await ask(source)
    } catch (error) {
      if (codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
      refusal ??= error
    }
  }
  throw refusal
}

/** The bodies of an answer's pages, asked for one by one as they are read. */
export async function * pagesOf (request: ProviderRequest, call: ProviderCall): AsyncGenerator<Fields> {
  let pageToken: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const body = toFields(await call.request({ ...request, query: { ...request.query, page_token: pageToken } }))
    yield body
    const { next_page_token: next } = body
    if (typeof next !== 'string' || !next || next === pageToken) return
    pageToken = next
  }
}
