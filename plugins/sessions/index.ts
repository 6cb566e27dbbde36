import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import type { Config } from '../../config.ts'
import {
  endOf, expiryOf, findSession, findSessionsWithEpoch, listSessions, toSession, touchSessions
} from '../../db/sessions.ts'
import type { Database, SessionRow } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import type {
  NewSession, PatchedSession, ScopeSettings, Session, SessionPatch, SessionRequest
} from '../../schemas/sessions.ts'
import { createBatchedRead } from '../../tokens/batched-read.ts'
import { createTokenGate, type GateRow } from '../../tokens/gate.ts'
import { createSemaphore, type SemaphoreLoad } from '../../tokens/semaphore.ts'
import type { Actor } from '../audit/index.ts'
import { createSessionChanges } from './changes.ts'
import { createSessionEnds } from './ends.ts'
import { createHolds, type EndHold } from './holds.ts'
import { createSessionNews } from './news.ts'
import { createSessionTouches, type SessionUse } from './touches.ts'

export type { Actor } from '../audit/index.ts'
export type { EndHold } from './holds.ts'
export type { SessionUse } from './touches.ts'

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
  /** Of the token that it proved. */
  token_last_four: string
  /** Not null: the token is the one before a rotation, and ends then. */
  previous_expires_at: Date | null
}

/** Which sessions ended: one, or all of a connection. */
export interface Revocation {
  session_id?: string
  connection_id?: string
}

export interface RotateOptions {
  /** For how long the former token is taken beside the new one; default 0. */
  graceSeconds?: number
  /** Runs first, in the same transaction: where it throws, nothing is changed. */
  before?: (trx: Kysely<Database>) => Promise<void>
}

export interface Sessions {
  /**
   * Makes a session. The answer is the only one that ever holds the token.
   * @throws NOT_FOUND where there is no such connection, INVALID_INPUT for its scope, OVERLOADED
   */
  create (connectionId: string, request: SessionRequest, by: Actor): Promise<NewSession>
  /** The connection's sessions, the newest first, those that have ended too. */
  list (connectionId: string): Promise<Session[]>
  /** @throws NOT_FOUND */
  get (id: string): Promise<Session>
  /**
   * Gives the session a new token. A token before the former one ends at once.
   * @throws NOT_FOUND, CONFLICT where the session has ended, OVERLOADED
   */
  rotate (id: string, options: RotateOptions, by: Actor): Promise<NewSession>
  /**
   * Changes what is stated. Another scope comes with a new token, and the former one ends at once.
   * @throws as `rotate`, and INVALID_INPUT for the scope
   */
  update (id: string, patch: SessionPatch, by: Actor): Promise<PatchedSession>
  /**
   * Ends a session: at once here, within a second on other replicas. A second time changes nothing.
   * @throws NOT_FOUND
   */
  revoke (id: string, by: Actor): Promise<void>
  /** Ends all sessions of a connection, or all that there are; answers how many it ended. */
  revokeAll (connectionId: string | undefined, by: Actor): Promise<number>
  /** Forgets all of a connection's sessions here and on other replicas: call it when its deletion is committed. */
  forget (connectionId: string): Promise<void>
  /** @throws UNAUTHENTICATED, or OVERLOADED where the token cannot be checked now */
  verify (token: string): Promise<SessionPrincipal>
  /** Who would prove the session's current token. @throws as `verify` */
  principalOf (id: string): Promise<SessionPrincipal>
  /**
   * Has `end` called where the principal's token ends before the hold is released: within a second of its revocation or
   * rotation on any replica, and when it expires.
   * @returns what releases it
   * @throws UNAUTHENTICATED where it ended since it was verified
   */
  hold (principal: SessionPrincipal, end: EndHold): Promise<() => void>
  /** Notes that the session is used; stored within a minute, and what is new about it at once. */
  touch (sessionId: string, use: SessionUse): void
  /** Stores the noted uses now. */
  flush (): Promise<void>
  /** Calls the listener for every revocation, of this replica and of others. */
  onRevoked (listener: (match: Revocation) => void): void
  /** How often argon2 checked a token since the start. */
  argon2Runs (): number
  /** What argon2 has to do for tokens of sessions. */
  argon2Load (): SemaphoreLoad
}

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
  const holds = createHolds({
    isCurrent: gate.isCurrent,
    readEnds: principals => Promise.all(principals.map(async ({ session_id: id, token_last_four: lastFour }) => {
      const row = await read(id)
      return row ? endOf(row, lastFour, touches.lastUse(id)) : 0
    })),
    onFailure: error => app.log.debug({ err: error }, 'the ends of sessions could not be read')
  })
  const listeners: ((match: Revocation) => void)[] = []
  const news = createSessionNews(app, {
    invalidate: gate.invalidate,
    onChanged: id => { holds.recheck(id) },
    onRevoked (match) {
      holds.end(match)
      for (const listener of listeners) listener(match)
    }
  })
  app.bus.subscribe('bus:reset', () => {
    gate.flush()
    holds.recheck()
  })
  // Also published where a connection was deleted, and its sessions with it.
  app.bus.subscribe('connection:changed', gate.flush)

  app.decorate('sessions', {
    ...createSessionChanges(app, { slots, mac: gate.mac, lastUse: touches.lastUse, announce: news.changed }),
    ...createSessionEnds(app, news.revoked),
    list: async connectionId => (await listSessions(app.db, connectionId)).map(toSession),
    async get (id) {
      const row = await findSession(app.db, id)
      if (!row) throw problem('NOT_FOUND', 'There is no such session.')
      return toSession(row)
    },
    async verify (token) {
      const principal = await gate.verify(token)
      if (principal.previous_expires_at) touches.touch(principal.session_id, { previous: true })
      return principal
    },
    principalOf: gate.find,
    hold: holds.hold,
    touch: touches.touch,
    flush: touches.flush,
    onRevoked: listener => { listeners.push(listener) },
    argon2Runs: gate.argon2Runs,
    argon2Load: slots.load
  })
  app.addHook('onClose', async () => {
    holds.close()
    await touches.close()
  })
}, { name: 'sessions', dependencies: ['db', 'bus', 'vault', 'audit'] })

function toGateRow (row: SessionRow & { epoch: number }, lastUse: Date | undefined): GateRow<SessionPrincipal> {
  const principal: SessionPrincipal = {
    kind: 'session',
    session_id: row.id,
    connection_id: row.connection_id,
    name: row.name,
    expires_at: row.expires_at,
    scope: row.scope,
    token_last_four: row.token_last_four,
    previous_expires_at: null
  }
  const { previous_token_mac: mac, previous_expires_at: end, previous_last_four: lastFour } = row
  const previous = mac && end && lastFour !== null && {
    mac, expiresAt: end, principal: Object.freeze({ ...principal, token_last_four: lastFour, previous_expires_at: end })
  }
  return {
    principal: Object.freeze(principal),
    hash: row.token_hash,
    mac: row.token_mac,
    previous: previous || null,
    expiresAt: expiryOf(row, lastUse),
    revokedAt: row.revoked_at,
    group: row.connection_id,
    epoch: row.epoch
  }
}
