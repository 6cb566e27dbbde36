import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type {} from './db.ts'

declare module 'fastify' {
  interface FastifyInstance {
    bus: Bus
  }
}

/** Tells the other replicas what they must forget. */
export interface Bus {
  /**
   * Calls the local subscribers at once, then tells the others. A message may be lost; nobody is told twice.
   * @param payload JSON of less than 7,900 bytes
   * @throws RangeError where it is longer, or the database's error where the others could not be told
   */
  publish (topic: string, payload: object): Promise<void>
  /** `bus:reset` comes after a gap: messages may have been missed, so a cache flushes. */
  subscribe (topic: string, listener: BusListener): void
  /** False while messages of others may be missed: trust nothing that they could have changed. */
  healthy (): boolean
}
export type BusListener = (payload: object) => void

const CHANNEL = 'fmcp'
const MOST_BYTES = 7_999
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000

export default fp(async app => {
  const origin = randomUUID()
  const subscribers = new Map<string, BusListener[]>()

  const deliver = (topic: string, payload: object) => {
    for (const listener of subscribers.get(topic) ?? []) {
      try {
        listener(payload)
      } catch (error) {
        app.log.error({ err: error, topic }, 'a subscriber of the bus failed')
      }
    }
  }

  const line = createLine(app.dbPool, app.log, {
    onMessage (text) {
      const message = parseMessage(text)
      if (!message) return app.log.warn('the bus carried something that is not a message')
      if (message.origin !== origin) deliver(message.topic, message.payload)
    },
    onReset: () => deliver('bus:reset', {})
  })
  await line.open()

  app.decorate('bus', {
    async publish (topic, payload) {
      const text = JSON.stringify({ origin, topic, payload })
      if (Buffer.byteLength(text) > MOST_BYTES) throw new RangeError(`The bus message of ${topic} is too long`)
      deliver(topic, payload)
      await app.dbPool.query('SELECT pg_notify($1, $2)', [CHANNEL, text])
    },
    subscribe (topic, listener) {
      subscribers.set(topic, [...subscribers.get(topic) ?? [], listener])
    },
    healthy: line.isUp
  })
  app.addHook('onClose', line.close)
}, { name: 'bus', dependencies: ['db'] })

interface LineEvents {
  onMessage: (text: string) => void
  onReset: () => void
}

/** One connection that listens, opened again with growing pauses whenever it breaks. */
function createLine (pool: pg.Pool, log: FastifyBaseLogger, { onMessage, onReset }: LineEvents) {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let retryMs = FIRST_RETRY_MS
  let closed = false

  async function open (reopened = false): Promise<void> {
    const next = new pg.Client(pool.options)
    const lost = (error?: Error) => {
      if (client !== next) return
      client = undefined
      if (closed) return
      log.warn({ err: error }, 'the bus lost its connection')
      retryLater()
    }
    next.on('error', lost)
    next.on('end', lost)
    next.on('notification', ({ payload }) => onMessage(payload ?? ''))
    try {
      await next.connect()
      await next.query(`LISTEN ${CHANNEL}`)
    } catch (error) {
      await next.end().catch(() => {})
      throw error
    }
    if (closed) return await next.end()
    // Before it counts as healthy: what was cached during the gap must not be trusted for a moment.
    if (reopened) onReset()
    client = next
    retryMs = FIRST_RETRY_MS
  }

  function retryLater (): void {
    timer = setTimeout(() => {
      open(true).catch(error => {
        log.debug({ err: error }, 'the bus could not be connected again')
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
        if (!closed) retryLater()
      })
    }, retryMs).unref()
  }

  async function close (): Promise<void> {
    closed = true
    clearTimeout(timer)
    await client?.end()
  }

  return { open: () => open(), close, isUp: () => client !== undefined }
}

function parseMessage (text: string): { origin: string, topic: string, payload: object } | null {
  try {
    const { origin, topic, payload } = JSON.parse(text)
    return typeof topic === 'string' && typeof payload === 'object' && payload ? { origin, topic, payload } : null
  } catch {
    return null
  }
}
