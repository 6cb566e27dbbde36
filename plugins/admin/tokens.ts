import { hash } from '@node-rs/argon2'
import type { FastifyInstance } from 'fastify'
import { randomUUID } from 'node:crypto'
import { createBatchedRead } from '../../tokens/batched-read.ts'
import {
  findAdminToken, findAdminTokens, insertAdminToken, listAdminTokens, revokeAdminToken, touchAdminToken
} from '../../db/admin-tokens.ts'
import type { AdminTokenRow } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import type { AdminToken } from '../../schemas/admins.ts'
import { createSemaphore, type Semaphore } from '../../tokens/semaphore.ts'
import { createTokenGate, TOKEN_ARGON2 } from '../../tokens/gate.ts'
import { createToken } from '../../tokens/token.ts'
import type { Admin, AdminPrincipal } from './index.ts'

type AdminTokens = Pick<Admin, 'createToken' | 'listTokens' | 'revokeToken' | 'verifyToken' | 'argon2Runs'> & { load: Semaphore['load'] }

const DEFAULT_TTL_SECONDS = 90 * 86_400
const TOPIC = 'admin_tokens:revoked'

/** Access of scripts to the control plane: made, listed, revoked, and checked by the same gate as sessions. */
export function createAdminTokens (app: FastifyInstance): AdminTokens {
  const slots = createSemaphore(2, 64)
  const read = createBatchedRead(ids => findAdminTokens(app.db, ids))
  const gate = createTokenGate<AdminPrincipal>({
    kind: 'ad',
    key: app.vault.systemKey('token'),
    slots,
    isTrusted: app.bus.healthy,
    async read (id) {
      const row = await read(id)
      return row && {
        principal: Object.freeze({ kind: 'admin', admin_id: null, name: row.name, via: 'token', token_id: row.id }),
        hash: row.token_hash,
        mac: row.token_mac,
        expiresAt: row.expires_at,
        revokedAt: row.revoked_at,
        group: row.id,
        epoch: 0
      }
    }
  })
  app.bus.subscribe('bus:reset', gate.flush)
  app.bus.subscribe(TOPIC, payload => gate.invalidate((payload as { id: string }).id, 1))

  return {
    async createToken ({ name, ttl_seconds: ttlSeconds = DEFAULT_TTL_SECONDS }, by) {
      const id = randomUUID()
      const token = createToken('ad', id)
      const tokenHash = await slots.run(() => hash(token, TOKEN_ARGON2))
      const row = await app.db.transaction().execute(async trx => {
        const row = await insertAdminToken(trx, {
          id,
          name,
          token_hash: tokenHash,
          token_mac: gate.mac(token),
          token_last_four: token.slice(-4),
          expires_at: ttlSeconds === null ? null : new Date(Date.now() + ttlSeconds * 1000)
        })
        const details = { name, ttl_seconds: ttlSeconds }
        await app.audit.record(trx, { ...by, action: 'admin_token.create', target: id, details })
        return row
      })
      return { id, name, token, expires_at: row.expires_at?.toISOString() ?? null }
    },

    listTokens: async () => (await listAdminTokens(app.db)).map(toAdminToken),

    async revokeToken (id, by) {
      const done = await app.db.transaction().execute(async trx => {
        const row = await revokeAdminToken(trx, id)
        if (row) await app.audit.record(trx, { ...by, action: 'admin_token.revoke', target: id })
        return row !== undefined
      })
      if (done) {
        await app.bus.publish(TOPIC, { id }).catch((error: unknown) => {
          app.log.error({ err: error }, 'other replicas could not be told of a revocation')
        })
      } else if (!await findAdminToken(app.db, id)) {
        throw problem('NOT_FOUND', 'There is no such admin token.')
      }
    },

    async verifyToken (token) {
      const principal = await gate.verify(token)
      if (principal.token_id) {
        touchAdminToken(app.db, principal.token_id).catch((error: unknown) => {
          app.log.debug({ err: error }, 'the last use of an admin token cannot be stored now')
        })
      }
      return principal
    },

    argon2Runs: gate.argon2Runs,
    load: slots.load
  }
}

function toAdminToken (row: AdminTokenRow): AdminToken {
  return {
    id: row.id,
    name: row.name,
    token_last_four: row.token_last_four,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null
  }
}
