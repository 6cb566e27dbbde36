import type { FastifyBaseLogger } from 'fastify'
import type { SessionTouch } from '../../db/sessions.ts'
import { createLru } from '../../lru.ts'

const PAUSE_MS = 60_000
/** Who waits for a client's first call sees it about so long after it. */
const NEWS_MS = 250
const MOST_CHARACTERS = 200
const MOST_WAITING = 10_000

/** What a request tells about who uses a session. */
export interface SessionUse {
  address?: string | null | undefined
  client?: { name: string, version?: string | null | undefined } | null | undefined
  /** True: with the token before a rotation. */
  previous?: boolean
  /** True: it is a call of a tool. */
  call?: boolean
}

/**
 * Keeps the last use of each session in memory and stores all of them once a minute; what is new about a session, its
 * first use, its first call or another client, at once. What cannot be stored is kept, of
 * 10,000 sessions at most, and said once.
 * @param store one statement for all rows
 */
export function createSessionTouches (
  store: (touches: readonly SessionTouch[]) => Promise<void>, log: FastifyBaseLogger
) {
  let pending = new Map<string, SessionTouch>()
  let failing = false
  let writing = Promise.resolve()
  /** What is known to be stored, or about to be: a use, a call or a client of a session. */
  const told = createLru<true>(3 * MOST_WAITING)
  let news: NodeJS.Timeout | undefined
  const timer = setInterval(flush, PAUSE_MS).unref()

  function touch (id: string, { address, client, previous, call }: SessionUse): void {
    const before = pending.get(id)
    if (!before && pending.size >= MOST_WAITING) return
    const at = new Date()
    if (!before) tell(id)
    if (call && !before?.first_call_at) tell(`${id} call`)
    if (client && client.name !== before?.client_name) tell(`${id} ${toText(client.name)} ${toText(client.version)}`)
    pending.set(id, {
      id,
      at,
      previous_at: previous ? at : before?.previous_at ?? null,
      first_call_at: before?.first_call_at ?? (call ? at : null),
      address: address ?? before?.address ?? null,
      client_name: toText(client?.name) ?? before?.client_name ?? null,
      client_version: toText(client?.version) ?? before?.client_version ?? null
    })
  }

  function tell (fact: string): void {
    if (told.has(fact)) return
    told.set(fact, true)
    news ??= setTimeout(() => {
      news = undefined
      flush()
    }, NEWS_MS).unref()
  }

  /** What is being stored already is waited for too. */
  function flush (): Promise<void> {
    writing = writing.then(write)
    return writing
  }

  async function write (): Promise<void> {
    if (pending.size === 0) return
    const stored = pending
    pending = new Map()
    try {
      await store([...stored.values()])
      if (failing) log.info({ sessions: stored.size }, 'the last use of sessions is stored again')
      failing = false
    } catch (error) {
      pending = merge(stored, pending)
      if (!failing) log.warn({ err: error, sessions: pending.size }, 'the last use of sessions cannot be stored now; it is kept')
      failing = true
    }
  }

  async function close (): Promise<void> {
    clearInterval(timer)
    clearTimeout(news)
    await flush()
  }

  return { touch, flush, close, lastUse: (id: string) => pending.get(id)?.at }
}

type Touches = ReadonlyMap<string, SessionTouch>

/** What came meanwhile is newer, but for the first call. */
function merge (older: Touches, newer: Touches): Map<string, SessionTouch> {
  const merged = new Map(older)
  for (const [id, touch] of newer) {
    merged.set(id, { ...touch, first_call_at: older.get(id)?.first_call_at ?? touch.first_call_at })
  }
  return merged
}

/** A client names itself as it likes; Postgres refuses NUL. */
function toText (text: string | null | undefined): string | undefined {
  return text?.slice(0, MOST_CHARACTERS).replaceAll('\0', '')
}
