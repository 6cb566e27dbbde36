import { codeOf, isProblem, problem } from '../errors.ts'
import type { ToolCall } from './define.ts'

const SEARCH_MS = 3_000

/** The same error with near spellings, where a provider's search finds any in time. */
export async function withSuggestions (
  error: unknown,
  args: Record<string, unknown>,
  call: ToolCall
): Promise<unknown> {
  const [symbol] = [args['symbol'] ?? args['symbols']].flat()
  if (!isProblem(error) || codeOf(error) !== 'SYMBOL_NOT_FOUND' || typeof symbol !== 'string') return error
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(SEARCH_MS)])
  const found = await call.route.one('search', { query: symbol.toUpperCase(), limit: 5 }, { ...call, provider: undefined, signal })
    .catch(() => undefined)
  const suggestions = found?.data.map(match => match.symbol).filter(other => other !== symbol.toUpperCase()) ?? []
  const hint = suggestions.length ? ` Near spellings: ${suggestions.join(', ')}.` : ' search_symbols finds a symbol by name.'
  return problem('SYMBOL_NOT_FOUND', error.message + hint, { ...(error.tried && { tried: error.tried }), suggestions, cause: error.cause })
}
