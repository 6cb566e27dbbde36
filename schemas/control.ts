/** The control plane's shapes: connections and their credentials. */
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

const endpoint = Type.Optional(Type.String({ minLength: 1, maxLength: 500 }))
/** Compatible servers, such as a company's proxy; an absent one: the provider itself. */
const EndpointsSchema = Type.Object({
  alpaca_data: endpoint, alpaca_trading: endpoint, polygon: endpoint, fmp: endpoint, finnhub: endpoint
}, strict)

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
  alpaca_environment: Type.Enum(['paper', 'live']),
  /** Base URLs in place of the provider's own: `{"polygon": "https://market-proxy.example.com/polygon"}`. */
  endpoints: EndpointsSchema
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
  alpaca_environment: 'paper',
  endpoints: {}
}

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
