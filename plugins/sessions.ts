import { hash } from '@node-rs/argon2'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { randomUUID } from 'node:crypto'
import type { Config } from '../config.ts'
import { createBatchedRead } from '../tokens/batched-read.ts'
import {
  bumpEpoch, findSession, findSessionsWithEpoch, insertSession, listSessions, revokeSession, toSession, touchSessions
} from '../db/sessions.ts'
import type { SessionRow } from '../db/types.ts'
import { problem } from '../errors.ts'
import type { NewSession, ScopeSettings, Session, SessionRequest } from '../schemas/control.ts'
import { createSemaphore, type Semaphore } from '../tokens/semaphore.ts'
import { createTokenGate, TOKEN_ARGON2, type GateRow, type TokenGate } from '../tokens/gate.ts'
import { createToken } from '../tokens/token.ts'
import type { Actor } from './audit.ts'
import { createSessionTouches, type SessionUse } from './session-touches.ts'

export type { Actor } from './audit.ts'
export type { SessionUse } from './session-touches.ts'

declare module 'fastify' {
  interface FastifyInstance {
    sessions: Sessions
  }
}

/** A client that proved its session's token. */
export interface SessionPrincipal {
  kind: 'session'
  session_id: string
  connection_id: string
  name: string | null
  expires_at: Date | null
  scope: ScopeSettings
}

/** Which sessions ended: one, or all of a connection. */
export interface Revocation {
  session_id?: string
  connection_id?: string
}

export interface Sessions {
  /**
   * Makes a session. The answer is the only one that ever holds the token.
   * @throws NOT_FOUND where there is no such connection, OVERLOADED
   */
  create (connectionId: string, request: SessionRequest, by: Actor): Promise<NewSession>
  /** The connection's sessions, the newest first, those that have ended too. */
  list (connectionId: string): Promise<Session[]>
  /** @throws NOT_FOUND */
  get (id: string): Promise<Session>
  /**
   * Ends a session: at once here, within a second on other replicas. A second time changes nothing.
   * @throws NOT_FOUND
   */
  revoke (id: string, by: Actor): Promise<void>
  /** Forgets all of a connection's sessions here and on other replicas: call it when its deletion is committed. */
  forget (connectionId: string): Promise<void>
  /** @throws UNAUTHENTICATED, or OVERLOADED where the token cannot be checked now */
  verify (token: string): Promise<SessionPrincipal>
  /** Notes that the session is used; stored within a minute. */
  touch (sessionId: string, use: SessionUse): void
  /** Stores the noted uses now. */
  flush (): Promise<void>
  /** Calls the listener for every revocation, of this replica and of others. */
  onRevoked (listener: (match: Revocation) => void): void
  /** How often argon2 checked a token since the start. */
  argon2Runs (): number
}

const DEFAULT_TTL_SECONDS = 90 * 86_400
const TOPIC = 'sessions:revoked'
/** How long the stored last use may be behind: another replica stores its own once a minute. */
const TOUCH_LAG_MS = 60_000

export default fp<{ config: Pick<Config, 'sessionGraceMs'> }>(async (app, { config }) => {
  const slots = createSemaphore(2, 64)
  const touches = createSessionTouches(rows => touchSessions(app.db, rows), app.log)
  const read = createBatchedRead(ids => findSessionsWithEpoch(app.db, ids))
  const gate = createTokenGate<SessionPrincipal>({
    kind: 'st',
    key: app.vault.systemKey('token'),
    slots,
    isTrusted: app.bus.healthy,
    trustedAt: app.bus.healthyAt,
    graceMs: config.sessionGraceMs,
    async read (id) {
      const row = await read(id)
      return row && toGateRow(row, touches.lastUse(id))
    }
  })
  const { announce, onRevoked } = createRevocations(app, gate)

  app.decorate('sessions', {
    create: createCreate(app, slots, gate),
    list: async connectionId => (await listSessions(app.db, connectionId)).map(toSession),
    async get (id) {
      const row = await findSession(app.db, id)
      if (!row) throw problem('NOT_FOUND', 'There is no such session.')
      return toSession(row)
    },
    async revoke (id, by) {
      const done = await app.db.transaction().execute(async trx => {
        const row = await revokeSession(trx, id)
        if (!row) return null
        const epoch = await bumpEpoch(trx, row.connection_id)
        await app.audit.record(trx, {
          ...by, action: 'session.revoke', target: id, session_id: id, connection_id: row.connection_id
        })
        return { session_id: id, connection_id: row.connection_id, epoch }
      })
      if (done) await announce(done)
      else await app.sessions.get(id)
    },
    forget: connectionId => announce({ connection_id: connectionId, epoch: Number.MAX_SAFE_INTEGER }),
    verify: gate.verify,
    touch: touches.touch,
    flush: touches.flush,
    onRevoked,
    argon2Runs: gate.argon2Runs
  })
  app.addHook('onClose', touches.close)
}, { name: 'sessions', dependencies: ['db', 'bus', 'vault', 'audit'] })

