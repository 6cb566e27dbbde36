import { sql, type Kysely } from 'kysely'

/** A second factor, recovery codes, what a login came from, and limits of logins that all replicas share. */
export async function up (db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE admins
    ADD COLUMN password_set_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN totp_secret bytea,
    ADD COLUMN totp_confirmed_at timestamptz,
    ADD COLUMN totp_last_step bigint`.execute(db)
  await sql`CREATE UNIQUE INDEX admins_lower_name ON admins (lower(name))`.execute(db)
  await sql`CREATE TABLE admin_recovery_codes (
    admin_id uuid NOT NULL REFERENCES admins ON DELETE CASCADE,
    code_mac bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (admin_id, code_mac)
  )`.execute(db)
  await sql`ALTER TABLE admin_sessions
    ADD COLUMN address text,
    ADD COLUMN user_agent text,
    ADD COLUMN proved_at timestamptz NOT NULL DEFAULT now()`.execute(db)
  await sql`CREATE INDEX admin_sessions_admin ON admin_sessions (admin_id)`.execute(db)
  // The columns and their order are rate-limiter-flexible's.
  await sql`CREATE TABLE login_limits (
    key varchar(255) PRIMARY KEY,
    points integer NOT NULL DEFAULT 0,
    expire bigint
  )`.execute(db)
}
