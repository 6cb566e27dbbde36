import { sql, type Kysely } from 'kysely'

/** What a key was refused for is kept by endpoint: a plan may draw its line inside a capability. */
export async function up<T> (db: Kysely<T>): Promise<void> {
  await sql`DROP TABLE entitlements`.execute(db)
  await sql`CREATE TABLE entitlements (
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    provider text NOT NULL,
    endpoint text NOT NULL,
    capability text NOT NULL,
    message text NOT NULL,
    learned_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (connection_id, provider, endpoint)
  )`.execute(db)
}
