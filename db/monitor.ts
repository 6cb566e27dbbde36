import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { awake, Silence } from '../awake.ts'
import type { Log } from './embedded/index.ts'

/** Whether Postgres answers: asked over a connection of its own, so a busy pool or a long statement says nothing. */
export interface DatabaseState {
  isDown: () => boolean
  /** For how long it has been down; 0 while it answers. */
  downMs: () => number
  /** When it last answered here, unix ms: at most a second and a half ago while it is not down. */
  answeredAt: () => number
  /** Calls the listener when it was lost and when it is back. */
  onChange: (listener: (isDown: boolean) => void) => void
}

export interface Monitor extends DatabaseState {
  /** Begins to watch. @throws where Postgres does not answer */
  start: () => Promise<void>
  stop: () => Promise<void>
}

const CHECK_EVERY_MS = 500
const CHECK_MS = 1000
/** While it is down: how often a new connection is tried, for how long, and how many at once. */
const DIAL_EVERY_MS = 250
const DIAL_MS = 3000
const MOST_DIALS = 12
const TOO_MANY_CONNECTIONS = '53300'

export function createMonitor (target: pg.ClientConfig, log: Log): Monitor {
  const listeners: ((isDown: boolean) => void)[] = []
  const clients = new Set<pg.Client>()
  let current: pg.Client | undefined
  let answeredAt = Date.now()
  let downAt: number | undefined
  let stopping = new AbortController()
  let wake = new AbortController()
  let watching = Promise.resolve()

  async function dial (ms: number): Promise<pg.Client> {
    const client = new pg.Client({ keepAlive: true, application_name: 'financial-mcp-server', ...target })
    clients.add(client)
    const lost = () => {
      clients.delete(client)
      if (client !== current) return
      current = undefined
      wake.abort()
    }
    client.on('error', lost)
    client.on('end', lost)
    try {
      await awake(ms, client.connect())
    } catch (error) {
      clients.delete(client)
      cut(client)
      throw error
    }
    answeredAt = Date.now()
    return client
  }

  async function check (): Promise<void> {
    try {
      const client = current
      const known = client && await awake(CHECK_MS, client.query('SELECT 1')).catch((error: unknown) => {
        if (current === client) current = undefined
        clients.delete(client)
        cut(client)
        if (error instanceof Silence) throw error
      })
      if (known) answeredAt = Date.now()
      // A stop breaks a question that is under way: nobody would end the connection that took its place.
      else if (!stopping.signal.aborted) current = await dial(CHECK_MS)
    } catch (error) {
      // It answers, and has no place for one more.
      if ((error as pg.DatabaseError).code === TOO_MANY_CONNECTIONS) return
      if (!stopping.signal.aborted) change(true, error)
    }
  }

  async function tryAgain (): Promise<void> {
    if (clients.size >= MOST_DIALS) return
    try {
      const client = await dial(DIAL_MS)
      if (downAt === undefined || stopping.signal.aborted) return cut(client)
      current = client
      for (const other of clients) if (other !== client) cut(other)
      change(false)
    } catch { /* The next one may have more luck. */ }
  }

  function change (isDown: boolean, error?: unknown): void {
    if (isDown) {
      downAt = Date.now()
      log.warn({ err: error }, 'the database does not answer; the server goes on with what it knows')
    } else {
      log.info({ down_ms: Date.now() - (downAt ?? 0) }, 'the database answers again')
      downAt = undefined
      wake.abort()
    }
    for (const listener of listeners) {
      try {
        listener(isDown)
      } catch (error) {
        // The watch goes on, or nobody would notice that the database is back.
        log.error({ err: error }, 'what follows a change of the database failed')
      }
    }
  }

  async function watch (): Promise<void> {
    while (!stopping.signal.aborted) {
      if (downAt === undefined) await check()
      else tryAgain()
      const signal = AbortSignal.any([stopping.signal, wake.signal])
      const pauseMs = downAt === undefined ? CHECK_EVERY_MS : DIAL_EVERY_MS
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {})
      wake = new AbortController()
    }
  }

  return {
    isDown: () => downAt !== undefined,
    downMs: () => downAt === undefined ? 0 : Date.now() - downAt,
    answeredAt: () => answeredAt,
    onChange (listener) { listeners.push(listener) },
    async start () {
      current = await dial(DIAL_MS)
      stopping = new AbortController()
      watching = watch()
    },
    async stop () {
      stopping.abort()
      const ended = [...clients].map(client => client === current ? client.end() : cut(client))
      await Promise.race([Promise.all(ended), sleep(CHECK_MS, undefined, { ref: false })])
      for (const client of clients) cut(client)
      await watching
    }
  }
}

/** Ends a connection without asking the other side, which may not be there: whoever waits for it gets an error now. */
export function cut (client: pg.ClientBase): void {
  (client as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy()
}
