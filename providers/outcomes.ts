/** How asking several providers ended, for the receipt and for the error. */
import { codeOf, problem, type Problem } from '../errors.ts'
import type { Instrument } from '../market/symbols.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { Meta } from '../schemas/receipt.ts'
import { PROVIDERS } from './index.ts'
import type { RouteCall } from './router.ts'
import type { Capability } from './types.ts'

export type Tried = Meta['tried'][number]

/** `FMS_PROVIDER_NOT_ENTITLED` reads `not_entitled` in a receipt. */
export const outcomeOf = (error: unknown) => codeOf(error).replace(/^PROVIDER_/, '').toLowerCase()

/** A row for each way in which symbols failed; the symbols are named where only some of them did. */
export function receipts (provider: ProviderName, failures: Record<string, Problem>, total: number): Tried[] {
  const byOutcome = groupBy(Object.keys(failures), symbol => outcomeOf(failures[symbol]))
  return [...byOutcome].map(([outcome, symbols]) => ({
    provider, outcome, ...(symbols.length < total && { symbols })
  }))
}

/** A provider that was asked, and another answered before it. */
export function slow (provider: ProviderName, instruments: Instrument[] = [], total = 0): Tried[] {
  const symbols = instruments.map(({ symbol }) => symbol)
  return [{ provider, outcome: 'slow', ...(symbols.length < total && { symbols }) }]
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
export function summarise (capability: Capability, call: Pick<RouteCall, 'provider' | 'settings'>, errors: Problem[], tried: Tried[]): Problem {
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

function notConfigured (capability: Capability, { provider, settings }: Pick<RouteCall, 'provider' | 'settings'>): Problem {
  const able = Object.values(PROVIDERS).filter(({ name, capabilities }) => name !== 'sample' && capabilities[capability]).map(({ title }) => title)
  const order = settings.capability_order[capability] ?? settings.provider_order
  return problem('PROVIDER_NOT_CONFIGURED', provider
    ? `${PROVIDERS[provider].title} cannot answer this here: it has no key on this connection, is not in its provider order, or does not offer this. Leave provider out.`
    : `No provider of this connection (${order.join(', ') || 'none'}) has a key and can answer this. ` +
      `Store a key of ${able.join(', ')}: fmcp credential set <connection> <provider>, or PUT /api/connections/:id/credentials/:provider.`)
}
