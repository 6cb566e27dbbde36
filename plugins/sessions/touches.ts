import type { FastifyBaseLogger } from 'fastify'
import type { SessionTouch } from '../../db/sessions.ts'

const PAUSE_MS = 60_000
const MOST_CHARACTERS = 200
const MOST_WAITING = 10_000

/** What a request tells about who uses a session. */
export interface SessionUse {
  address?: string | null | undefined
  client?: { name: string, version?: string | null | undefined } | null | undefined
  /** True: with the token before a rotation. */
  previous?: boolean
}

/**
 * Keeps the last use of each session in memory and stores all of them once a minute. What cannot be stored is kept, of
 * 10,000 sessions at most, and said once.
 * @param store one statement for all rows
 */
export function createSessionTouches (
  store: (touches: readonly SessionTouch[]) => Promise<void>, log: FastifyBaseLogger
) {
  let pending = new Map<string, SessionTouch>()
  let failing = false
  const timer = setInterval(flush, PAUSE_MS).unref()

  function touch (id: string, { address, client, previous }: SessionUse): void {
    const before = pending.get(id)
    if (!before && pending.size >= MOST_WAITING) return
    const at = new Date()
    pending.set(id, {
      id,
      at,
      previous_at: previous ? at : before?.previous_at ?? null,
      address: address ?? before?.address ?? null,
      client_name: toText(client?.name) ?? before?.client_name ?? null,
      client_version: toText(client?.version) ?? before?.client_version ?? null
    })
  }

  async function flush (): Promise<void> {
    if (pending.size === 0) return
    const stored = pending
    pending = new Map()
    try {
      await store([...stored.values()])
      if (failing) log.info({ sessions: stored.size }, 'the last use of sessions is stored again')
      failing = false
    } catch (error) {
      // What came meanwhile is newer.
      pending = new Map([...stored, ...pending])
      if (!failing) log.warn({ err: error, sessions: pending.size }, 'the last use of sessions cannot be stored now; it is kept')
      failing = true
    }
  }

  async function close (): Promise<void> {
    clearInterval(timer)
    await flush()
  }

  return { touch, flush, close, lastUse: (id: string) => pending.get(id)?.at }
}

/** A client names itself as it likes; Postgres refuses NUL. */
function toText (text: string | null | undefined): string | undefined {
  return text?.slice(0, MOST_CHARACTERS).replaceAll('\0', '')
}
