/** The arithmetic of a sliding window, as Redis and Postgres do it too. */
import { GEOMETRY, toReserve } from './plans.ts'
import type { QuotaRequest, QuotaWindow } from './types.ts'

/** Requests of one window: by bucket, then by session; the empty name is nobody's. */
export type Tally = Map<number, Map<string, number>>

const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, number) => total + number, 0)

export const bucketOf = ({ per }: QuotaWindow, now: number) => Math.floor(now / GEOMETRY[per].bucketMs)

/** When the requests of a bucket no longer count, as unix ms. */
export function endOf ({ per }: QuotaWindow, bucket: number): number {
  const { bucketMs, span } = GEOMETRY[per]
  return (bucket + span + 1) * bucketMs
}

export function prune (tally: Tally, window: QuotaWindow, now: number): void {
  for (const bucket of tally.keys()) if (endOf(window, bucket) <= now) tally.delete(bucket)
}

export function add (tally: Tally, bucket: number, session: string, count: number): void {
  const shares = tally.get(bucket) ?? new Map<string, number>()
  shares.set(session, (shares.get(session) ?? 0) + count)
  tally.set(bucket, shares)
}

export function usedOf (tally: Tally, session?: string): number {
  return sum([...tally.values()].map(shares => session === undefined ? sum(shares.values()) : shares.get(session) ?? 0))
}

/** When so many requests have left the window, as unix ms. */
function whenGone (tally: Tally, window: QuotaWindow, count: number, session?: string): number {
  let gone = 0
  for (const [bucket, shares] of [...tally].sort(([a], [b]) => a - b)) {
    gone += session === undefined ? sum(shares.values()) : shares.get(session) ?? 0
    if (gone >= count) return endOf(window, bucket)
  }
  return Infinity
}

/**
 * How long one more request must wait for this window; 0: it need not.
 * @param tally pruned
 * @param asked when each session asked last, as unix ms; the request's own among them
 */
export function waitOf (
  tally: Tally,
  window: QuotaWindow,
  { sessionId, background }: QuotaRequest,
  asked: ReadonlyMap<string, number>,
  now: number
): number {
  const { limit } = window
  if (limit === null) return 0
  const used = usedOf(tally)
  const most = limit - 1 - (background ? toReserve(limit) : 0)
  const { bucketMs, span, activeMs } = GEOMETRY[window.per]
  if (most < 0) return bucketMs * (span + 1)
  if (used > most) return whenGone(tally, window, used - most) - now
  if (sessionId === null || used * 2 <= limit) return 0

  const others = [...asked].filter(([session, at]) => session !== sessionId && at > now - activeMs)
  const share = Math.ceil(limit / (others.length + 1))
  const mine = usedOf(tally, sessionId)
  const lacking = others.filter(([session]) => usedOf(tally, session) < share)
  if (mine < share || !lacking.length) return 0
  return Math.min(
    whenGone(tally, window, mine - share + 1, sessionId),
    whenGone(tally, window, used - Math.floor(limit / 2)),
    Math.max(...lacking.map(([, at]) => at + activeMs))
  ) - now
}
