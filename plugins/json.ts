import fp from 'fastify-plugin'
import { isUtf8 } from 'node:buffer'
import { problem } from '../errors.ts'

/** Deepest nesting of objects and lists that is read. */
const MAX_DEPTH = 32

/** Whether a JSON text nests deeper than `max`: one pass, no parsing, strings skipped. */
export function isTooDeep (text: string, max = MAX_DEPTH): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === 92) i++
      else if (c === 34) inString = false
    } else if (c === 34) inString = true
    else if (c === 91 || c === 123) { if (++depth > max) return true } else if (c === 93 || c === 125) depth--
  }
  return false
}

/** A body as text; undefined where its bytes are not UTF-8: read all the same, two names could become one. */
export const toText = (body: Buffer): string | undefined => isUtf8(body) ? body.toString() : undefined

/**
 * Reads JSON bodies: an empty one is undefined, a deep one and one with `__proto__` are refused before they are built.
 */
export default fp(async app => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const text = toText(body)
    if (text === undefined) return done(problem('INVALID_INPUT', 'The body is not UTF-8. Send one JSON object in UTF-8.'))
    if (text === '') return done(null, undefined)
    if (isTooDeep(text)) return done(problem('INVALID_INPUT', `The JSON nests deeper than ${MAX_DEPTH} levels. Send it flatter.`))
    return parse(request, text, (error, value) =>
      error ? done(problem('INVALID_INPUT', 'The body is not valid JSON. Send one JSON object.', { cause: error })) : done(null, value))
  })
}, { name: 'json' })
