import { createLru } from '../lru.ts'
import type { QuotaRequest, QuotaVerdict } from './types.ts'

/** Longest that a request waits for its turn. */
export const PATIENCE_MS = 2_000
/** A refusal is asked for anew after this time at the latest, so that the store learns who still asks. */
const MEMORY_MS = 10_000

export interface QueueOptions {
  take: (request: QuotaRequest) => Promise<QuotaVerdict>
  patienceMs?: number
  now?: () => number
}

/** The requests of this process that want to be sent, one ledger apart from the other. */
export interface QuotaQueue {
  /**
   * Waits where the wait is short: interactive requests first, then by session in turn.
   * @throws the signal's reason when it aborts
   */
  take: (request: QuotaRequest, signal: AbortSignal) => Promise<QuotaVerdict>
  /** How many want to be sent and wait. */
  size: () => number
}

interface Waiting {
  request: QuotaRequest
  /** Unix ms. */
  deadline: number
  notBefore: number
  end: (settle: () => void) => void
  resolve: (verdict: QuotaVerdict) => void
  reject: (error: unknown) => void
}

/** One ledger's line. */
interface Line {
  waiting: Set<Waiting>
  running: boolean
  timer: NodeJS.Timeout | undefined
  /** When each session was served last: a growing number. */
  served: Map<string | null, number>
  turn: number
}

interface Remembered { verdict: QuotaVerdict & { granted: false }, until: number }

export function createQueue ({ take, patienceMs = PATIENCE_MS, now = Date.now }: QueueOptions): QuotaQueue {
  const lines = new Map<string, Line>()
  // A full window stays full until its time: nothing is ever given back.
  const refusals = createLru<Remembered>(2000)

  const toKey = ({ ledger, sessionId, background, windows }: QuotaRequest) =>
    JSON.stringify([ledger, sessionId, background, windows.map(({ per, limit }) => [per, limit])])

  function remembered (request: QuotaRequest): QuotaVerdict | undefined {
    const known = refusals.get(toKey(request))
    const waitMs = known ? known.until - now() : 0
    return known && waitMs > 0 ? { ...known.verdict, waitMs } : undefined
  }

  function remember (request: QuotaRequest, verdict: QuotaVerdict & { granted: false }): void {
    if (verdict.left?.left !== 0 || verdict.waitMs <= patienceMs) return
    refusals.set(toKey(request), { verdict, until: now() + verdict.waitMs }, { ttl: MEMORY_MS })
  }

  async function pump (ledger: string, line: Line): Promise<void> {
    if (line.running) return
    line.running = true
    for (let next = pick(line, now()); next; next = pick(line, now())) await serve(line, next)
    line.running = false
    clearTimeout(line.timer)
    if (!line.waiting.size) {
      lines.delete(ledger)
      return
    }
    const pause = Math.min(...[...line.waiting].map(({ notBefore }) => notBefore)) - now()
    line.timer = setTimeout(() => pump(ledger, line), Math.max(1, pause))
  }

  async function serve (line: Line, one: Waiting): Promise<void> {
    const { request } = one
    try {
      const verdict = remembered(request) ?? await take(request)
      if (verdict.granted) {
        line.served.set(request.sessionId, ++line.turn)
        return one.end(() => one.resolve(verdict))
      }
      remember(request, verdict)
      one.notBefore = now() + verdict.waitMs
      if (one.notBefore > one.deadline) one.end(() => one.resolve(verdict))
    } catch (error) {
      one.end(() => one.reject(error))
    }
  }

  return {
    size: () => [...lines.values()].reduce((sum, { waiting }) => sum + waiting.size, 0),

    take: (request, signal) => new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const line = lines.get(request.ledger) ??
        { waiting: new Set(), running: false, timer: undefined, served: new Map(), turn: 0 }
      lines.set(request.ledger, line)
      const leave = () => one.end(() => reject(signal.reason))
      const one: Waiting = {
        request,
        deadline: now() + patienceMs,
        notBefore: 0,
        resolve,
        reject,
        end (settle) {
          signal.removeEventListener('abort', leave)
          line.waiting.delete(one)
          settle()
        }
      }
      signal.addEventListener('abort', leave, { once: true })
      line.waiting.add(one)
      pump(request.ledger, line)
    })
  }
}

/** Who is next of those that need not wait; a Set keeps the order of arrival. */
function pick ({ waiting, served }: Line, now: number): Waiting | undefined {
  let best: Waiting | undefined
  for (const one of waiting) {
    if (one.notBefore <= now && (!best || isBefore(one, best, served))) best = one
  }
  return best
}

function isBefore ({ request: a }: Waiting, { request: b }: Waiting, served: Line['served']): boolean {
  if (a.background !== b.background) return b.background
  return (served.get(a.sessionId) ?? 0) < (served.get(b.sessionId) ?? 0)
}
