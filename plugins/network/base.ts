import type { FastifyRequest } from 'fastify'
import type { Config } from '../../config.ts'
import { problem } from '../../errors.ts'

const HOST = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i

/**
 * What the URLs of answers begin with, without a trailing slash: PUBLIC_URL, else what the client itself called.
 * @throws INVALID_INPUT where the Host is none: it comes into headers and links
 */
export function baseOf (request: FastifyRequest, { publicUrl }: Pick<Config, 'publicUrl'>): string {
  if (publicUrl) return publicUrl
  if (!HOST.test(request.host)) throw problem('INVALID_INPUT', 'The Host header is not a host name.')
  return `${request.protocol}://${request.host}`
}
