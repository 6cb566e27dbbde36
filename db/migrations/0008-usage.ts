import { sql, type Kysely } from 'kysely'

/** How many calls were made, by time, session and tool; and when a session's first one came. */
export async function up (db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE usage_buckets (
    at timestamptz NOT NULL,
    span_seconds integer NOT NULL,
    connection_id uuid NOT NULL,
    session_id uuid NOT NULL,
    tool text NOT NULL,
    outcome text NOT NULL,
    calls integer NOT NULL,
    hits integer NOT NULL,
    characters bigint NOT NULL,
    latency integer[] NOT NULL,
    PRIMARY KEY (at, span_seconds, connection_id, session_id, tool, outcome)
  )`.execute(db)
  await sql`ALTER TABLE sessions ADD COLUMN first_call_at timestamptz`.execute(db)
  await sql`UPDATE sessions SET first_call_at = (
    SELECT time FROM audit_logs WHERE session_id = sessions.id AND action = 'tool.call' ORDER BY seq LIMIT 1
  )`.execute(db)
}
