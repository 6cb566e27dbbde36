import { sql, type Kysely } from 'kysely'
import type { Database, KeyRewrapRow } from './types.ts'

/** After so long without a sign its process is gone. */
const GONE_SECONDS = 15

/** The last run, and whether its process has shown itself lately. */
export async function readRewrap (db: Kysely<Database>): Promise<(KeyRewrapRow & { alive: boolean }) | undefined> {
  return db.selectFrom('key_rewraps').selectAll().select(isAlive.as('alive')).executeTakeFirst()
}

const isAlive = sql<boolean>`(key_rewraps.ended_at IS NULL
  AND key_rewraps.seen_at > now() - make_interval(secs => ${sql.lit(GONE_SECONDS)}))`

/**
 * Makes the run the last one.
 * @param run.takeOver also where another one is under way: both do the work of one
 * @returns false where another one is under way
 */
export async function beginRewrap (
  trx: Kysely<Database>, { id, by, takeOver }: { id: string, by: string, takeOver: boolean }
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    INSERT INTO key_rewraps (run_id, started_by) VALUES (${id}, ${by})
    ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id, started_by = excluded.started_by, started_at = now(),
      seen_at = now(), ended_at = NULL, outcome = NULL, message = NULL, done = 0, total = 0, failed = '{}'
    WHERE ${takeOver} OR NOT ${isAlive}`.execute(trx)
  return numAffectedRows > 0n
}

/** Shows that the run is under way, and how far it is. */
export async function markRewrap (
  db: Kysely<Database>, id: string, progress: { done: number, total: number }
): Promise<void> {
  await db.updateTable('key_rewraps').set({ ...progress, seen_at: sql<Date>`now()` })
    .where('run_id', '=', id).where('ended_at', 'is', null).execute()
}

export async function endRewrap (
  trx: Kysely<Database>, id: string,
  end: { outcome: string, message: string | null, done: number, total: number, failed: string[] }
): Promise<void> {
  await trx.updateTable('key_rewraps').set({ ...end, ended_at: sql<Date>`now()` }).where('run_id', '=', id).execute()
}
