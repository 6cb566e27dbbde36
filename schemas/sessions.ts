/** What a client presents to use a connection, and what it may do with it. */
import { Type, type Static, type TSchema } from 'typebox'
import { IdSchema, InstantSchema, NameSchema } from './control.ts'
import { Nullable, ProviderNameSchema } from './market.ts'

const strict = { additionalProperties: false }

const list = <T extends TSchema>(item: T, most: number) =>
  Type.Array(item, { minItems: 1, maxItems: most, uniqueItems: true })

/** Limits of a session; empty: all that its connection may. */
export const ScopeSettingsSchema = Type.Object({
  /** Most tokens of one answer, as estimated; null: no limit, for scripts. Default 8,000. */
  answer_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 1000, maximum: 1_000_000 }))),
  /** Names of the tools that it may call. */
  tools: Type.Optional(list(Type.String({ pattern: '^[a-z0-9_]{1,40}$' }), 100)),
  /** Whom its calls may ask, of those that its connection asks. */
  providers: Type.Optional(list(ProviderNameSchema, 10)),
  /** Most calls in any 24 hours, over all replicas. */
  calls_per_day: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
  /** Where it may be used from: CIDR ranges such as `192.0.2.0/24`. */
  addresses: Type.Optional(list(Type.String({ minLength: 1, maxLength: 50 }), 50))
}, strict)
export type ScopeSettings = Static<typeof ScopeSettingsSchema>

export const SessionSchema = Type.Object({
  session_id: IdSchema,
  connection_id: IdSchema,
  name: Nullable(Type.String()),
  /** `expired` also by idleness. */
  state: Type.Enum(['active', 'expired', 'revoked']),
  token_last_four: Type.String(),
  scope: ScopeSettingsSchema,
  created_at: InstantSchema,
  expires_at: Nullable(InstantSchema),
  /** Seconds without a request after which it expires; null: it does not by idleness. */
  idle_seconds: Nullable(Type.Integer()),
  /** With whichever token. */
  last_used_at: Nullable(InstantSchema),
  /** Of a tool. */
  first_call_at: Nullable(InstantSchema),
  rotated_at: Nullable(InstantSchema),
  /** The token before the last rotation, until when it is taken, and when it was last used after it. */
  previous_last_four: Nullable(Type.String()),
  previous_expires_at: Nullable(InstantSchema),
  previous_used_at: Nullable(InstantSchema),
  revoked_at: Nullable(InstantSchema),
  client_name: Nullable(Type.String()),
  client_version: Nullable(Type.String()),
  last_address: Nullable(Type.String())
}, strict)
export type Session = Static<typeof SessionSchema>

/** A session as a list shows it. */
export const ListedSessionSchema = Type.Object({
  ...SessionSchema.properties,
  /** Since 00:00 UTC; those of other replicas about five seconds late. */
  calls_today: Type.Integer({ minimum: 0 })
}, strict)

/** A session at its birth: the only answer that ever holds its token. */
export const NewSessionSchema = Type.Object({ ...SessionSchema.properties, access_token: Type.String() }, strict)
export type NewSession = Static<typeof NewSessionSchema>

/** Seconds without a request after which a session expires; null: it does not by idleness. */
const IdleSecondsSchema = Nullable(Type.Integer({ minimum: 60, maximum: 31_536_000 }))

export const SessionRequestSchema = Type.Object({
  name: Type.Optional(NameSchema),
  /** Default 90 days; null: does not expire. */
  ttl_seconds: Type.Optional(Nullable(Type.Integer({ minimum: 60, maximum: 315_360_000 }))),
  idle_seconds: Type.Optional(IdleSecondsSchema),
  scope: Type.Optional(ScopeSettingsSchema)
}, strict)
export type SessionRequest = Static<typeof SessionRequestSchema>

/** What stands in it is changed, the rest stays; `scope` is replaced whole. */
export const SessionPatchSchema = Type.Object({
  name: Type.Optional(Nullable(NameSchema)),
  idle_seconds: Type.Optional(IdleSecondsSchema),
  scope: Type.Optional(ScopeSettingsSchema)
}, { ...strict, minProperties: 1 })
export type SessionPatch = Static<typeof SessionPatchSchema>

/** A session after a change: with its new token where the scope was changed. */
export const PatchedSessionSchema = Type.Object({
  ...SessionSchema.properties, access_token: Type.Optional(Type.String())
}, strict)
export type PatchedSession = Static<typeof PatchedSessionSchema>

export const RotationRequestSchema = Type.Object({
  /** For how long the former token is taken beside the new one; default 0. */
  grace_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 604_800 }))
}, strict)
export type RotationRequest = Static<typeof RotationRequestSchema>

/** How many sessions were revoked at once. */
export const RevokedSessionsSchema = Type.Object({ revoked: Type.Integer() }, strict)
