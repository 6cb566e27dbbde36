import { problem } from '../errors.ts'
import type { CallsPerDay } from '../schemas/usage.ts'
import type { QuotaStore } from './types.ts'

/** How many calls a session may still make, over all replicas. */
export interface SessionCalls {
  /** Counts one call. @throws RATE_LIMITED with the seconds until one is free */
  takeCall: (sessionId: string, perDay: number) => Promise<void>
  callsOf: (sessionId: string, perDay: number) => Promise<CallsPerDay>
}

const ledgerOf = (sessionId: string) => `session:${sessionId}`
const windowsOf = (perDay: number) => [{ per: 'day' as const, limit: perDay }]

export function createSessionCalls (store: Pick<QuotaStore, 'take' | 'read'>): SessionCalls {
  return {
    async takeCall (sessionId, perDay) {
      const request = { ledger: ledgerOf(sessionId), windows: windowsOf(perDay), sessionId: null, background: false }
      const verdict = await store.take(request)
      if (verdict.granted) return
      const seconds = Math.max(1, Math.ceil(verdict.waitMs / 1000))
      throw problem('RATE_LIMITED', `This session has made ${perDay} calls in 24 hours, the most that it may. Try again in ` +
        `${seconds} s; get_usage tells what is left.`, { retry_after_seconds: seconds })
    },

    async callsOf (sessionId, perDay) {
      const { windows: [day] } = await store.read(ledgerOf(sessionId), windowsOf(perDay))
      const { used, freesMs } = day!
      return {
        limit: perDay,
        used,
        left: Math.max(0, perDay - used),
        frees_at: freesMs === null ? null : new Date(Date.now() + freesMs).toISOString()
      }
    }
  }
}