function createCreate (app: FastifyInstance, slots: Semaphore, gate: TokenGate<SessionPrincipal>): Sessions['create'] {
  return async (connectionId, { name = null, ttl_seconds: ttlSeconds = DEFAULT_TTL_SECONDS, scope = {} }, by) => {
    const id = randomUUID()
    const token = createToken('st', id)
    const tokenHash = await slots.run(() => hash(token, TOKEN_ARGON2))
    const row = await app.db.transaction().execute(async trx => {
      const connection = await trx.selectFrom('connections').select('id').where('id', '=', connectionId)
        .forKeyShare().executeTakeFirst()
      if (!connection) throw problem('NOT_FOUND', 'There is no such connection.')
      const row = await insertSession(trx, {
        id,
        connection_id: connectionId,
        name: name ?? null,
        token_hash: tokenHash,
        token_mac: gate.mac(token),
        token_last_four: token.slice(-4),
        scope: JSON.stringify(scope),
        expires_at: ttlSeconds === null ? null : new Date(Date.now() + ttlSeconds * 1000)
      })
      await app.audit.record(trx, {
        ...by,
        action: 'session.create',
        target: id,
        session_id: id,
        connection_id: connectionId,
        details: { name: name ?? null, ttl_seconds: ttlSeconds, scope }
      })
      return row
    })
    return { ...toSession(row), access_token: token }
  }
}

interface Announcement {
  session_id?: string
  connection_id: string
  epoch: number
}

/** Carries revocations: from here to the others and from the others to here, into the gate and to the listeners. */
function createRevocations (app: FastifyInstance, gate: TokenGate<SessionPrincipal>) {
  const listeners: ((match: Revocation) => void)[] = []

  app.bus.subscribe('bus:reset', gate.flush)
  // Also published where a connection was deleted, and its sessions with it.
  app.bus.subscribe('connection:changed', gate.flush)
  app.bus.subscribe(TOPIC, payload => {
    const { session_id: sessionId, connection_id: connectionId, epoch } = payload as Announcement
    gate.invalidate(connectionId, epoch)
    const match = sessionId === undefined ? { connection_id: connectionId } : { session_id: sessionId }
    for (const listener of listeners) listener(match)
  })

  async function announce (announcement: Announcement): Promise<void> {
    try {
      await app.bus.publish(TOPIC, announcement)
    } catch (error) {
      // It is done and refused here; the others read the row again within 30 s.
      app.log.error({ err: error }, 'other replicas could not be told of a revocation')
    }
  }

  return { announce, onRevoked: (listener: (match: Revocation) => void) => { listeners.push(listener) } }
}

function toGateRow (row: SessionRow & { epoch: number }, lastUse: Date | undefined): GateRow<SessionPrincipal> {
  return {
    principal: Object.freeze({
      kind: 'session',
      session_id: row.id,
      connection_id: row.connection_id,
      name: row.name,
      expires_at: row.expires_at,
      scope: row.scope
    }),
    hash: row.token_hash,
    mac: row.token_mac,
    previous: row.previous_token_mac && row.previous_expires_at &&
      { mac: row.previous_token_mac, expiresAt: row.previous_expires_at },
    expiresAt: expiryOf(row, lastUse),
    revokedAt: row.revoked_at,
    group: row.connection_id,
    epoch: row.epoch
  }
}

/** The earlier of the fixed end and the end by idleness. */
function expiryOf (row: SessionRow, lastUse: Date | undefined): Date | null {
  if (row.idle_seconds === null) return row.expires_at
  const used = Math.max(row.created_at.getTime(), row.last_used_at?.getTime() ?? 0, lastUse?.getTime() ?? 0)
  const idleEnd = used + row.idle_seconds * 1000 + TOUCH_LAG_MS
  return new Date(Math.min(idleEnd, row.expires_at?.getTime() ?? Infinity))
}
