import { sql, type Kysely, type RawBuilder } from 'kysely'
import { LATENCY_COUNTS } from './usage-latency.ts'
import type { Database } from './types.ts'

/** Stands in the session's place where an admin called. */
export const NO_SESSION = '00000000-0000-0000-0000-000000000000'
const MINUTE = 60
const HOUR = 3600
/** For so long minutes are kept: the last day is shown by parts of an hour. */
const MINUTES_HOURS = 25
const KEPT_DAYS = 8

/** Calls of one minute that were alike. */
export interface UsageMinute {
  /** Its begin, ISO 8601. */
  at: string
  connection_id: string
  session_id: string
  tool: string
  outcome: string
  calls: number
  hits: number
  characters: number
  latency: number[]
}

/** Adds the rows to what is stored already, by this replica or another. */
export async function addUsage (db: Kysely<Database>, rows: readonly UsageMinute[]): Promise<void> {
  await sql`
    INSERT INTO usage_buckets AS u
      (at, span_seconds, connection_id, session_id, tool, outcome, calls, hits, characters, latency)
    SELECT at, ${MINUTE}, connection_id, session_id, tool, outcome, calls, hits, characters, latency
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (at timestamptz, connection_id uuid, session_id uuid,
      tool text, outcome text, calls int, hits int, characters bigint, latency int[])
    -- In one order: two replicas would else wait for each other.
    ORDER BY at, connection_id, session_id, tool, outcome
    ON CONFLICT ${ON_CONFLICT}`.execute(db)
}

const ON_CONFLICT = sql`(at, span_seconds, connection_id, session_id, tool, outcome) DO UPDATE SET
  calls = u.calls + excluded.calls,
  hits = u.hits + excluded.hits,
  characters = u.characters + excluded.characters,
  latency = ARRAY(SELECT a + b FROM unnest(u.latency, excluded.latency) WITH ORDINALITY AS t (a, b, n) ORDER BY n)`

/** The histograms of several rows as one. */
const LATENCY_SUM = sql<number[]>`ARRAY[${sql.join(
  Array.from({ length: LATENCY_COUNTS }, (_, i) => sql`coalesce(sum(latency[${sql.lit(i + 1)}]), 0)::int`)
)}]`

/**
 * Makes hours of the minutes that are older than a day, and deletes what is older than eight. Another replica that does
 * the same is not waited for.
 */
export async function rollUpUsage (db: Kysely<Database>): Promise<void> {
  await db.transaction().execute(async trx => {
    const { rows: [lock] } = await sql<{ mine: boolean }>`
      SELECT pg_try_advisory_xact_lock(hashtext('usage_buckets')) AS mine`.execute(trx)
    if (!lock?.mine) return
    await sql`
      WITH gone AS (
        DELETE FROM usage_buckets
        WHERE span_seconds = ${MINUTE} AND at < date_trunc('hour', now() - make_interval(hours => ${MINUTES_HOURS}))
        RETURNING *
      )
      INSERT INTO usage_buckets AS u
        (at, span_seconds, connection_id, session_id, tool, outcome, calls, hits, characters, latency)
      SELECT ${toBegin(HOUR)}, ${HOUR}, connection_id, session_id, tool, outcome,
        sum(calls), sum(hits), sum(characters), ${LATENCY_SUM}
      FROM gone GROUP BY 1, 3, 4, 5, 6
      ON CONFLICT ${ON_CONFLICT}`.execute(trx)
    await sql`DELETE FROM usage_buckets WHERE at < now() - make_interval(days => ${KEPT_DAYS})`.execute(trx)
  })
}

/** The begin of the stretch of so many seconds that `at` is in. */
const toBegin = (seconds: number): RawBuilder<Date> =>
  sql`to_timestamp(floor(extract(epoch FROM at) / ${sql.lit(seconds)}) * ${sql.lit(seconds)})`

export interface UsageFilter {
  connection_id?: string | undefined
  session_id?: string | undefined
  tool?: string | undefined
}

/** What is summed: all, or the calls that share what is not null. */
export interface UsageSum {
  by: 'all' | 'time' | 'tool' | 'session' | 'outcome'
  at: Date | null
  tool: string | null
  connection_id: string | null
  session_id: string | null
  outcome: string | null
  calls: number
  failed: number
  hits: number
  characters: number
  latency: number[]
}

/**
 * The sums of a stretch of time, by each of its parts, by tool, by session and by outcome.
 * @param from included; both at the begin of a part
 * @param stepSeconds length of a part
 */
export async function sumUsage (
  db: Kysely<Database>, { from, to, stepSeconds }: { from: Date, to: Date, stepSeconds: number }, filter: UsageFilter
): Promise<UsageSum[]> {
  const conditions = (['connection_id', 'session_id', 'tool'] as const).flatMap(column => {
    const value = filter[column]
    return value === undefined ? [] : [sql`${sql.ref(column)} = ${value}`]
  })
  const { rows } = await sql<UsageSum>`
    SELECT CASE grouping(part, tool, session_id, outcome)
        WHEN 7 THEN 'time' WHEN 11 THEN 'tool' WHEN 13 THEN 'session' WHEN 14 THEN 'outcome' ELSE 'all' END AS by,
      part AS at, tool, connection_id, session_id, outcome,
      coalesce(sum(calls), 0)::float8 AS calls,
      coalesce(sum(calls) FILTER (WHERE outcome <> 'ok'), 0)::float8 AS failed,
      coalesce(sum(hits), 0)::float8 AS hits,
      coalesce(sum(characters), 0)::float8 AS characters,
      ${LATENCY_SUM} AS latency
    FROM (
      SELECT *, ${toBegin(stepSeconds)} AS part FROM usage_buckets
      WHERE ${sql.join([sql`at >= ${from}`, sql`at < ${to}`, ...conditions], sql` AND `)}
    ) AS u
    GROUP BY GROUPING SETS ((part), (tool), (connection_id, session_id), (outcome), ())`.execute(db)
  return rows
}

/** What each of a connection's sessions called since 00:00 UTC. */
export async function countSessionCallsToday (
  db: Kysely<Database>, connectionId: string
): Promise<{ session_id: string, calls: number }[]> {
  const { rows } = await sql<{ session_id: string, calls: number }>`
    SELECT session_id, sum(calls)::int AS calls FROM usage_buckets
    WHERE at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AND connection_id = ${connectionId}
    GROUP BY session_id`.execute(db)
  return rows
}
