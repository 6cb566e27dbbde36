import { sql, type Kysely } from 'kysely'

/** A cached answer outlives its freshness, to stand in where none can be had; locks make one replica load it. */
export async function up<T> (db: Kysely<T>): Promise<void> {
  await sql`DROP TABLE cache_entries`.execute(db)
  await sql`CREATE TABLE cache_entries (
    key text PRIMARY KEY,
    owner_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    tool text NOT NULL,
    value json NOT NULL,
    bytes integer NOT NULL,
    fence bigint NOT NULL,
    stored_at timestamptz NOT NULL,
    fresh_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
  )`.execute(db)
  await sql`CREATE INDEX cache_entries_expiry ON cache_entries (expires_at)`.execute(db)
  await sql`CREATE INDEX cache_entries_owner ON cache_entries (owner_id, expires_at)`.execute(db)
  await sql`CREATE INDEX cache_entries_connection ON cache_entries (connection_id)`.execute(db)

  await sql`CREATE SEQUENCE cache_fences`.execute(db)
  // Worth nothing after a crash: whoever held one is gone.
  await sql`CREATE UNLOGGED TABLE cache_locks (
    key text PRIMARY KEY,
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
  )`.execute(db)
}
