import fp from 'fastify-plugin'
import {
  deleteEntitlements, insertEntitlement, listEntitlements, sweepEntitlements, toRefusal
} from '../db/entitlements.ts'
import { createLru } from '../lru.ts'
import type { Refused } from '../providers/requests.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { Refusal } from '../schemas/usage.ts'

export interface Entitlements {
  /** What the connection's keys are known not to be for. Empty while it cannot be read. */
  list: (connectionId: string) => Promise<readonly Refusal[]>
  /** Remembers a refusal of the key that stood at `sentAt`, for six hours. A store that fails costs no answer. */
  learn: (refused: Refused, sentAt: Date) => void
  /** Forgets what the provider refused, here and on the other replicas. */
  forget: (connectionId: string, provider: ProviderName) => Promise<void>
  /** Waits until what was learned is stored. */
  flush: () => Promise<void>
}

declare module 'fastify' {
  interface FastifyInstance { entitlements: Entitlements }
}

const HOLDS_MS = 6 * 3_600_000
const TOPIC = 'entitlements:changed'

/** What providers refuse to a key, learned from their answers: nothing about plans is known in advance. */
export default fp(async app => {
  const known = createLru<readonly Refusal[]>(1000, { ttl: 60_000 })
  const writes = new Set<Promise<void>>()
  /** Grows with each change: a list read before one must not be remembered after it. */
  let generation = 0

  const drop = (connectionId?: string) => {
    generation++
    if (connectionId === undefined) known.clear()
    else known.delete(connectionId)
  }
  app.bus.subscribe('bus:reset', () => drop())
  for (const topic of [TOPIC, 'credential:changed', 'connection:changed']) {
    app.bus.subscribe(topic, ({ connection_id: id }: { connection_id?: string }) => drop(id))
  }

  async function store (refused: Refused, sentAt: Date): Promise<void> {
    const now = new Date()
    const row = { ...refused, learned_at: now, until: new Date(now.getTime() + HOLDS_MS) }
    try {
      if (!await insertEntitlement(app.db, row, sentAt)) return
      await sweepEntitlements(app.db)
      drop(refused.connection_id)
      await app.bus.publish(TOPIC, { connection_id: refused.connection_id })
    } catch (error) {
      app.log.warn({ err: error }, 'a refusal of a provider could not be remembered')
    }
  }

  const entitlements: Entitlements = {
    async list (connectionId) {
      const remembered = known.get(connectionId)
      const now = new Date().toISOString()
      if (remembered) return remembered.filter(({ until }) => until > now)
      const readAt = generation
      try {
        const rows = (await listEntitlements(app.db, connectionId)).map(toRefusal)
        if (readAt === generation) known.set(connectionId, rows)
        return rows
      } catch (error) {
        app.log.warn({ err: error }, 'what providers have refused could not be read')
        return []
      }
    },

    learn (refused, sentAt) {
      const write = store(refused, sentAt).finally(() => writes.delete(write))
      writes.add(write)
    },

    async forget (connectionId, provider) {
      await Promise.allSettled(writes)
      await deleteEntitlements(app.db, connectionId, provider)
      drop(connectionId)
      await app.bus.publish(TOPIC, { connection_id: connectionId })
    },

    async flush () { await Promise.allSettled(writes) }
  }
  app.decorate('entitlements', entitlements)
  app.addHook('onClose', entitlements.flush)
}, { name: 'entitlements', dependencies: ['db', 'bus'] })
