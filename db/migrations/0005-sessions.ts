import { sql, type Kysely } from 'kysely'

/** What a rotation leaves to see, and the ends of one-time tokens. */
export async function up (db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE sessions
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN previous_last_four text,
    ADD COLUMN previous_used_at timestamptz`.execute(db)
  await sql`CREATE INDEX one_time_tokens_session ON one_time_tokens (session_id)`.execute(db)
  await sql`CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at)`.execute(db)
}
