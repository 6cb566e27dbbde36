/** Operators: how they come in, and their scripts. */
import { Type, type Static } from 'typebox'
import { IdSchema, InstantSchema, NameSchema } from './control.ts'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
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
/** Six digits of the authenticator app, or a recovery code. */
const code = Type.String({ minLength: 1, maxLength: 40, writeOnly: true })
const typedPassword = Type.String({ ...password, minLength: 1 })
const newPassword = Type.String({ ...password, minLength: 12 })
export const LoginRequestSchema = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 80 }),
  password: typedPassword,
  /** Where the admin has turned the second factor on. */
  code: Type.Optional(code)
}, strict)
export type LoginRequest = Static<typeof LoginRequestSchema>

/** A browser's login; its secret is in the cookie beside it. */
export const LoginSchema = Type.Object({
  name: Type.String(),
  /** The absolute end; 30 idle minutes end it earlier. */
  expires_at: InstantSchema
}, strict)
export type Login = Static<typeof LoginSchema>

/** Whom the server takes the caller for. */
export const AdminIdentitySchema = Type.Object({
  /** Null for an admin token, which is nobody's; so are the members below `token_id`. */
  id: Nullable(IdSchema),
  /** The admin's name, or the admin token's. */
  name: Type.String(),
  via: Type.Enum(['cookie', 'token']),
  token_id: Nullable(IdSchema),
  /** Whether logins need a code too. */
  totp: Nullable(Type.Boolean()),
  recovery_codes_left: Nullable(Type.Integer()),
  /** Until when the login may do what needs a fresh proof. */
  proved_until: Nullable(InstantSchema)
}, strict)
export type AdminIdentity = Static<typeof AdminIdentitySchema>

/** An operator, as others see it. */
export const AdminAccountSchema = Type.Object({
  id: IdSchema,
  name: Type.String(),
  created_at: InstantSchema,
  password_set_at: InstantSchema,
  /** Whether its logins need a code too. */
  totp: Type.Boolean()
}, strict)
export type AdminAccount = Static<typeof AdminAccountSchema>

export const AdminRequestSchema = Type.Object({ name: NameSchema, password: newPassword }, strict)
export type AdminRequest = Static<typeof AdminRequestSchema>

export const PasswordRequestSchema = Type.Object({ current_password: typedPassword, new_password: newPassword }, strict)
export type PasswordRequest = Static<typeof PasswordRequestSchema>

export const ProofRequestSchema = Type.Object({ password: typedPassword, code: Type.Optional(code) }, strict)
export type ProofRequest = Static<typeof ProofRequestSchema>
export const ProofSchema = Type.Object({ proved_until: InstantSchema }, strict)

/** What an authenticator app is given, shown this once. */
export const TotpSchema = Type.Object({
  /** Base32, to be typed. */
  secret: Type.String(),
  /** `otpauth://totp/…`, to be shown as a QR code. */
  uri: Type.String()
}, strict)
export type Totp = Static<typeof TotpSchema>
export const TotpRequestSchema = Type.Object({ code }, strict)
export const RecoveryCodesSchema = Type.Object({
  /** Each takes the place of a code once. Shown this once. */
  recovery_codes: Type.Array(Type.String())
}, strict)

/** A browser that is logged in. */
export const BrowserLoginSchema = Type.Object({
  id: IdSchema,
  /** Where it came from. */
  address: Nullable(Type.String()),
  user_agent: Nullable(Type.String()),
  created_at: InstantSchema,
  /** To the minute. */
  last_seen_at: InstantSchema,
  /** The absolute end; 30 idle minutes end it earlier. */
  expires_at: InstantSchema,
  /** The caller's own. */
  is_current: Type.Boolean()
}, strict)
export type BrowserLogin = Static<typeof BrowserLoginSchema>
export const EndedLoginsSchema = Type.Object({
  /** How many logins were ended. */
  ended: Type.Integer()
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
