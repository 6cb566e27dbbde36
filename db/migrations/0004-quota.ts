import { sql, type Kysely } from 'kysely'

/** How much is sent with each key, counted by buckets of time, so that all replicas spend one quota. */
export async function up<T> (db: Kysely<T>): Promise<void> {
  await sql`CREATE TABLE quota_ledgers (
    ledger text PRIMARY KEY,
    blocked_until timestamptz,
    learned jsonb NOT NULL DEFAULT '{}',
    learned_at timestamptz
  )`.execute(db)
  await sql`CREATE TABLE quota_counts (
    ledger text NOT NULL REFERENCES quota_ledgers ON DELETE CASCADE,
    per text NOT NULL,
    bucket bigint NOT NULL,
    session text NOT NULL,
    used integer NOT NULL,
    PRIMARY KEY (ledger, per, bucket, session)
  )`.execute(db)
  await sql`CREATE TABLE quota_sessions (
    ledger text NOT NULL REFERENCES quota_ledgers ON DELETE CASCADE,
    session text NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (ledger, session)
  )`.execute(db)

  // The row's lock makes all that follow it one after the other; the clock is read under it.
  await sql`CREATE FUNCTION quota_lock (p_ledger text) RETURNS bigint LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM 1 FROM quota_ledgers WHERE ledger = p_ledger FOR UPDATE;
    IF NOT FOUND THEN
      INSERT INTO quota_ledgers (ledger) VALUES (p_ledger) ON CONFLICT (ledger) DO NOTHING;
      PERFORM 1 FROM quota_ledgers WHERE ledger = p_ledger FOR UPDATE;
    END IF;
    RETURN floor(extract(epoch FROM clock_timestamp()) * 1000);
  END $$`.execute(db)

  await sql`CREATE FUNCTION quota_add (
    p_ledger text, p_per text, p_bucket bigint, p_session text, p_count integer
  ) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quota_counts AS c (ledger, per, bucket, session, used)
    VALUES (p_ledger, p_per, p_bucket, p_session, p_count)
    ON CONFLICT (ledger, per, bucket, session) DO UPDATE SET used = c.used + excluded.used
  $$`.execute(db)

  await sql`CREATE FUNCTION quota_used (p_ledger text, p_per text, p_first bigint, p_session text) RETURNS integer
  LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(used), 0)::integer FROM quota_counts
    WHERE ledger = p_ledger AND per = p_per AND bucket >= p_first AND (p_session IS NULL OR session = p_session)
  $$`.execute(db)

  // The bucket with which so many requests have left the window.
  await sql`CREATE FUNCTION quota_gone (
    p_ledger text, p_per text, p_first bigint, p_session text, p_count integer
  ) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(bucket) FROM (
      SELECT bucket, sum(sum(used)) OVER (ORDER BY bucket) AS gone FROM quota_counts
      WHERE ledger = p_ledger AND per = p_per AND bucket >= p_first AND (p_session IS NULL OR session = p_session)
      GROUP BY bucket
    ) AS sums WHERE gone >= p_count
  $$`.execute(db)

  // How long one more request must wait for this window, in ms; 0: it need not.
  await sql`CREATE FUNCTION quota_wait (
    p_ledger text, p_session text, p_background boolean, p_now bigint,
    p_per text, p_limit integer, p_bucket bigint, p_span bigint, p_active bigint, p_reserve integer
  ) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    first_bucket bigint := p_now / p_bucket - p_span;
    most integer := p_limit - 1 - CASE WHEN p_background THEN p_reserve ELSE 0 END;
    since timestamptz := to_timestamp((p_now - p_active) / 1000.0);
    used integer;
    mine integer;
    share integer;
    lacking_until bigint;
  BEGIN
    IF p_limit IS NULL THEN RETURN 0; END IF;
    IF most < 0 THEN RETURN p_bucket * (p_span + 1); END IF;
    used := quota_used(p_ledger, p_per, first_bucket, NULL);
    IF used > most THEN
      RETURN (quota_gone(p_ledger, p_per, first_bucket, NULL, used - most) + p_span + 1) * p_bucket - p_now;
    END IF;
    IF p_session = '' OR used * 2 <= p_limit THEN RETURN 0; END IF;

    SELECT ceil(p_limit / (count(*) + 1)::numeric) INTO share
    FROM quota_sessions WHERE ledger = p_ledger AND session <> p_session AND asked_at > since;
    mine := quota_used(p_ledger, p_per, first_bucket, p_session);
    IF mine < share THEN RETURN 0; END IF;
    SELECT floor(extract(epoch FROM max(asked_at)) * 1000) + p_active INTO lacking_until
    FROM quota_sessions s WHERE ledger = p_ledger AND session <> p_session AND asked_at > since
      AND quota_used(p_ledger, p_per, first_bucket, s.session) < share;
    IF lacking_until IS NULL THEN RETURN 0; END IF;
    RETURN greatest(1, least(
      lacking_until,
      (quota_gone(p_ledger, p_per, first_bucket, p_session, mine - share + 1) + p_span + 1) * p_bucket,
      (quota_gone(p_ledger, p_per, first_bucket, NULL, used - p_limit / 2) + p_span + 1) * p_bucket
    ) - p_now);
  END $$`.execute(db)

  await sql`CREATE FUNCTION quota_take (
    p_ledger text, p_session text, p_background boolean, p_unrecorded integer,
    p_pers text[], p_limits integer[], p_buckets bigint[], p_spans bigint[], p_actives bigint[], p_reserves integer[],
    OUT granted boolean, OUT wait_ms bigint, OUT tight integer, OUT remaining integer
  ) LANGUAGE plpgsql AS $$
  DECLARE
    now_ms bigint := quota_lock(p_ledger);
    blocked_ms bigint;
    one_left integer;
  BEGIN
    IF p_session <> '' AND NOT p_background THEN
      INSERT INTO quota_sessions AS s (ledger, session, asked_at)
      VALUES (p_ledger, p_session, to_timestamp(now_ms / 1000.0))
      ON CONFLICT (ledger, session) DO UPDATE SET asked_at = excluded.asked_at
      WHERE s.asked_at < excluded.asked_at - interval '250 milliseconds';
    END IF;
    SELECT coalesce(ceil(extract(epoch FROM blocked_until) * 1000) - now_ms, 0) INTO blocked_ms
    FROM quota_ledgers WHERE ledger = p_ledger;
    wait_ms := greatest(0, blocked_ms);
    FOR i IN 1 .. coalesce(array_length(p_pers, 1), 0) LOOP
      DELETE FROM quota_counts
      WHERE ledger = p_ledger AND per = p_pers[i] AND bucket < now_ms / p_buckets[i] - p_spans[i];
      IF p_unrecorded > 0 THEN PERFORM quota_add(p_ledger, p_pers[i], now_ms / p_buckets[i], '', p_unrecorded); END IF;
      wait_ms := greatest(wait_ms, quota_wait(p_ledger, p_session, p_background, now_ms,
        p_pers[i], p_limits[i], p_buckets[i], p_spans[i], p_actives[i], p_reserves[i]));
    END LOOP;
    granted := wait_ms = 0;
    tight := 0;
    remaining := 0;
    FOR i IN 1 .. coalesce(array_length(p_pers, 1), 0) LOOP
      IF granted THEN
        PERFORM quota_add(p_ledger, p_pers[i], now_ms / p_buckets[i],
          CASE WHEN p_limits[i] IS NULL THEN '' ELSE p_session END, 1);
      END IF;
      CONTINUE WHEN p_limits[i] IS NULL;
      one_left := CASE WHEN blocked_ms > 0 THEN 0 ELSE greatest(0,
        p_limits[i] - quota_used(p_ledger, p_pers[i], now_ms / p_buckets[i] - p_spans[i], NULL)) END;
      IF tight = 0 OR one_left <= remaining THEN
        tight := i;
        remaining := one_left;
      END IF;
    END LOOP;
  END $$`.execute(db)

  await sql`CREATE FUNCTION quota_raise (
    p_ledger text, p_per text, p_bucket bigint, p_span bigint, p_used integer
  ) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    now_ms bigint := quota_lock(p_ledger);
    missing integer := p_used - quota_used(p_ledger, p_per, now_ms / p_bucket - p_span, NULL);
  BEGIN
    IF missing > 0 THEN PERFORM quota_add(p_ledger, p_per, now_ms / p_bucket, '', missing); END IF;
  END $$`.execute(db)
}
