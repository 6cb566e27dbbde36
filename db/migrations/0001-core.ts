import { sql, type Kysely } from 'kysely'

/** Connections, keys, sessions, admins, audit and cache. */
export async function up (db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE connections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL UNIQUE,
    settings jsonb NOT NULL,
    epoch integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db)

  await sql`CREATE TABLE data_keys (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    kid text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
  )`.execute(db)
  await sql`CREATE UNIQUE INDEX data_keys_active ON data_keys (connection_id) WHERE retired_at IS NULL`.execute(db)
  await sql`CREATE INDEX data_keys_kid ON data_keys (kid)`.execute(db)

  await sql`CREATE TABLE auth_credentials (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    provider text NOT NULL,
    data_key_id uuid NOT NULL REFERENCES data_keys ON DELETE CASCADE,
    ciphertext bytea NOT NULL,
    fingerprint text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    test_status text,
    test_latency_ms integer,
    test_message text,
    tested_at timestamptz,
    UNIQUE (connection_id, provider)
  )`.execute(db)

  await sql`CREATE TABLE system_keys (
    name text PRIMARY KEY,
    kid text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db)

  await sql`CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    name text,
    token_hash text NOT NULL,
    token_mac bytea NOT NULL,
    token_last_four text NOT NULL,
    previous_token_mac bytea,
    previous_expires_at timestamptz,
    scope jsonb NOT NULL DEFAULT '{}',
    client_name text,
    client_version text,
    last_address text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    idle_seconds integer,
    last_used_at timestamptz,
    revoked_at timestamptz
  )`.execute(db)
  await sql`CREATE INDEX sessions_connection ON sessions (connection_id, created_at)`.execute(db)

  await sql`CREATE TABLE one_time_tokens (
    id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    token_mac bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz
  )`.execute(db)

  await sql`CREATE TABLE admins (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db)

  await sql`CREATE TABLE admin_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    admin_id uuid NOT NULL REFERENCES admins ON DELETE CASCADE,
    token_mac bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
  )`.execute(db)

  await sql`CREATE TABLE admin_tokens (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    token_hash text NOT NULL,
    token_mac bytea NOT NULL,
    token_last_four text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
  )`.execute(db)

  await sql`CREATE TABLE setup_codes (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    code_mac bytea NOT NULL,
    expires_at timestamptz NOT NULL
  )`.execute(db)

  await sql`CREATE TABLE audit_logs (
    seq bigint PRIMARY KEY,
    time timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text,
    outcome text NOT NULL,
    connection_id uuid,
    session_id uuid,
    client_name text,
    client_version text,
    ip text,
    request_id text,
    latency_ms integer,
    details jsonb NOT NULL DEFAULT '{}',
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
  )`.execute(db)
  await sql`CREATE INDEX audit_logs_connection ON audit_logs (connection_id, seq)`.execute(db)
  await sql`CREATE INDEX audit_logs_session ON audit_logs (session_id, seq)`.execute(db)
  await sql`CREATE INDEX audit_logs_action ON audit_logs (action, seq)`.execute(db)
  await sql`CREATE FUNCTION refuse_audit_change () RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit_logs is append-only'; END $$`.execute(db)
  await sql`CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`.execute(db)

  await sql`CREATE TABLE cache_entries (
    key text PRIMARY KEY,
    owner_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    tool text NOT NULL,
    value json NOT NULL,
    stored_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
  )`.execute(db)
  await sql`CREATE INDEX cache_entries_expiry ON cache_entries (expires_at)`.execute(db)
  await sql`CREATE INDEX cache_entries_connection ON cache_entries (connection_id)`.execute(db)

  await sql`CREATE TABLE entitlements (
    connection_id uuid NOT NULL REFERENCES connections ON DELETE CASCADE,
    provider text NOT NULL,
    capability text NOT NULL,
    message text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (connection_id, provider, capability)
  )`.execute(db)
}
