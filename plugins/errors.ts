import fp from 'fastify-plugin'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { isOutage, outage } from '../db/outage.ts'
import { ERRORS, codeOf, isProblem, problem, type ErrorCode, type Problem } from '../errors.ts'

/** Fastify's own refusals by status, in our table's words. */
const BY_STATUS: Record<number, ErrorCode> = {
  400: 'INVALID_INPUT', 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 404: 'NOT_FOUND', 409: 'CONFLICT', 413: 'PAYLOAD_TOO_LARGE', 415: 'UNSUPPORTED_MEDIA_TYPE', 429: 'RATE_LIMITED', 503: 'OVERLOADED'
}

/** RFC 9457 body of a problem: what may leave the server, and nothing else. */
export function toBody (error: Problem): Record<string, unknown> {
  const code = codeOf(error)
  const { status, title } = ERRORS[code]
  const { provider, retry_after_seconds: retry, suggestions, errors, tried } = error
  const { totp_required: totp, proof_required: proof } = error
  return {
    type: `urn:fms:error:${code}`,
    title,
    status,
    detail: error.message,
    code: `FMS_${code}`,
    ...(provider && { provider }),
    ...(retry !== undefined && { retry_after_seconds: retry }),
    ...(suggestions?.length && { suggestions }),
    ...(errors && { errors }),
    ...(tried && { tried }),
    ...(totp && { totp_required: totp }),
    ...(proof && { proof_required: proof })
  }
}

/** Any thrown thing as a problem of the table; what is not foreseen tells the caller nothing. */
export function toProblem (error: FastifyError | Error): Problem {
  if (isProblem(error)) return error
  if (isOutage(error)) return outage(error)
  const { validation, validationContext, statusCode } = error as Partial<FastifyError>
  if (validation) {
    const errors = validation.map(({ instancePath, message = '', params }) => ({
      path: `${instancePath.replaceAll('/', '.').slice(1) || String(params['missingProperty'] ?? params['additionalProperty'] ?? params['additionalProperties'] ?? '')}`,
      message: 'allowedValues' in params ? `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}` : message
    }))
    const [first] = errors
    return problem('INVALID_INPUT', `The ${validationContext ?? 'input'} is not valid: ${`${first?.path ?? ''} ${first?.message ?? ''}`.trim()}.`, { errors: errors.slice(0, 10), cause: error })
  }
  const code = statusCode ? BY_STATUS[statusCode] : undefined
  if (code) return problem(code, sentenceOf(code, error), { cause: error })
  return problem('INTERNAL', 'Something went wrong here. The log has it under the request id.', { cause: error })
}

function sentenceOf (code: ErrorCode, error: Error): string {
  if (code === 'PAYLOAD_TOO_LARGE') return 'The body is too large. Send less at once.'
  if (code === 'UNSUPPORTED_MEDIA_TYPE') return 'Send the body as application/json.'
  return error.message.endsWith('.') ? error.message : `${error.message}.`
}

export function sendProblem (error: Problem, reply: FastifyReply): FastifyReply {
  const { status } = ERRORS[codeOf(error)]
  if (error.retry_after_seconds !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(error.retry_after_seconds))))
  return reply.code(status).header('cache-control', 'no-store').type('application/problem+json').send(JSON.stringify(toBody(error)))
}

/** Answers to a URL that no route can be looked up by: no hook sees it. */
export function sendBadUrl (_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  sendProblem(problem('INVALID_INPUT', 'The URL cannot be read. Send it in percent-encoded UTF-8, each part of its path 200 characters at most.'), reply)
}

/** Every error leaves as `application/problem+json` with a code of the table. */
export default fp(async app => {
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply) => {
    const known = toProblem(error)
    if (codeOf(known) === 'INTERNAL') request.log.error({ err: error }, 'a request failed')
    else request.log.debug({ code: known.code, err: known.cause }, known.message)
    return sendProblem(known, reply)
  })

  app.setNotFoundHandler((request, reply) =>
    sendProblem(problem('NOT_FOUND', `There is no ${request.method} ${request.url.split('?')[0]!.slice(0, 100)} here. GET /openapi.json lists what there is.`), reply))

  app.addHook('onRequest', async (request, reply) => { reply.header('x-request-id', request.id) })
}, { name: 'errors' })
