/** The control plane's shapes: connections, credentials, sessions, admins. */
import { Type, type Static } from 'typebox'
import { CapabilitySchema, Nullable, ProviderNameSchema } from './market.ts'

const strict = { additionalProperties: false }
export const IdSchema = Type.String({ format: 'uuid' })
export const InstantSchema = Type.String({ format: 'date-time' })
/** No control character (Postgres refuses NUL) and no white space around it. */
export const NameSchema = Type.String({
  minLength: 1, maxLength: 80, pattern: '^[^\\s\\x00-\\x1f\\x7f]([^\\x00-\\x1f\\x7f]*[^\\s\\x00-\\x1f\\x7f])?$'
})
/** A name as it is typed: white space around it is trimmed away. */
const NameInputSchema = Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' })

const ProviderOrderSchema = Type.Array(ProviderNameSchema, { uniqueItems: true, maxItems: 5 })

const limit = Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: 10_000_000 })))
/** Requests that a key may send in any second, minute or 24 hours; null: as many as it likes. Absent: as is known. */
export const QuotaPlanSchema = Type.Object({ per_second: limit, per_minute: limit, per_day: limit }, strict)
export type QuotaPlan = Static<typeof QuotaPlanSchema>

/** What a connection's owner may set. */
export const ConnectionSettingsSchema = Type.Object({
  /** Which providers are asked, in this order. A provider that is left out is never asked. */
  provider_order: ProviderOrderSchema,
  /** Another order for what is named here: `{"bars": ["polygon", "alpaca"]}`. */
  capability_order: Type.Partial(Type.Record(CapabilitySchema, ProviderOrderSchema), strict),
  caching: Type.Boolean(),
  /** Whether sessions of the connection share the cache or each has its own. */
  cache_scope: Type.Enum(['session', 'connection']),
  /** Seconds by tool name, in place of the tool's own. 0: not cached. */
  ttl_seconds: Type.Record(
    Type.String({ pattern: '^[a-z0-9_]{1,40}$' }),
    Type.Integer({ minimum: 0, maximum: 2_592_000 }),
    { ...strict, maxProperties: 200 }
  ),
  /** What a plan lets through, in place of the provider's free plan: `{"polygon": {"per_minute": null}}`. */
  quota: Type.Partial(Type.Record(ProviderNameSchema, QuotaPlanSchema), strict),
  /** Asks the next provider too where the first is slower than it usually is. */
  hedging: Type.Boolean(),
  alpaca_feed: Type.Enum(['iex', 'sip', 'delayed_sip']),
  alpaca_environment: Type.Enum(['paper', 'live'])
}, strict)
export type ConnectionSettings = Static<typeof ConnectionSettingsSchema>

export const DEFAULT_SETTINGS: ConnectionSettings = {
  provider_order: ['alpaca', 'polygon', 'fmp', 'finnhub'],
  capability_order: {},
  caching: true,
  cache_scope: 'session',
  ttl_seconds: {},
  quota: {},
  hedging: false,
  alpaca_feed: 'iex',
  alpaca_environment: 'paper'
}

/** Limits of a session; empty: all that its connection may. */
export const ScopeSettingsSchema = Type.Object({
  /** Most tokens of one answer, as estimated; null: no limit, for scripts. Default 8,000. */
  answer_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 1000, maximum: 1_000_000 })))
}, strict)
export type ScopeSettings = Static<typeof ScopeSettingsSchema>

export const CredentialStatusSchema = Type.Object({
  provider: ProviderNameSchema,
  fingerprint: Type.String(),
  set_at: InstantSchema,
  /** `ok`, or the code of the error that the last test ended with; null: never tested. */
  test_status: Nullable(Type.String()),
  test_latency_ms: Nullable(Type.Number()),
  test_message: Nullable(Type.String()),
  tested_at: Nullable(InstantSchema)
}, strict)
export type CredentialStatus = Static<typeof CredentialStatusSchema>

export const ConnectionSchema = Type.Object({
  id: IdSchema,
  name: NameSchema,
  settings: ConnectionSettingsSchema,
  credentials: Type.Array(CredentialStatusSchema),
  created_at: InstantSchema,
  updated_at: InstantSchema
}, strict)
export type Connection = Static<typeof ConnectionSchema>

export const ConnectionRequestSchema = Type.Object({
  name: NameInputSchema,
  settings: Type.Optional(Type.Partial(ConnectionSettingsSchema, strict))
}, strict)
export type ConnectionRequest = Static<typeof ConnectionRequestSchema>

/** What stands in it is changed, the rest stays. */
export const ConnectionPatchSchema = Type.Partial(ConnectionRequestSchema, { ...strict, minProperties: 1 })
export type ConnectionPatch = Static<typeof ConnectionPatchSchema>

const secret = Type.String({ minLength: 1, maxLength: 500, pattern: '^\\S+$', writeOnly: true })
export const ApiKeySchema = Type.Object({ api_key: secret }, strict)
export const KeyPairSchema = Type.Object({ key_id: secret, secret_key: secret }, strict)

