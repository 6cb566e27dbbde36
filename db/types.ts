/** The rows as they stand in Postgres: one block a table. Instants are `timestamptz`, read as Date. */
import type { ColumnType, Generated, Insertable, JSONColumnType, Selectable, Updateable } from 'kysely'
import type { ConnectionSettings, QuotaPlan } from '../schemas/control.ts'
import type { ScopeSettings } from '../schemas/sessions.ts'
import type { Capability } from '../providers/types.ts'
import type { ProviderName } from '../schemas/market.ts'

type Instant = ColumnType<Date, Date | string, Date | string>
type BigInteger = ColumnType<string, string | number, string | number>
type Created = ColumnType<Date, Date | string | undefined, never>

export interface Database {
  connections: ConnectionsTable
  data_keys: DataKeysTable
  auth_credentials: AuthCredentialsTable
  system_keys: SystemKeysTable
  sessions: SessionsTable
  one_time_tokens: OneTimeTokensTable
  admins: AdminsTable
  admin_recovery_codes: AdminRecoveryCodesTable
  admin_sessions: AdminSessionsTable
  admin_tokens: AdminTokensTable
  login_limits: LoginLimitsTable
  setup_codes: SetupCodesTable
  audit_anchors: AuditAnchorsTable
  audit_checkpoints: AuditCheckpointsTable
  audit_logs: AuditLogsTable
  cache_entries: CacheEntriesTable
  cache_locks: CacheLocksTable
  entitlements: EntitlementsTable
  quota_ledgers: QuotaLedgersTable
  quota_counts: QuotaCountsTable
  quota_sessions: QuotaSessionsTable
  usage_buckets: UsageBucketsTable
  key_rewraps: KeyRewrapsTable
}

/** A profile that holds provider credentials. */
interface ConnectionsTable {
  id: Generated<string>
  name: string
  settings: JSONColumnType<ConnectionSettings>
  /** Grows when something of it is revoked: what was read under an older epoch is stale. */
  epoch: Generated<number>
  created_at: Created
  updated_at: Generated<Date>
}
export type ConnectionRow = Selectable<ConnectionsTable>
export type NewConnection = Insertable<ConnectionsTable>
export type ConnectionUpdate = Updateable<ConnectionsTable>

/** A 256-bit key that seals one connection's secrets, wrapped by the master key `kid`. */
interface DataKeysTable {
  id: string
  connection_id: string
  kid: string
  wrapped: Buffer
  created_at: Created
  /** Set by a rotation: no longer used to seal, kept until nothing is sealed by it. */
  retired_at: Instant | null
}
export type DataKeyRow = Selectable<DataKeysTable>

/** One provider's key, sealed. `ciphertext` is a sealed JSON object of the credential's fields. */
interface AuthCredentialsTable {
  id: string
  connection_id: string
  provider: ProviderName
  data_key_id: string
  ciphertext: Buffer
  /** Six characters of an HMAC: tells two keys apart, tells nothing else. */
  fingerprint: string
  set_at: Generated<Date>
  test_status: ColumnType<string | null, string | null | undefined, string | null>
  test_latency_ms: ColumnType<number | null, number | null | undefined, number | null>
  test_message: ColumnType<string | null, string | null | undefined, string | null>
  tested_at: ColumnType<Date | null, Date | null | undefined, Date | null>
}
export type AuthCredentialRow = Selectable<AuthCredentialsTable>

/** Keys of the server itself (`token`, `audit`, `fingerprint`), random, wrapped by the master key `kid`. */
interface SystemKeysTable {
  name: string
  kid: string
  wrapped: Buffer
  created_at: Created
}
export type SystemKeyRow = Selectable<SystemKeysTable>

