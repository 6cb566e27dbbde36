import { problem, type Problem } from '../../errors.ts'
import type { Instrument } from '../../market/symbols.ts'
import { belowBase } from '../http.ts'
import { malformed, toFields, type Fields } from '../parse.ts'
import type { ProviderCall, ProviderRequest } from '../types.ts'
import { toResults, toUpstreamSymbol } from './normalise.ts'

const MAX_PAGES = 20

/** Most rows that are asked for at once where the provider allows more. */
export const MAX_ROWS = 10_000

/** Whose plan line a request about no instrument lies behind. */
export const MARKET: Instrument = { symbol: '', asset_class: 'stock' }

/**
 * The bodies of an answer's pages, each asked for when it is wanted. A next page that points to itself is the end.
 * @param below where the next pages must stand: at the same path, or below a part of it
 * @throws PROVIDER_MALFORMED where a next page is not one of the same kind
 */
export async function * pagesOf (request: ProviderRequest, call: ProviderCall, below = request.path,
  maxPages = MAX_PAGES): AsyncGenerator<Fields> {
  let next: ProviderRequest | undefined = request
  let followed: unknown
  for (let page = 0; next && page < maxPages; page++) {
    const body = toFields(await call.request(next))
    yield body
    if (body.next_url === followed) return
    followed = body.next_url
    next = toNextPage(followed, below, request.plan_line)
  }
}

function toNextPage (nextUrl: unknown, below: string, line: string | undefined): ProviderRequest | undefined {
  if (nextUrl === undefined || nextUrl === null) return undefined
  if (typeof nextUrl !== 'string' || !URL.canParse(nextUrl)) throw malformed('polygon', 'a usable next page')
  const { path, query: { apiKey: _, ...query } = {} } = belowBase(nextUrl)
  if (!path.startsWith(below)) throw malformed('polygon', 'a usable next page')
  return { path, query, ...(line !== undefined && { plan_line: line }) }
}

/**
 * What can be read of an answer's rows, page by page until `limit` of them are there.
 * @param read null: the row is left out
 */
export async function fetchRows<T> (request: ProviderRequest, read: (row: Fields) => T | null, limit: number,
  call: ProviderCall): Promise<T[]> {
  const rows: T[] = []
  for await (const body of pagesOf(request, call)) {
    rows.push(...toResults(body).flatMap(row => read(row) ?? []))
    if (rows.length >= limit) break
  }
  return rows
}

/**
 * @param named the ticker in a row, or its list of them; a row without is taken for one about the symbol
 * @throws PROVIDER_MALFORMED where it is about another symbol
 */
export function assertAbout (instrument: Instrument, named: unknown): void {
  const tickers = (Array.isArray(named) ? named : [named]).filter(ticker => typeof ticker === 'string')
  if (tickers.length > 0 && !tickers.includes(toUpstreamSymbol(instrument))) {
    throw malformed('polygon', 'keeping to the symbol asked for')
  }
}

/** The failure of an empty answer that does not say whether the symbol is unknown or has nothing of the kind. */
export function knowsNo (what: string, { symbol }: Instrument): Problem {
  return problem('SYMBOL_NOT_FOUND', `Polygon knows no ${what} of ${symbol}.`, { provider: 'polygon' })
}

/** The refusal of what no plan has: the next provider is asked. */
export function notOffered (sentence: string): Problem {
  return problem('PROVIDER_NOT_ENTITLED', `${sentence} Ask another provider.`, { provider: 'polygon' })
}