/** How a test of a stored key ended. */
export const CredentialTestSchema = Type.Object({
  /** `ok`, or the code of the error. */
  status: Type.String(),
  latency_ms: Type.Number(),
  message: Type.String()
}, strict)
export type CredentialTest = Static<typeof CredentialTestSchema>

export const SessionSchema = Type.Object({
  session_id: IdSchema,
  connection_id: IdSchema,
  name: Nullable(Type.String()),
  token_last_four: Type.String(),
  scope: ScopeSettingsSchema,
  created_at: InstantSchema,
  expires_at: Nullable(InstantSchema),
  last_used_at: Nullable(InstantSchema),
  revoked_at: Nullable(InstantSchema),
  client_name: Nullable(Type.String()),
  client_version: Nullable(Type.String()),
  last_address: Nullable(Type.String())
}, strict)
export type Session = Static<typeof SessionSchema>

/** A session at its birth: the only answer that ever holds its token. */
export const NewSessionSchema = Type.Object({ ...SessionSchema.properties, access_token: Type.String() }, strict)
export type NewSession = Static<typeof NewSessionSchema>

export const SessionRequestSchema = Type.Object({
  name: Type.Optional(NameSchema),
  /** Default 90 days; null: does not expire. */
  ttl_seconds: Type.Optional(Nullable(Type.Integer({ minimum: 60, maximum: 315_360_000 }))),
  scope: Type.Optional(ScopeSettingsSchema)
}, strict)
export type SessionRequest = Static<typeof SessionRequestSchema>

const password = { maxLength: 128, writeOnly: true }
export const SetupStateSchema = Type.Object({
  /** True until the first admin is made. */
  needed: Type.Boolean()
}, strict)
export const SetupRequestSchema = Type.Object({
  /** The one-time code that the server printed at its first start. */
  code: Type.String({ minLength: 1, maxLength: 200, writeOnly: true }),
  name: NameSchema,
  password: Type.String({ ...password, minLength: 12 })
}, strict)
export const LoginRequestSchema = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 80 }),
  password: Type.String({ ...password, minLength: 1 })
}, strict)

/** A browser's login; its secret is in the cookie beside it. */
export const LoginSchema = Type.Object({
  name: Type.String(),
  /** The absolute end; 30 idle minutes end it earlier. */
  expires_at: InstantSchema
}, strict)
export type Login = Static<typeof LoginSchema>

/** Whom the server takes the caller for. */
export const AdminIdentitySchema = Type.Object({
  /** The admin's name, or the admin token's. */
  name: Type.String(),
  via: Type.Enum(['cookie', 'token']),
  token_id: Nullable(IdSchema)
}, strict)

export const AdminTokenSchema = Type.Object({
  id: IdSchema,
  name: Type.String(),
  token_last_four: Type.String(),
  created_at: InstantSchema,
  expires_at: Nullable(InstantSchema),
  last_used_at: Nullable(InstantSchema),
  revoked_at: Nullable(InstantSchema)
}, strict)
export type AdminToken = Static<typeof AdminTokenSchema>

/** An admin token at its birth: the only answer that ever holds it. */
export const NewAdminTokenSchema = Type.Object({
  id: IdSchema,
  name: Type.String(),
  token: Type.String(),
  expires_at: Nullable(InstantSchema)
}, strict)
export type NewAdminToken = Static<typeof NewAdminTokenSchema>

export const AdminTokenRequestSchema = Type.Object({
  name: NameSchema,
  /** Default 90 days; null: does not expire. */
  ttl_seconds: Type.Optional(Nullable(Type.Integer({ minimum: 60, maximum: 315_360_000 })))
}, strict)
export type AdminTokenRequest = Static<typeof AdminTokenRequestSchema>

export const AuditEntrySchema = Type.Object({
  /** Gapless, from 1. */
  seq: Type.Integer(),
  time: InstantSchema,
  actor: Type.String(),
  action: Type.String(),
  target: Nullable(Type.String()),
  /** `ok`, or a code of the errors table. */
  outcome: Type.String(),
  connection_id: Nullable(IdSchema),
  session_id: Nullable(IdSchema),
  client_name: Nullable(Type.String()),
  client_version: Nullable(Type.String()),
  ip: Nullable(Type.String()),
  request_id: Nullable(Type.String()),
  latency_ms: Nullable(Type.Number()),
  details: Type.Record(Type.String(), Type.Unknown())
}, strict)

const filterText = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))
export const AuditFilterSchema = Type.Object({
  action: filterText,
  actor: filterText,
  outcome: filterText,
  connection_id: Type.Optional(IdSchema),
  session_id: Type.Optional(IdSchema),
  /** First instant, inclusive. */
  since: Type.Optional(InstantSchema),
  /** Last instant, exclusive. */
  until: Type.Optional(InstantSchema),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  /** `next_cursor` of the page before. */
  cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' }))
}, strict)

/** Newest first. */
export const AuditPageSchema = Type.Object({
  items: Type.Array(AuditEntrySchema),
  /** Null: this was the last page. */
  next_cursor: Nullable(Type.String())
}, strict)
