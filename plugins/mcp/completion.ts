import type { CompleteRequestParams, CompleteResult } from '@modelcontextprotocol/server'
import { dayIn, NEW_YORK } from '../../market/time.ts'
import { PERIODS } from '../../schemas/fundamentals.ts'
import { invalid, toCaller, type McpCall } from './call.ts'
import { PROMPTS, type Completes } from './prompts.ts'
import { CALENDAR, FIRST_YEAR, INSTRUMENT, LAST_YEAR, RESOURCES } from './resources.ts'
import type { Search } from './search.ts'

type Completion = CompleteResult['completion']

/** The protocol's most. */
const MAX_VALUES = 100
const SYMBOLS = 10
/** Nobody waits longer for what would have been typed meanwhile. */
const PATIENCE_MS = 3000
/** What `search_symbols` takes. */
const MAX_QUERY = 60

/** Makes the answer to `completion/complete`. Failures of a search are no suggestions, not errors. */
export function createComplete (search: Search): (params: CompleteRequestParams, call: McpCall) => Promise<Completion> {
  async function completeSymbol (typed: string, call: McpCall, taken: string[], kind?: 'stock'): Promise<string[]> {
    const query = typed.trim()
    if (query === '' || query.length > MAX_QUERY) return []
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(PATIENCE_MS)])
    try {
      const wanted = { query, limit: SYMBOLS, ...(kind && { asset_class: kind }) }
      const { matches } = await search(wanted, { ...toCaller(call), signal })
      const fits = (symbol: string) => symbol.startsWith(query.toUpperCase())
      const symbols = matches.map(({ symbol }) => symbol).filter(symbol => !taken.includes(symbol))
      return [...symbols.filter(fits), ...symbols.filter(symbol => !fits(symbol))]
    } catch {
      return []
    }
  }

  /** A list completes its last element; the value is the whole list. */
  async function completeList (typed: string, call: McpCall, kind?: 'stock'): Promise<string[]> {
    const parts = typed.split(',')
    const last = parts.pop() ?? ''
    const before = parts.map(part => part.trim().toUpperCase()).filter(Boolean)
    const symbols = await completeSymbol(last, call, before, kind)
    return symbols.map(symbol => [...before, symbol].join(','))
  }

  const complete: Record<Completes, (typed: string, call: McpCall) => string[] | Promise<string[]>> = {
    year: typed => yearsByNearness().filter(year => year.startsWith(typed)),
    period: typed => PERIODS.filter(period => period.startsWith(typed)),
    symbol: (typed, call) => completeSymbol(typed, call, []),
    company: (typed, call) => completeSymbol(typed, call, [], 'stock'),
    symbols: (typed, call) => completeList(typed, call),
    companies: (typed, call) => completeList(typed, call, 'stock')
  }

  return async ({ ref, argument }, call) => {
    const completes = whatCompletes(ref, argument.name)
    return toCompletion(completes ? await complete[completes](argument.value, call) : [])
  }
}

/** @throws -32602 where the reference names nothing of this server */
function whatCompletes (ref: CompleteRequestParams['ref'], argument: string): Completes | undefined {
  if (ref.type === 'ref/prompt') {
    const prompt = PROMPTS.find(({ name }) => name === ref.name)
    if (!prompt) throw invalid(`There is no prompt "${ref.name.slice(0, 40)}".`)
    return prompt.arguments.find(({ name }) => name === argument)?.completes
  }
  if (ref.uri === CALENDAR) return argument === 'year' ? 'year' : undefined
  if (ref.uri === INSTRUMENT) return argument === 'symbol' ? 'symbol' : undefined
  if (RESOURCES.some(({ uri }) => uri === ref.uri)) return undefined
  throw invalid(`There is no resource template "${ref.uri.slice(0, 80)}".`)
}

/** This year first, then next year, last year and so on. */
function yearsByNearness (): string[] {
  const now = Number(dayIn(NEW_YORK, new Date()).slice(0, 4))
  const years = Array.from({ length: LAST_YEAR - FIRST_YEAR + 1 }, (_, i) => FIRST_YEAR + i)
  return years.sort((a, b) => Math.abs(a - now) - Math.abs(b - now) || b - a).map(String)
}

function toCompletion (values: string[]): Completion {
  return { values: values.slice(0, MAX_VALUES), total: values.length, hasMore: values.length > MAX_VALUES }
}
