import { isOutage } from '../../db/outage.ts'
import { codeOf, type ErrorCode } from '../../errors.ts'

/**
 * Failures of the moment, in which an older answer is better than none. Not among them is what a caller or an owner has
 * to mend, for an answer would hide it: a key that is refused, a plan that lacks the data, a call that is not valid.
 */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'PROVIDER_QUOTA', 'PROVIDER_MALFORMED', 'OVERLOADED'
])

/** The failure's code where an older answer may stand in. */
export function passingCode (error: unknown): ErrorCode | undefined {
  if (isOutage(error)) return 'OVERLOADED'
  const code = codeOf(error)
  return PASSING.has(code) ? code : undefined
}