/** One client's access to a connection. The token's public id is the session's id without dashes. */
interface SessionsTable {
  id: string
  connection_id: string
  name: string | null
  /** argon2id of the whole token. */
  token_hash: string
  /** HMAC-SHA256 of the whole token under the system key `token`. */
  token_mac: Buffer
  token_last_four: string
  /** The token before the last rotation, valid until `previous_expires_at`. */
  previous_token_mac: ColumnType<Buffer | null, Buffer | null | undefined, Buffer | null>
  previous_expires_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  previous_last_four: ColumnType<string | null, string | null | undefined, string | null>
  /** When the token before the rotation was last used after it. */
  previous_used_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  rotated_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  scope: JSONColumnType<ScopeSettings, ScopeSettings | string | undefined>
  client_name: ColumnType<string | null, string | null | undefined, string | null>
  client_version: ColumnType<string | null, string | null | undefined, string | null>
  last_address: ColumnType<string | null, string | null | undefined, string | null>
  /** When its first call of a tool came. */
  first_call_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  created_at: Created
  /** Null: does not expire. */
  expires_at: Instant | null
  /** Seconds without a call after which it expires; null: never by idleness. */
  idle_seconds: ColumnType<number | null, number | null | undefined, number | null>
  last_used_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  revoked_at: ColumnType<Date | null, Date | null | undefined, Date | null>
}
export type SessionRow = Selectable<SessionsTable>
export type NewSession = Insertable<SessionsTable>

/** A token that is exchanged once for a session's access. Stored as a mac only. */
interface OneTimeTokensTable {
  id: string
  session_id: string
  token_mac: Buffer
  created_at: Created
  expires_at: Instant
  consumed_at: ColumnType<Date | null, Date | null | undefined, Date | null>
}
export type OneTimeTokenRow = Selectable<OneTimeTokensTable>

interface AdminsTable {
  id: Generated<string>
  name: string
  /** argon2id. */
  password_hash: string
  created_at: Created
  password_set_at: Generated<Date>
  /** Sealed under the system key `totp`; counts from `totp_confirmed_at` on. */
  totp_secret: ColumnType<Buffer | null, Buffer | null | undefined, Buffer | null>
  totp_confirmed_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  /** The last 30-second step whose code was taken: none is taken twice. */
  totp_last_step: ColumnType<string | null, string | number | null | undefined, string | number | null>
}
export type AdminRow = Selectable<AdminsTable>

/** Takes the place of a one-time password once. Stored as a mac only. */
interface AdminRecoveryCodesTable {
  admin_id: string
  code_mac: Buffer
  used_at: ColumnType<Date | null, Date | null | undefined, Date | null>
}

/** A logged-in browser. The cookie's value is stored as a mac only. */
interface AdminSessionsTable {
  id: Generated<string>
  admin_id: string
  token_mac: Buffer
  created_at: Created
  last_seen_at: Generated<Date>
  expires_at: Instant
  address: ColumnType<string | null, string | null | undefined, string | null>
  user_agent: ColumnType<string | null, string | null | undefined, string | null>
  /** When the password was last given. */
  proved_at: Generated<Date>
}
export type AdminSessionRow = Selectable<AdminSessionsTable>

/** A script's admin access. */
interface AdminTokensTable {
  id: string
  name: string
  token_hash: string
  token_mac: Buffer
  token_last_four: string
  created_at: Created
  expires_at: Instant | null
  last_used_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  revoked_at: ColumnType<Date | null, Date | null | undefined, Date | null>
}
export type AdminTokenRow = Selectable<AdminTokensTable>

/** Failed logins: written by rate-limiter-flexible. */
interface LoginLimitsTable {
  /** An HMAC: names what is counted to nobody. */
  key: string
  points: number
  /** Unix ms. */
  expire: BigInteger | null
}

/** The code that lets the first admin in; one row at most. */
interface SetupCodesTable {
  id: Generated<boolean>
  code_mac: Buffer
  expires_at: Instant
}

/** The last row of the audit log, signed: rows cut off behind it show. One row at most. */
interface AuditAnchorsTable {
  id: Generated<boolean>
  seq: BigInteger
  hash: Buffer
  /** HMAC-SHA256 of the row under the system key `audit`. */
  mac: Buffer
}

/** A row of the audit log up to which rows may be deleted, signed: the chain is checked from it on. */
interface AuditCheckpointsTable {
  seq: BigInteger
  hash: Buffer
  /** HMAC-SHA256 of the row under the system key `audit`. */
  mac: Buffer
  created_at: Created
}

