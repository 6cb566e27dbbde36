import { Type, type Static } from 'typebox'

/** An error as it leaves the server: RFC 9457, `application/problem+json`. */
export const ProblemSchema = Type.Object({
  type: Type.Optional(Type.String()),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  /** `FMS_…`: a row of docs/errors.md. */
  code: Type.String(),
  instance: Type.Optional(Type.String()),
  provider: Type.Optional(Type.String()),
  retry_after_seconds: Type.Optional(Type.Number()),
  suggestions: Type.Optional(Type.Array(Type.String())),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  tried: Type.Optional(Type.Array(Type.Object({ provider: Type.String(), outcome: Type.String() }))),
  totp_required: Type.Optional(Type.Literal(true)),
  proof_required: Type.Optional(Type.Literal(true))
})
export type ProblemBody = Static<typeof ProblemSchema>

/** The errors of any route, to be spread into `response`. */
export const problems = { '4xx': ProblemSchema, '5xx': ProblemSchema } as const
