import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import { randomUUID, timingSafeEqual } from 'node:crypto'
import {
  consumeOneTimeToken, countOpenOneTimeTokens, findOneTimeToken, insertOneTimeToken, sweepOneTimeTokens,
  type KnownOneTimeToken
} from '../db/one-time-tokens.ts'
import { endOf, lockSession } from '../db/sessions.ts'
import type { Database } from '../db/types.ts'
import { codeOf, problem, type ErrorCode } from '../errors.ts'
import type { NewOneTimeToken, OneTimeTokenRequest } from '../schemas/one-time-tokens.ts'
import type { NewSession } from '../schemas/sessions.ts'
import { createMac, refusal } from '../tokens/gate.ts'
import { createToken, parseToken } from '../tokens/token.ts'
import type { Actor } from './audit/index.ts'
import { createBearerLimit } from './auth/limit.ts'
import { assertAddress } from './sessions/scope.ts'
import type { SessionPrincipal } from './sessions/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    oneTimeTokens: OneTimeTokens
  }
}

/** Who presents a token. */
export type Presenter = Actor & { ip: string }

/** Access for clients that cannot send a header: good for minutes, and once. */
export interface OneTimeTokens {
  /**
   * Makes a token of the session, for 5 minutes where nothing is said. The answer is the only one that ever holds it.
   * @param base what the URLs of the answer begin with
   * @throws NOT_FOUND, CONFLICT where the session has ended or has 20 open ones
   */
  create (sessionId: string, request: OneTimeTokenRequest, base: string, by: Actor): Promise<NewOneTimeToken>
  /**
   * Takes the token for a new access token of its session, whose former one ends. Where that fails it still holds.
   * @throws UNAUTHENTICATED, TOKEN_CONSUMED, FORBIDDEN by the session's addresses, RATE_LIMITED, OVERLOADED
   */
  exchange (token: string, by: Presenter): Promise<NewSession>
  /**
   * Takes the token for its session.
   * @param assertRoom throws where the session cannot be used now: the token then still holds
   * @throws as `exchange`
   */
  claim (token: string, by: Presenter, assertRoom: (principal: SessionPrincipal) => void): Promise<SessionPrincipal>
  /** 43 characters that stand beside a stream's id and that only a replica of this server can make. */
  streamProof (streamId: string): string
  isStreamProof (streamId: string, proof: string): boolean
}

const DEFAULT_TTL_SECONDS = 300
const MOST_OPEN = 20
const BAD: ErrorCode[] = ['UNAUTHENTICATED', 'TOKEN_CONSUMED']
const GONE: ErrorCode[] = ['UNAUTHENTICATED', 'CONFLICT', 'NOT_FOUND']

const refused = () => refusal('This one-time token is unknown or has expired, or its session has ended. Ask for a new one.')
const consumed = () => problem('TOKEN_CONSUMED', 'This one-time token was used before. Ask for a new one; if it was not you ' +
  'who used it, have its session revoked.')

