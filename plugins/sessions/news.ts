import type { FastifyInstance } from 'fastify'
import type { Revocation } from './index.ts'

/** A session that is to be read anew, and the epoch of its connection from then on. */
export interface SessionChange {
  session_id: string
  connection_id: string
  epoch: number
}

/** Sessions that ended: one, or all of each connection; with the epochs of the connections from then on. */
export interface SessionEnds {
  session_id?: string
  epochs: Record<string, number>
}

export interface NewsOptions {
  /** Drops what was read of the connection before. */
  invalidate: (connectionId: string, epoch: number) => void
  onChanged: (sessionId: string) => void
  onRevoked: (match: Revocation) => void
}

const REVOKED = 'sessions:revoked'
const CHANGED = 'sessions:changed'
/** So that a message fits into one of the bus. */
const MOST_EPOCHS = 100

/** Carries what happened to sessions: from here to the other replicas, and from them to here. */
export function createSessionNews ({ bus, log }: FastifyInstance, { invalidate, onChanged, onRevoked }: NewsOptions) {
  bus.subscribe(CHANGED, payload => {
    const { session_id: id, connection_id: connectionId, epoch } = payload as SessionChange
    invalidate(connectionId, epoch)
    onChanged(id)
  })
  bus.subscribe(REVOKED, payload => {
    const { session_id: id, epochs } = payload as SessionEnds
    for (const [connectionId, epoch] of Object.entries(epochs)) {
      invalidate(connectionId, epoch)
      onRevoked(id === undefined ? { connection_id: connectionId } : { session_id: id })
    }
  })

  async function tell (topic: string, payload: SessionChange | SessionEnds): Promise<void> {
    try {
      await bus.publish(topic, payload)
    } catch (error) {
      // It is done and holds here; the others read the row again within 30 s.
      log.error({ err: error }, 'other replicas could not be told of a change to a session')
    }
  }

  return {
    changed: (change: SessionChange) => tell(CHANGED, change),
    async revoked ({ epochs, ...match }: SessionEnds): Promise<void> {
      const entries = Object.entries(epochs)
      for (let i = 0; i < entries.length; i += MOST_EPOCHS) {
        await tell(REVOKED, { ...match, epochs: Object.fromEntries(entries.slice(i, i + MOST_EPOCHS)) })
      }
    }
  }
}
