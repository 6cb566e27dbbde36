import { finished, type Writable } from 'node:stream'
import type { Problem } from '../../errors.ts'
import { refusal } from '../../tokens/gate.ts'
import type { Revocation, SessionPrincipal } from './index.ts'

/** Ends what runs for a session, with the reason for its client. */
export type EndHold = (reason: Problem) => void

interface Hold {
  principal: SessionPrincipal
  end: EndHold
  endsAt: number
}

export interface HoldOptions {
  /** Until when each principal's token is taken, unix ms, 0 where it is not any more; in the same order. */
  readEnds: (principals: readonly SessionPrincipal[]) => Promise<number[]>
  /** False where a principal's session may have changed since it was read. */
  isCurrent: (principal: SessionPrincipal) => boolean
  /** Told of a read that failed: what is held goes on until the next. */
  onFailure: (error: unknown) => void
  recheckMs?: number
}

const SWEEP_MS = 250
/** Within the 30 s that a revocation may take at worst, where nobody was told of it. */
const RECHECK_MS = 10_000

const ended = () => refusal('The session ended: its token was revoked, replaced or has expired. Get a new one.')

/**
 * What goes on for longer than the moment in which its token was checked: calls under way and open streams. It ends
 * with its token, whether that is revoked, replaced or expires.
 */
export function createHolds ({ readEnds, isCurrent, onFailure, recheckMs = RECHECK_MS }: HoldOptions) {
  const holds = new Set<Hold>()
  const sweep = setInterval(() => endWhere(({ endsAt }) => endsAt <= Date.now()), SWEEP_MS).unref()
  const rechecks = setInterval(recheck, recheckMs).unref()

  function endWhere (matches: (hold: Hold) => boolean): void {
    for (const hold of holds) {
      if (!matches(hold)) continue
      holds.delete(hold)
      hold.end(ended())
    }
  }

  /** Reads anew until when the tokens of what is held are taken: of one session, or of all. */
  async function recheck (sessionId?: string): Promise<void> {
    const asked = [...holds].filter(({ principal }) => sessionId === undefined || principal.session_id === sessionId)
    if (!asked.length) return
    try {
      const ends = await readEnds(asked.map(({ principal }) => principal))
      asked.forEach((hold, i) => { hold.endsAt = ends[i]! })
      endWhere(({ endsAt }) => endsAt <= Date.now())
    } catch (error) {
      onFailure(error)
    }
  }

  return {
    /**
     * @param end is called once, where the token ends before the hold is released
     * @returns what releases it
     * @throws UNAUTHENTICATED where the token ended already
     */
    async hold (principal: SessionPrincipal, end: EndHold): Promise<() => void> {
      const { expires_at: expires, previous_expires_at: previous } = principal
      const endsAt = Math.min(expires?.getTime() ?? Infinity, previous?.getTime() ?? Infinity)
      const hold = { principal, end, endsAt }
      if (endsAt <= Date.now()) throw ended()
      holds.add(hold)
      if (!isCurrent(principal)) {
        await recheck(principal.session_id)
        if (!holds.has(hold)) throw ended()
      }
      return () => { holds.delete(hold) }
    },
    recheck,
    end ({ session_id: session, connection_id: connection }: Revocation): void {
      endWhere(({ principal }) => principal.session_id === session || principal.connection_id === connection)
    },
    close () {
      clearInterval(sweep)
      clearInterval(rechecks)
    }
  }
}

/** Releases a hold when the response is over, or is already. */
export function releaseAfter (raw: Writable, release: () => void): void {
  finished(raw, () => release())
}