export default fp(async app => {
  const mac = createMac(app.vault.systemKey('token'))
  const limit = createBearerLimit(BAD)
  const inTurn = createTurns()

  const proofOf = (streamId: string) => mac(`stream:${streamId}`)

  /** A token that may be used now, and its session, for this presenter. */
  async function assertUsable (token: string, id: string, { ip }: Presenter) {
    const row = await findOneTimeToken(app.db, id)
    if (!row || !timingSafeEqual(row.token_mac, mac(token))) throw refused()
    if (row.consumed_at) throw consumed()
    if (row.is_expired) throw refused()
    const principal = await app.sessions.principalOf(row.session_id)
    assertAddress(principal, ip)
    return { row, principal }
  }

  /** A part of the transaction of what the token is used for: undone with it. */
  async function consume (trx: Kysely<Database>, row: KnownOneTimeToken, action: string, by: Presenter): Promise<void> {
    // Before the token, as a deletion does: two that lock in another order would wait for each other.
    const session = await lockSession(trx, row.session_id)
    if (!session || session.revoked_at) throw refused()
    if (!await consumeOneTimeToken(trx, row.id)) throw consumed()
    await app.audit.record(trx, { ...by, action, ...toSubject(row) })
  }

  /** Counts bad tokens against their address, and records the second use of a good one. */
  async function present<T> (token: string, by: Presenter, use: (id: string) => Promise<T>): Promise<T> {
    const parsed = parseToken(token)
    try {
      return await limit(by.ip, async () => {
        if (parsed?.kind !== 'ot') throw refused()
        // One of a token's presenters at a time: who loses needs neither argon2 nor a connection to wait for the row.
        return await inTurn(parsed.id, () => use(parsed.id)).catch((error: unknown) => {
          throw GONE.includes(codeOf(error)) ? refused() : error
        })
      })
    } catch (error) {
      if (codeOf(error) === 'TOKEN_CONSUMED' && parsed) {
        const row = await findOneTimeToken(app.db, parsed.id)
        const subject = row ? toSubject(row) : { target: parsed.id }
        await app.audit.record(app.db, { ...by, action: 'one_time_token.reuse', outcome: 'TOKEN_CONSUMED', ...subject })
      }
      throw error
    }
  }

  app.decorate('oneTimeTokens', {
    async create (sessionId, { ttl_seconds: ttlSeconds = DEFAULT_TTL_SECONDS }, base, by) {
      const id = randomUUID()
      const token = createToken('ot', id)
      const expiresAt = await app.db.transaction().execute(async trx => {
        const session = await lockSession(trx, sessionId)
        if (!session) throw problem('NOT_FOUND', 'There is no such session.')
        if (endOf(session, session.token_last_four) <= Date.now()) {
          throw problem('CONFLICT', 'This session has ended. Make a new one, and a one-time token of that.')
        }
        if (await countOpenOneTimeTokens(trx, sessionId) >= MOST_OPEN) {
          throw problem('CONFLICT', `This session has ${MOST_OPEN} one-time tokens that are not used yet, the most that it may ` +
            'have. Use one, or wait until they expire.')
        }
        await sweepOneTimeTokens(trx)
        const row = { id, session_id: sessionId, token_mac: mac(token) }
        const expiresAt = await insertOneTimeToken(trx, row, ttlSeconds)
        const subject = toSubject({ ...row, connection_id: session.connection_id })
        const details = { ttl_seconds: ttlSeconds }
        await app.audit.record(trx, { ...by, action: 'one_time_token.create', ...subject, details })
        return expiresAt
      })
      return {
        one_time_token: token,
        expires_at: expiresAt.toISOString(),
        exchange_url: `${base}/api/session/exchange`,
        connect_url: `${base}/mcp/connect/${token}`
      }
    },

    exchange: (token, by) => present(token, by, async id => {
      const { row } = await assertUsable(token, id, by)
      const as = { ...by, actor: `session:${row.session_id}` }
      const before = (trx: Kysely<Database>) => consume(trx, row, 'one_time_token.exchange', as)
      return app.sessions.rotate(row.session_id, { before }, as)
    }),

    claim: (token, by, assertRoom) => present(token, by, async id => {
      const { row, principal } = await assertUsable(token, id, by)
      assertRoom(principal)
      const as = { ...by, actor: `session:${row.session_id}` }
      await app.db.transaction().execute(trx => consume(trx, row, 'one_time_token.claim', as))
      return principal
    }),

    streamProof: streamId => proofOf(streamId).toString('base64url'),
    isStreamProof (streamId, proof) {
      const given = Buffer.from(proof, 'base64url')
      return given.length === 32 && timingSafeEqual(given, proofOf(streamId))
    }
  })
}, { name: 'one-time-tokens', dependencies: ['db', 'vault', 'audit', 'sessions'] })

/** What the audit log says of a token. */
function toSubject (row: Pick<KnownOneTimeToken, 'id' | 'session_id' | 'connection_id'>) {
  return { target: row.id, session_id: row.session_id, connection_id: row.connection_id }
}

/** Runs what is asked for under one name one after the other. */
function createTurns () {
  const last = new Map<string, Promise<unknown>>()
  return async function inTurn<T> (name: string, work: () => Promise<T>): Promise<T> {
    const turn = (last.get(name) ?? Promise.resolve()).then(work, work)
    last.set(name, turn)
    try {
      return await turn
    } finally {
      if (last.get(name) === turn) last.delete(name)
    }
  }
}
