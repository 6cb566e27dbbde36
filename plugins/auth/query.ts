import type { IncomingMessage } from 'node:http'

type RawRequest = IncomingMessage & { originalUrl?: string }

const taken = new WeakMap<IncomingMessage, string[]>()

/**
 * Fastify's `rewriteUrl`: takes each `token` out of the query, before a route, a hook or a log line sees the URL. What
 * was taken is kept beside the request for `queryTokensOf`.
 * @returns the URL without them
 */
export function takeQueryTokens (raw: RawRequest): string {
  const url = raw.url ?? '/'
  const start = url.search(/[?#]/)
  // The router takes what follows a # for a query too.
  if (start < 0 || !/token|%/.test(url.slice(start))) return url
  const tokens: string[] = []
  const kept = url.slice(start + 1).split('&').filter(pair => {
    const [name = '', ...value] = pair.split('=')
    if (decode(name) !== 'token') return true
    tokens.push(decode(value.join('=')))
    return false
  })
  if (tokens.length === 0) return url
  taken.set(raw, tokens)
  const rest = kept.length ? url[start] + kept.join('&') : ''
  raw.originalUrl = url.slice(0, start) + rest
  return raw.originalUrl
}

/** The tokens that stood in the request's URL. */
export function queryTokensOf ({ raw }: { raw: IncomingMessage }): readonly string[] {
  return taken.get(raw) ?? []
}

export const hasQueryToken = (request: { raw: IncomingMessage }): boolean => taken.has(request.raw)

function decode (text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
