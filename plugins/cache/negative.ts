/** A symbol that nobody knows is a fact, and is kept for a minute: the one failure that is cached. */
import { codeOf, isProblem, problem, type Problem, type ProblemMembers } from '../../errors.ts'
import type { CacheEntry } from './driver.ts'

const NEGATIVE_MS = 60_000

interface Negative { unknown_symbol: { detail: string, members: ProblemMembers } }

/** Undefined where the failure is none to keep. */
export function toNegativeEntry (error: unknown, now: number): CacheEntry | undefined {
  if (!isProblem(error) || codeOf(error) !== 'SYMBOL_NOT_FOUND') return undefined
  const { provider, suggestions, tried, errors } = error
  const members = {
    ...(provider && { provider }),
    ...(suggestions && { suggestions }),
    ...(tried && { tried }),
    ...(errors && { errors })
  }
  const value: Negative = { unknown_symbol: { detail: error.message, members } }
  return { value, stored_at: now, fresh_until: now + NEGATIVE_MS, expires_at: now + NEGATIVE_MS }
}

export function isNegative (value: unknown): value is Negative {
  return typeof value === 'object' && value !== null && 'unknown_symbol' in value
}

/** The failure, as it was thrown the first time. */
export function toProblem ({ unknown_symbol: { detail, members } }: Negative): Problem {
  return problem('SYMBOL_NOT_FOUND', detail, members)
}
