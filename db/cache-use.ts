import { sql, type Kysely } from 'kysely'
import type { Database } from './types.ts'

/** One tool's answered calls over one connection. */
export interface CacheUse { connection_id: string, tool: string, calls: number, hits: number }

/** What was answered in the last 24 hours, and how much of it out of the cache. */
export async function countCacheUse (db: Kysely<Database>): Promise<CacheUse[]> {
  const { rows } = await sql<CacheUse>`
    SELECT connection_id, target AS tool, count(*)::int AS calls,
      count(*) FILTER (WHERE details->>'cache_hit' = 'true')::int AS hits
    FROM audit_logs
    WHERE action = 'tool.call' AND outcome = 'ok' AND connection_id IS NOT NULL AND target IS NOT NULL
      AND time >= now() - interval '24 hours'
    GROUP BY 1, 2`.execute(db)
  return rows
}
