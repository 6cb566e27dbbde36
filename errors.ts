import createError, { type FastifyError, type FastifyErrorConstructor } from '@fastify/error'

/**
 * Every error that may leave the server: HTTP status and title. The wire code is `FMS_<key>`; docs/errors.md has a row
 * for each. A 5xx of ours (INTERNAL) tells the caller nothing.
 */
export const ERRORS = {
  INVALID_INPUT: { status: 400, title: 'The input is not valid' },
  UNAUTHENTICATED: { status: 401, title: 'No valid credential was presented' },
  FORBIDDEN: { status: 403, title: 'Not allowed' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  SYMBOL_NOT_FOUND: { status: 404, title: 'No provider knows this symbol' },
  TOOL_NOT_FOUND: { status: 404, title: 'There is no such tool' },
  CONFLICT: { status: 409, title: 'It conflicts with what exists' },
  PROVIDER_NOT_CONFIGURED: { status: 409, title: 'No provider that can answer has a key' },
  TOKEN_CONSUMED: { status: 410, title: 'The one-time token was used' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The content type is not supported' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  INTERNAL: { status: 500, title: 'Internal error' },
  PROVIDER_REJECTED_KEY: { status: 502, title: 'The provider refused the key' },
  PROVIDER_NOT_ENTITLED: { status: 502, title: 'The provider plan does not include this data' },
  PROVIDER_UNAVAILABLE: { status: 502, title: 'The provider is unavailable' },
  PROVIDER_MALFORMED: { status: 502, title: 'The provider sent something that cannot be read' },
  PROVIDER_QUOTA: { status: 503, title: 'The provider quota is used up' },
  OVERLOADED: { status: 503, title: 'The server cannot take this request now' },
  PROVIDER_TIMEOUT: { status: 504, title: 'The provider did not answer in time' }
} as const

export type ErrorCode = keyof typeof ERRORS

/** What a problem may carry beside its sentence; each member is sent to the caller as it is. */
export interface ProblemMembers {
  /** Which provider it is about. */
  provider?: string
  /** Seconds after which the same call may succeed; also sent as `Retry-After`. */
  retry_after_seconds?: number
  /** Near spellings of a symbol, tool or field. */
  suggestions?: string[]
  /** One row a fault of the input. */
  errors?: { path: string, message: string }[]
  /** The receipt of the providers that were asked. */
  tried?: { provider: string, outcome: string }[]
  /** The password was right; the code of the second factor is wanted too. */
  totp_required?: true
  /** The login must prove itself anew: `POST /api/admin/proof`. */
  proof_required?: true
}

export type Problem = FastifyError & ProblemMembers & { cause?: unknown }

const classes = Object.fromEntries(
  Object.entries(ERRORS).map(([code, { status }]) => [code, createError<[string, { cause?: unknown }]>(`FMS_${code}`, '%s', status)])
) as Record<ErrorCode, FastifyErrorConstructor<{ code: string }, [string, { cause?: unknown }]>>

/**
 * Makes an error of the table.
 * @param detail one or two sentences for the caller: what happened and what to do about it
 * @param options.cause the reason for the log; never sent
 */
export function problem (
  code: ErrorCode,
  detail: string,
  { cause, ...members }: ProblemMembers & { cause?: unknown } = {}
): Problem {
  return Object.assign(new classes[code](detail, { cause }), members)
}

export function isProblem (error: unknown): error is Problem {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('FMS_')
}

/** The table's key of an error: `INTERNAL` for whatever is not of the table. */
export function codeOf (error: unknown): ErrorCode {
  return isProblem(error) ? error.code.slice(4) as ErrorCode : 'INTERNAL'
}
