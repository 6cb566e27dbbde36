import { sql, type Kysely } from 'kysely'

/** The chain's end, signed, and checkpoints below which rows may go. */
export async function up (db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE audit_anchors (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    mac bytea NOT NULL
  )`.execute(db)
  // Not signed yet, which a migration has no key for: the first start signs it.
  await sql`INSERT INTO audit_anchors (seq, hash, mac)
    SELECT seq, hash, ''::bytea FROM audit_logs UNION ALL SELECT 0, decode(repeat('00', 32), 'hex'), ''
    ORDER BY seq DESC LIMIT 1`.execute(db)

  await sql`CREATE TABLE audit_checkpoints (
    seq bigint PRIMARY KEY,
    hash bytea NOT NULL,
    mac bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`.execute(db)
  await sql`CREATE OR REPLACE FUNCTION refuse_audit_change () RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM audit_checkpoints WHERE seq >= OLD.seq) THEN RETURN OLD; END IF;
      RAISE EXCEPTION 'audit_logs is append-only';
    END $$`.execute(db)
  await sql`DROP TRIGGER audit_logs_append_only ON audit_logs`.execute(db)
  await sql`CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`.execute(db)
  await sql`CREATE TRIGGER audit_logs_delete BEFORE DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()`.execute(db)
}
