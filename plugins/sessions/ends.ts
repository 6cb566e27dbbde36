import type { FastifyInstance } from 'fastify'
import { bumpEpoch, findSession, revokeSession, revokeSessions } from '../../db/sessions.ts'
import { problem } from '../../errors.ts'
import type { SessionEnds } from './news.ts'
import type { Sessions } from './index.ts'

/**
 * How sessions end before their time.
 * @param announce tells every replica, this one first
 */
export function createSessionEnds (
  app: FastifyInstance, announce: (ends: SessionEnds) => Promise<void>
): Pick<Sessions, 'revoke' | 'revokeAll' | 'forget'> {
  return {
    async revoke (id, by) {
      const ends = await app.db.transaction().execute(async trx => {
        const row = await revokeSession(trx, id)
        if (!row) return undefined
        const { connection_id: connectionId } = row
        const epoch = await bumpEpoch(trx, connectionId)
        await app.audit.record(trx, {
          ...by, action: 'session.revoke', target: id, session_id: id, connection_id: connectionId
        })
        return { session_id: id, epochs: { [connectionId]: epoch } }
      })
      if (ends) await announce(ends)
      else if (!await findSession(app.db, id)) throw problem('NOT_FOUND', 'There is no such session.')
    },

    async revokeAll (connectionId, by) {
      const { epochs, revoked } = await app.db.transaction().execute(async trx => {
        const connections = await revokeSessions(trx, connectionId)
        const epochs: Record<string, number> = {}
        for (const id of [...new Set(connections)].sort()) epochs[id] = await bumpEpoch(trx, id)
        await app.audit.record(trx, {
          ...by,
          action: 'session.revoke_all',
          connection_id: connectionId,
          details: { count: connections.length }
        })
        return { epochs, revoked: connections.length }
      })
      await announce({ epochs })
      return revoked
    },

    forget: connectionId => announce({ epochs: { [connectionId]: Number.MAX_SAFE_INTEGER } })
  }
}
