import { Type, type Static } from 'typebox'
import { InstantSchema } from './control.ts'

const strict = { additionalProperties: false }

export const OneTimeTokenRequestSchema = Type.Object({
  /** Default 300. */
  ttl_seconds: Type.Optional(Type.Integer({ minimum: 10, maximum: 600 }))
}, strict)
export type OneTimeTokenRequest = Static<typeof OneTimeTokenRequestSchema>

/** A one-time token at its birth: the only answer that ever holds it. */
export const NewOneTimeTokenSchema = Type.Object({
  one_time_token: Type.String(),
  /** At the latest when its session ends. */
  expires_at: InstantSchema,
  /** Where `{"token": …}` is posted for an access token. */
  exchange_url: Type.String(),
  /** What an HTTP+SSE client is given in place of the URL of /mcp. Holds the token. */
  connect_url: Type.String()
}, strict)
export type NewOneTimeToken = Static<typeof NewOneTimeTokenSchema>

export const ExchangeRequestSchema = Type.Object({ token: Type.String() }, strict)
