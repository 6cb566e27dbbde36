/** What one check found, in a sentence that says what to do about it. */
export interface Finding {
  check: string
  state: 'ok' | 'warn' | 'fail'
  message: string
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message })
export const warn = (check: string, message: string): Finding => ({ check, state: 'warn', message })
export const fail = (check: string, message: string): Finding => ({ check, state: 'fail', message })

/** The message of whatever was thrown, in one line. */
export function reasonOf (error: unknown): string {
  // A host with several addresses fails with an error of errors, which has no message of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const message = first instanceof Error ? first.message : String(first)
  return message.replace(/\s+/g, ' ').replace(/\.$/, '')
}

const [LATE_MS, WRONG_MS] = [2_000, 30_000]

/** @param offsetMs how far this machine's clock is ahead of the other's, negative: behind */
export function judgeClock (check: string, offsetMs: number): Finding {
  const by = Math.abs(offsetMs)
  const seconds = (by / 1000).toFixed(1)
  if (by < LATE_MS) return ok(check, `Within ${seconds} s of this machine's clock.`)
  const message = `This machine's clock is ${seconds} s ${offsetMs > 0 ? 'ahead' : 'behind'}. Set it by NTP: ` +
    'tokens, second factors and the freshness of answers depend on it.'
  return by < WRONG_MS ? warn(check, message) : fail(check, message)
}
