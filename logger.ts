import type { FastifyRequest } from 'fastify'
import type { Config } from './config.ts'

/** Fields that never stand in a log line, wherever they are nested (to two levels). */
const SECRET_FIELDS = ['authorization', 'cookie', 'set-cookie', 'access_token', 'one_time_token', 'token', 'api_key', 'key_id', 'secret_key', 'password', 'code_mac', 'cookie_value']

/** Our tokens in any text: kind and id stay, the secret goes. */
const TOKEN = /(fmcp_(?:st|ot|ad)_[0-9a-f]{32})_[0-9A-Za-z]+/g
/** Where a stream that a one-time token opened takes its messages: who knows the path may write to it. */
const STREAM_KEY = /(\/mcp\/connect\/messages\/)[^\s"?#]+/g
const SECRET_PARAMETER = /([?&](?:token|access_token|api_?key|apiKey)=)[^&\s"]+/gi

/** A text without the secrets that our formats would show. */
export function redact (text: string): string {
  return text.replace(TOKEN, '$1_[redacted]').replace(STREAM_KEY, '$1[redacted]').replace(SECRET_PARAMETER, '$1[redacted]')
}

const toStdout = (line: string): void => { process.stdout.write(line) }

/**
 * Fastify's logger options: JSON lines, with secrets taken out by field and, whatever is left, by pattern.
 * @param mixin what stands in every line that is written
 */
export function loggerOptions (
  { logLevel }: Pick<Config, 'logLevel'>, write: (line: string) => void = toStdout, mixin: () => object = () => ({})
) {
  return {
    level: logLevel,
    mixin,
    redact: {
      paths: SECRET_FIELDS.flatMap(field => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]),
      censor: '[redacted]'
    },
    serializers: {
      req: (request: FastifyRequest) => ({ method: request.method, url: redact(decode(request.url)), ip: request.ip })
    },
    stream: { write: (line: string) => write(redact(line)) }
  }
}

/** A token whose letters are percent-encoded is a token to the router too. */
function decode (url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return url
  }
}
