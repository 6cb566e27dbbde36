import { sql, type Kysely } from 'kysely'

/** The run of a rewrap, for whoever watches it, at whichever replica. */
export async function up (db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE key_rewraps (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    run_id uuid NOT NULL,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    outcome text,
    message text,
    done integer NOT NULL DEFAULT 0,
    total integer NOT NULL DEFAULT 0,
    failed uuid[] NOT NULL DEFAULT '{}'
  )`.execute(db)
}
