import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { awake } from '../awake.ts'
import { cut, type DatabaseState } from '../db/monitor.ts'
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
  /** Until when no message of others was missed, unix ms: now while it is healthy. */
  healthyAt (): number
}
export type BusListener = (payload: object) => void

const CHANNEL = 'fmcp'
const MOST_BYTES = 7_999
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 800
/** How often the listening connection is asked whether it is still one, and how long it may think. */
const BEAT_MS = 5_000
const ANSWER_MS = 2_000

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

  const line = createLine(app.dbPool.options, app.dbState, app.log, {
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
    healthy: line.isUp,
    healthyAt: line.upAt
  })
  app.addHook('onClose', line.close)
}, { name: 'bus', dependencies: ['db'] })

interface LineEvents {
  onMessage: (text: string) => void
  onReset: () => void
}

/** One connection that listens, opened again with growing pauses whenever it breaks while the database answers. */
function createLine (
  options: pg.ClientConfig, database: DatabaseState, log: FastifyBaseLogger, { onMessage, onReset }: LineEvents
) {
  let client: pg.Client | undefined
  let lose = () => {}
  let timer: NodeJS.Timeout | undefined
  let opening = false
  let upAt = Date.now()
  let retryMs = FIRST_RETRY_MS
  let closed = false

  async function open (reopened = false): Promise<void> {
    const next = new pg.Client(options)
    const lost = (error?: Error) => {
      if (client !== next) return
      client = undefined
      cut(next)
      if (closed) return
      // A connection may have been dead for a while before somebody noticed.
      upAt = Math.min(Date.now(), database.answeredAt())
      if (!database.isDown()) log.warn({ err: error }, 'the bus lost its connection')
      retryLater()
    }
    next.on('error', lost)
    next.on('end', lost)
    next.on('notification', ({ payload }) => onMessage(payload ?? ''))
    try {
      await awake(ANSWER_MS, next.connect().then(() => next.query(`LISTEN ${CHANNEL}`)))
    } catch (error) {
      cut(next)
      throw error
    }
    if (closed || database.isDown()) return cut(next)
    // Before it counts as healthy: what was cached during the gap must not be trusted for a moment.
    if (reopened) onReset()
    client = next
    lose = lost
    retryMs = FIRST_RETRY_MS
    beat(next, lost)
  }

  /** A connection that nobody writes to may be dead without a sign, and its messages lost. */
  async function beat (own: pg.Client, lost: (error?: Error) => void): Promise<void> {
    let askedAt = Date.now()
    try {
      for (; ;) {
        await sleep(BEAT_MS, undefined, { ref: false })
        if (client !== own) return
        askedAt = Date.now()
        await awake(ANSWER_MS, own.query('SELECT 1'))
      }
    } catch (error) {
      if (client !== own) return
      lost(error as Error)
      upAt = Math.min(upAt, askedAt - BEAT_MS)
    }
  }

  function retryLater (): void {
    clearTimeout(timer)
    timer = setTimeout(retry, retryMs).unref()
  }

  async function retry (): Promise<void> {
    // `onChange` comes here again.
    if (client || opening || closed || database.isDown()) return
    opening = true
    try {
      await open(true)
    } catch (error) {
      log.debug({ err: error }, 'the bus could not be connected again')
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
    }
    opening = false
    if (!client && !closed) retryLater()
  }

  database.onChange(isDown => {
    // Also where it broke without a word.
    if (isDown) return lose()
    retryMs = FIRST_RETRY_MS
    retry()
  })

  async function close (): Promise<void> {
    closed = true
    clearTimeout(timer)
    const own = client
    if (own) await Promise.race([own.end(), sleep(ANSWER_MS, undefined, { ref: false })])
  }

  const isUp = () => client !== undefined && !database.isDown()
  return { open: () => open(), close, isUp, upAt: () => isUp() ? Date.now() : Math.min(upAt, database.answeredAt()) }
}

function parseMessage (text: string): { origin: string, topic: string, payload: object } | null {
  try {
    const { origin, topic, payload } = JSON.parse(text)
    return typeof topic === 'string' && typeof payload === 'object' && payload ? { origin, topic, payload } : null
  } catch {
    return null
  }
}
