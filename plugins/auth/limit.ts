import { codeOf, type ErrorCode } from '../../errors.ts'
import { createLru } from '../../lru.ts'
import { toNetwork } from '../admin/login.ts'
import { tooMany } from '../limits.ts'

const BAD_TOKENS = 300
const WINDOW_MS = 60_000
const MOST_NETWORKS = 10_000
const LIMITED = 'Too many bad tokens came from this address. A valid one is still taken.'

/**
 * Counts the bad tokens of each network and changes the answer to them, and to nothing else: a good token of a
 * neighbour behind the same address passes.
 * @param bad the errors that say that a token was bad
 */
export function createBearerLimit (bad: readonly ErrorCode[] = ['UNAUTHENTICATED']) {
  const counts = createLru<{ bad: number, endsAt: number }>(MOST_NETWORKS)

  /** @throws what `attempt` throws, or RATE_LIMITED in place of a bad token's error after 300 of them in a minute */
  return async function limit<T> (address: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      if (!bad.includes(codeOf(error))) throw error
      const network = toNetwork(address)
      const now = Date.now()
      let count = counts.get(network)
      if (!count || count.endsAt <= now) {
        count = { bad: 0, endsAt: now + WINDOW_MS }
        counts.set(network, count)
      }
      count.bad += 1
      throw count.bad > BAD_TOKENS ? tooMany(LIMITED, Math.ceil((count.endsAt - now) / 1000)) : error
    }
  }
}
