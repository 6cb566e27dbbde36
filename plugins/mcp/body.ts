import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { isTooDeep, toText } from '../json.ts'

const BODY_LIMIT = 1024 * 1024
const MAX_DEPTH = 64

const PARSE_ERROR = -32700
const INVALID_REQUEST = -32600

/** A JSON-RPC error as an HTTP answer. */
export function sendRpcError (reply: FastifyReply, status: number, code: number, message: string): FastifyReply {
  return reply.code(status).type('application/json').send(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }))
}

export const sendEmptyBody = (reply: FastifyReply) =>
  sendRpcError(reply, 400, PARSE_ERROR, 'Parse error: the request has no body')

/**
 * Makes a scope read JSON-RPC bodies: an empty body is undefined, what cannot be read is answered as JSON-RPC wants it.
 * Every other error goes on to the app's own error handler.
 */
export function useRpcBodies (scope: FastifyInstance): void {
  const parseJson = scope.getDefaultJsonParser('error', 'error')
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (request, body, done) => {
    const text = toText(body)
    if (text === undefined) return done(new SyntaxError('The body is not UTF-8'))
    if (text === '') return done(null, undefined)
    if (isTooDeep(text, MAX_DEPTH)) return done(new DepthError())
    return parseJson(request, text, done)
  })
  scope.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof DepthError) return sendRpcError(reply, 400, INVALID_REQUEST, error.message)
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      return sendRpcError(reply, 413, INVALID_REQUEST, 'Invalid Request: a message may have 1 MiB at most')
    }
    if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
      return sendRpcError(reply, 415, INVALID_REQUEST, 'Unsupported Media Type: Content-Type must be application/json')
    }
    if (error instanceof SyntaxError || error.code?.startsWith('FST_ERR_CTP_')) {
      return sendRpcError(reply, 400, PARSE_ERROR, 'Parse error: the body is not valid JSON')
    }
    throw error
  })
}

class DepthError extends Error {
  constructor () {
    super(`Invalid Request: a message may be nested ${MAX_DEPTH} levels deep at most`)
  }
}
