import { sql, type Kysely } from 'kysely'
import type { Database } from '../db/types.ts'
import type { QuotaPlan } from '../schemas/control.ts'
import { GEOMETRY, toReserve } from './plans.ts'
import type { QuotaStore, QuotaWindow } from './types.ts'

interface Taken { granted: boolean, wait_ms: string, tight: number, remaining: number }

/** The count of all replicas in Postgres, by its clock; the functions stand in the migration. */
export function createPostgresStore (db: Kysely<Database>): QuotaStore {
  return {
    async take ({ ledger, windows, sessionId, background, unrecorded = 0 }) {
      const geometries = windows.map(({ per }) => GEOMETRY[per])
      const { rows: [row] } = await sql<Taken>`SELECT * FROM quota_take(
        ${ledger}, ${sessionId ?? ''}, ${background}, ${unrecorded},
        ${windows.map(({ per }) => per)}, ${windows.map(({ limit }) => limit)}::integer[],
        ${geometries.map(({ bucketMs }) => bucketMs)}::bigint[], ${geometries.map(({ span }) => span)}::bigint[],
        ${geometries.map(({ activeMs }) => activeMs)}::bigint[],
        ${windows.map(({ limit }) => limit === null ? 0 : toReserve(limit))}::integer[]
      )`.execute(db)
      const { granted, wait_ms: waitMs, tight, remaining } = row!
      const window = windows[tight - 1]
      const left = window ? { left: remaining, limit: window.limit!, per: window.per } : null
      return granted ? { granted, left } : { granted, waitMs: Number(waitMs), left }
    },

    async correct (ledger, { per, limit }, left) {
      if (limit === null) return
      const { bucketMs, span } = GEOMETRY[per]
      await sql`SELECT quota_raise(${ledger}, ${per}, ${bucketMs}, ${span}, ${limit - left})`.execute(db)
    },

    async block (ledger, ms) {
      await sql`INSERT INTO quota_ledgers AS l (ledger, blocked_until)
        VALUES (${ledger}, clock_timestamp() + ${ms / 1000}::float8 * interval '1 second')
        ON CONFLICT (ledger) DO UPDATE SET blocked_until = greatest(l.blocked_until, excluded.blocked_until)`.execute(db)
    },

    async read (ledger, windows) {
      const [{ rows: [blocked] }, ...counts] = await Promise.all([
        sql<{ ms: string }>`SELECT ceil(extract(epoch FROM blocked_until - clock_timestamp()) * 1000)::bigint AS ms
          FROM quota_ledgers WHERE ledger = ${ledger}`.execute(db),
        ...windows.map(window => readWindow(db, ledger, window))
      ])
      return {
        blockedMs: Math.max(0, Number(blocked?.ms ?? 0)),
        windows: windows.map(({ per }, i) => ({ per, ...counts[i]! }))
      }
    },

    async learn (ledger, plan) {
      const learned = JSON.stringify(plan)
      await sql`INSERT INTO quota_ledgers AS l (ledger, learned, learned_at)
        VALUES (${ledger}, ${learned}::jsonb, clock_timestamp())
        ON CONFLICT (ledger) DO UPDATE SET learned = l.learned || excluded.learned, learned_at = excluded.learned_at
      `.execute(db)
    },

    async learned (ledger) {
      const row = await db.selectFrom('quota_ledgers').select('learned').where('ledger', '=', ledger).executeTakeFirst()
      return row?.learned ?? {} satisfies QuotaPlan
    }
  }
}

async function readWindow (db: Kysely<Database>, ledger: string, { per }: QuotaWindow) {
  const { bucketMs, span } = GEOMETRY[per]
  const { rows: [row] } = await sql<{ used: number, frees_ms: string | null }>`
    WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)
    SELECT coalesce(sum(c.used), 0)::integer AS used,
      (min(c.bucket) + ${span}::bigint + 1) * ${bucketMs}::bigint - min(clock.now) AS frees_ms
    FROM clock LEFT JOIN quota_counts c
      ON c.ledger = ${ledger} AND c.per = ${per} AND c.bucket >= clock.now / ${bucketMs}::bigint - ${span}::bigint
  `.execute(db)
  return { used: row!.used, freesMs: row!.frees_ms === null ? null : Number(row!.frees_ms) }
}

/** Removes what counts no more; a limit that was learned stays for 30 days. */
export async function sweepQuota (db: Kysely<Database>): Promise<void> {
  for (const [per, { bucketMs, span }] of Object.entries(GEOMETRY)) {
    await sql`DELETE FROM quota_counts WHERE per = ${per}
      AND bucket < floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint / ${bucketMs}::bigint - ${span}::bigint
    `.execute(db)
  }
  await sql`DELETE FROM quota_sessions WHERE asked_at < now() - interval '1 hour'`.execute(db)
  await sql`DELETE FROM quota_ledgers l
    WHERE NOT EXISTS (SELECT FROM quota_counts c WHERE c.ledger = l.ledger)
    AND coalesce(blocked_until, '-infinity') < now()
    AND coalesce(learned_at, '-infinity') < now() - interval '30 days'`.execute(db)
}
