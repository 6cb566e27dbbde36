import { hash } from '@node-rs/argon2'
import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { bumpEpoch, expiryOf, insertSession, lockSession, toSession, updateSession } from '../../db/sessions.ts'
import type { Database, SessionRow } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import type { SessionPatch } from '../../schemas/sessions.ts'
import { TOKEN_ARGON2 } from '../../tokens/gate.ts'
import type { Semaphore } from '../../tokens/semaphore.ts'
import { createToken } from '../../tokens/token.ts'
import { assertScope } from './scope.ts'
import type { SessionChange } from './news.ts'
import type { Sessions } from './index.ts'

const DEFAULT_TTL_SECONDS = 90 * 86_400

export interface ChangeOptions {
  slots: Semaphore
  mac: (token: string) => Buffer
  lastUse: (sessionId: string) => Date | undefined
  /** Tells every replica to read the session anew. */
  announce: (change: SessionChange) => Promise<void>
}

/** How sessions are made, and changed while they hold. */
export function createSessionChanges (
  app: FastifyInstance, { slots, mac, lastUse, announce }: ChangeOptions
): Pick<Sessions, 'create' | 'rotate' | 'update'> {
  /** A new token, and the columns that know it. */
  async function mint (sessionId: string) {
    const token = createToken('st', sessionId)
    const tokenHash = await slots.run(() => hash(token, TOKEN_ARGON2))
    return { token, columns: { token_hash: tokenHash, token_mac: mac(token), token_last_four: token.slice(-4) } }
  }

  /**
   * The row of a session that holds, locked.
   * @throws NOT_FOUND, or CONFLICT where it has ended
   */
  async function lockActive (trx: Kysely<Database>, id: string): Promise<SessionRow> {
    const row = await lockSession(trx, id)
    if (!row) throw problem('NOT_FOUND', 'There is no such session.')
    const expiry = expiryOf(row, lastUse(id))
    if (!row.revoked_at && (!expiry || expiry.getTime() > Date.now())) return row
    throw problem('CONFLICT', `This session ${row.revoked_at ? 'was revoked' : 'has expired'}, so it cannot be changed. Make a ` +
      `new one: POST /api/connections/${row.connection_id}/session, or fmcp session create.`)
  }

  return {
    async create (connectionId, request, by) {
      const { name = null, ttl_seconds: ttlSeconds = DEFAULT_TTL_SECONDS, scope = {} } = request
      const { idle_seconds: idleSeconds = null } = request
      assertScope(scope)
      const id = randomUUID()
      const { token, columns } = await mint(id)
      const row = await app.db.transaction().execute(async trx => {
        const connection = await trx.selectFrom('connections').select('id').where('id', '=', connectionId)
          .forKeyShare().executeTakeFirst()
        if (!connection) throw problem('NOT_FOUND', 'There is no such connection.')
        const row = await insertSession(trx, {
          ...columns,
          id,
          connection_id: connectionId,
          name,
          scope: JSON.stringify(scope),
          idle_seconds: idleSeconds,
          expires_at: ttlSeconds === null ? null : new Date(Date.now() + ttlSeconds * 1000)
        })
        await app.audit.record(trx, {
          ...by,
          action: 'session.create',
          target: id,
          session_id: id,
          connection_id: connectionId,
          details: { name, ttl_seconds: ttlSeconds, idle_seconds: idleSeconds, scope }
        })
        return row
      })
      return { ...toSession(row), access_token: token }
    },

    async rotate (id, { graceSeconds = 0, before }, by) {
      const { token, columns } = await mint(id)
      const { row, epoch } = await app.db.transaction().execute(async trx => {
        await before?.(trx)
        const old = await lockActive(trx, id)
        const row = await updateSession(trx, id, { ...columns, ...retire(old, graceSeconds) })
        const epoch = await bumpEpoch(trx, row.connection_id)
        await app.audit.record(trx, {
          ...by,
          action: 'session.rotate',
          target: id,
          session_id: id,
          connection_id: row.connection_id,
          details: { grace_seconds: graceSeconds }
        })
        return { row, epoch }
      })
      await announce({ session_id: id, connection_id: row.connection_id, epoch })
      return { ...toSession(row), access_token: token }
    },

    async update (id, patch, by) {
      if (patch.scope) assertScope(patch.scope)
      const minted = patch.scope && await mint(id)
      const { row, epoch, token } = await app.db.transaction().execute(async trx => {
        const old = await lockActive(trx, id)
        // Other rights, another token: who holds the old one does not get them.
        const next = minted && !isDeepStrictEqual(old.scope, patch.scope) ? minted : undefined
        const replaced = next && { ...next.columns, ...retire(old, 0) }
        const row = await updateSession(trx, id, { ...toColumns(patch), ...replaced })
        const epoch = await bumpEpoch(trx, row.connection_id)
        await app.audit.record(trx, {
          ...by,
          action: 'session.update',
          target: id,
          session_id: id,
          connection_id: row.connection_id,
          details: { ...patch, rotated: next !== undefined }
        })
        return { row, epoch, token: next?.token }
      })
      await announce({ session_id: id, connection_id: row.connection_id, epoch })
      return { ...toSession(row), ...(token !== undefined && { access_token: token }) }
    }
  }
}

/** What stays of a token that is replaced now. */
function retire (row: SessionRow, graceSeconds: number) {
  const now = new Date()
  const graceEnd = Math.min(now.getTime() + graceSeconds * 1000, row.expires_at?.getTime() ?? Infinity)
  return {
    previous_token_mac: graceSeconds > 0 ? row.token_mac : null,
    previous_last_four: row.token_last_four,
    previous_expires_at: new Date(graceEnd),
    previous_used_at: null,
    rotated_at: now
  }
}

function toColumns ({ name, idle_seconds: idleSeconds, scope }: SessionPatch) {
  return {
    ...(name !== undefined && { name }),
    ...(idleSeconds !== undefined && { idle_seconds: idleSeconds }),
    ...(scope && { scope: JSON.stringify(scope) })
  }
}