/** What happened, chained: see db/audit-logs.ts. Triggers refuse a change, and a delete above a checkpoint. */
interface AuditLogsTable {
  /** Gapless, from 1. */
  seq: string
  time: Instant
  /** `admin:<name>`, `admin_token:<id>`, `session:<id>`, `cli`, `system`, `anonymous`. */
  actor: string
  action: string
  target: string | null
  /** `ok`, or a code of the errors table. */
  outcome: string
  connection_id: string | null
  session_id: string | null
  client_name: string | null
  client_version: string | null
  ip: string | null
  request_id: string | null
  latency_ms: number | null
  /** Facts of the event without secrets: tool, provider, cache hit, changed fields. */
  details: JSONColumnType<Record<string, unknown>, string | undefined>
  prev_hash: Buffer
  hash: Buffer
}
export type AuditLogRow = Selectable<AuditLogsTable>

/** The market data cache without Redis. */
interface CacheEntriesTable {
  /** `cache:<session or connection id>:<tool>:<args_hash>` */
  key: string
  /** The session's or connection's id: what a revocation drops. */
  owner_id: string
  connection_id: string
  tool: string
  value: JSONColumnType<Record<string, unknown>, string, string>
  /** Of the value as text. */
  bytes: number
  /** Of the lock under which it was loaded; 0: without one. */
  fence: BigInteger
  stored_at: Instant
  fresh_until: Instant
  expires_at: Instant
}
export type CacheEntryRow = Selectable<CacheEntriesTable>

/** Who loads a key; the row of one that ended without a word is taken over when it has expired. */
interface CacheLocksTable {
  key: string
  fence: BigInteger
  expires_at: Instant
}

/** What a key was refused for: not asked again until `until`. */
interface EntitlementsTable {
  connection_id: string
  provider: ProviderName
  /** Path of the provider's API, dynamic parts as `*`, and where its plan draws the line. */
  endpoint: string
  capability: Capability
  message: string
  learned_at: Instant
  until: Instant
}
export type EntitlementRow = Selectable<EntitlementsTable>

/** What is known of one provider key beside its counts; `ledger` stands for the key without telling it. */
interface QuotaLedgersTable {
  ledger: string
  /** The provider refused: nothing is granted until then. */
  blocked_until: Instant | null
  /** What the provider's headers told of the plan. */
  learned: JSONColumnType<QuotaPlan, string | undefined>
  learned_at: Instant | null
}

/** Requests of a key by window, bucket of time and session: see quota/plans.ts. */
interface QuotaCountsTable {
  ledger: string
  per: 'second' | 'minute' | 'day'
  /** Unix ms divided by the bucket's length. */
  bucket: string
  /** Empty: nobody's share. */
  session: string
  used: number
}

/** When each session last asked for a request with the key. */
interface QuotaSessionsTable {
  ledger: string
  session: string
  asked_at: Instant
}

/** Calls of one stretch of time, added up by all replicas: see plugins/usage/. */
interface UsageBucketsTable {
  /** The stretch's begin. */
  at: Instant
  /** Its length: 60, or 3600 after a day. */
  span_seconds: number
  connection_id: string
  /** The nil UUID: an admin, who has no session. */
  session_id: string
  /** `unknown`: there is no such tool. */
  tool: string
  /** `ok`, `cancelled`, or a code of the errors table. */
  outcome: string
  calls: number
  /** Of the calls, those out of the cache. */
  hits: number
  /** Of the answers, as they were handed out. */
  characters: BigInteger
  /** Calls by how long they took: one count a member of LATENCY_BOUNDS_MS, and one for what took longer. */
  latency: number[]
}

/** The last run that wrapped keys anew; one row at most. */
interface KeyRewrapsTable {
  id: Generated<boolean>
  run_id: string
  /** As the audit log names actors. */
  started_by: string
  started_at: Generated<Date>
  /** When it last showed that it runs. */
  seen_at: Generated<Date>
  ended_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  /** `ok`, or a code of the errors table; null while it runs. */
  outcome: ColumnType<string | null, string | null | undefined, string | null>
  message: ColumnType<string | null, string | null | undefined, string | null>
  /** Data keys that were to be wrapped, and those that are. */
  done: Generated<number>
  total: Generated<number>
  /** Connections whose data key does not open. */
  failed: ColumnType<string[], string[] | undefined, string[]>
}
export type KeyRewrapRow = Selectable<KeyRewrapsTable>
