import { sql, type Kysely } from 'kysely'
import type { Database, OneTimeTokenRow } from './types.ts'

/** A token beside its session's connection, judged by the database's clock. */
export type KnownOneTimeToken = Pick<OneTimeTokenRow, 'id' | 'session_id' | 'token_mac' | 'consumed_at'> & {
  connection_id: string
  is_expired: boolean
}

/** How long a row outlives its token: a second use is told from an unknown token so long. */
const KEPT = sql.lit('1 day')
const MOST_SWEPT = 1_000

/** How many tokens of the session may still be used. */
export async function countOpenOneTimeTokens (trx: Kysely<Database>, sessionId: string): Promise<number> {
  const { count } = await trx.selectFrom('one_time_tokens').select(sql<number>`count(*)::int`.as('count'))
    .where('session_id', '=', sessionId).where('consumed_at', 'is', null).where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirstOrThrow()
  return count
}

/** @returns when it expires: after `ttlSeconds`, at the latest with the session */
export async function insertOneTimeToken (
  trx: Kysely<Database>, row: Pick<OneTimeTokenRow, 'id' | 'session_id' | 'token_mac'>, ttlSeconds: number
): Promise<Date> {
  const { expires_at: expiresAt } = await trx.insertInto('one_time_tokens').values({
    ...row,
    expires_at: sql<Date>`least(
      now() + make_interval(secs => ${ttlSeconds}),
      (SELECT s.expires_at FROM sessions s WHERE s.id = ${row.session_id}))`
  }).returning('expires_at').executeTakeFirstOrThrow()
  return expiresAt
}

export function findOneTimeToken (db: Kysely<Database>, id: string): Promise<KnownOneTimeToken | undefined> {
  return db.selectFrom('one_time_tokens as t').innerJoin('sessions as s', 's.id', 't.session_id')
    .select(['t.id', 't.session_id', 't.token_mac', 't.consumed_at', 's.connection_id'])
    .select(sql<boolean>`t.expires_at <= now()`.as('is_expired'))
    .where('t.id', '=', id).executeTakeFirst()
}

/** @returns whether this caller is the one who used it */
export async function consumeOneTimeToken (trx: Kysely<Database>, id: string): Promise<boolean> {
  return await trx.updateTable('one_time_tokens').set({ consumed_at: sql<Date>`now()` })
    .where('id', '=', id).where('consumed_at', 'is', null).where('expires_at', '>', sql<Date>`now()`)
    .returning('id').executeTakeFirst() !== undefined
}

/** Deletes what expired a day ago, used or not. Rows that another sweep holds are left to it. */
export async function sweepOneTimeTokens (trx: Kysely<Database>): Promise<void> {
  await sql`DELETE FROM one_time_tokens WHERE id IN (
    SELECT id FROM one_time_tokens WHERE expires_at < now() - ${KEPT}::interval
    LIMIT ${MOST_SWEPT} FOR UPDATE SKIP LOCKED)`.execute(trx)
}
