/** The whole server with secrets that can be told apart, and everything that it says. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InjectOptions } from 'fastify'
import type { Test } from 'tap'
import { createDatabase, query } from '../database.ts'
import { build } from '../helper.ts'
import type { UpstreamName } from '../upstream/index.ts'
import type { Place, Secret } from './markers.ts'

/** With what the forms change: quotes, a backslash, signs that a URL escapes. */
const mark = (name: string) => `Canary/${name}+"<%=\\&${randomBytes(6).toString('hex')}`
const ring = randomBytes(32)

export const MASTER_KEY = `k1:${ring.toString('base64')}`
export const PASSWORD = mark('password')
export const NEW_PASSWORD = mark('new-password')
export const KEYS = {
  alpaca: { key_id: mark('alpaca-id'), secret_key: mark('alpaca-secret') },
  polygon: { api_key: mark('polygon') },
  fmp: { api_key: mark('fmp') },
  finnhub: { api_key: mark('finnhub') }
}
export const PROVIDERS = Object.keys(KEYS) as UpstreamName[]
export const KEY_TEXTS = Object.values(KEYS).flatMap(key => Object.values(key) as string[])

/** What is known from the start; tokens, cookies and codes are added as they are shown. */
const SECRETS: Secret[] = [
  { name: 'the master key', value: ring },
  { name: 'the password', value: PASSWORD },
  { name: 'the new password', value: NEW_PASSWORD },
  ...KEY_TEXTS.map(value => ({ name: `a key of ${value.slice(7, 20)}`, value }))
]

/** Answers that are meant to show a secret, this once. */
const SHOWS = new Set([
  'POST /api/setup', 'POST /api/login', 'POST /api/admin/password', 'POST /api/admin/proof', 'POST /api/admin/totp', 'POST /api/admin/totp/confirm',
  'DELETE /api/admin/totp', 'POST /api/admin-tokens', 'POST /api/connections/{id}/session', 'POST /api/sessions/{id}/rotate', 'PATCH /api/sessions/{id}',
  'POST /api/session/rotate', 'POST /api/sessions/{id}/one-time-token', 'POST /api/session/exchange'
])
const TOKEN = /fmcp_(st|ot|ad)_[0-9a-f]{32}_([0-9A-Za-z]{49})/g
const COOKIE = /fmcp=([A-Za-z0-9_-]{20,})/g
/** Members of answers that are secrets, where a token is not told by its shape. */
const MEMBERS = /"(secret|recovery_codes)":("[^"]*"|\[[^\]]*\])/g

export type CanaryWorld = Awaited<ReturnType<typeof startCanaryWorld>>

export async function startCanaryWorld (t: Test) {
  const url = await createDatabase(t)
  const env = { LOG_LEVEL: 'trace', MASTER_KEY, DATABASE_URL: url, ADDRESS_CALLS_PER_MINUTE: '10000000', SESSION_CALLS_PER_MINUTE: '10000000' }
  const { app, logs, upstream } = await build(t, env)
  const secrets = [...SECRETS]
  const places: Place[] = []
  const unexpected: string[] = []

  /** Notes what an answer shows, and that it may. */
  function note (route: string, place: Place): void {
    places.push(place)
    const shown = [
      ...[...place.text.matchAll(TOKEN)].map(([, kind, secret = '']) => ({ name: `a token (${kind})`, value: secret })),
      ...[...place.text.matchAll(COOKIE)].map(([, value = '']) => ({ name: 'a cookie', value })),
      ...[...place.text.matchAll(MEMBERS)].flatMap(([, name, text = '']) => [JSON.parse(text) as string | string[]].flat().map(value => ({ name: String(name), value })))
    ]
    for (const secret of shown) {
      if (secrets.some(({ value }) => value === secret.value)) continue
      if (!SHOWS.has(route)) unexpected.push(`${route} shows ${secret.name}`)
      secrets.push({ ...secret, shownIn: place })
    }
  }

  /** Sends a request of the route, whose path may hold names in braces. */
  async function send (route: string, options: InjectOptions) {
    const response = await app.inject({ ...options, headers: { host: 'localhost', ...options.headers } })
    note(route, { name: `${route}: ${response.statusCode}`, text: `${JSON.stringify(response.headers)}\n${response.body}` })
    return response
  }

  /** All that is left in the end: answers, log, metrics, audit log, database. */
  async function collect (): Promise<Place[]> {
    const metrics = { name: '/metrics', text: await app.metrics.read() }
    return [...places, ...logs.map((text, i) => ({ name: `log line ${i}`, text })), metrics, ...await dump(url)]
  }
  return { app, env: { ...env, ...upstream.env }, upstream, secrets, unexpected, send, collect, dump: () => dump(url) }
}

/** Every row of every table, texts as they are and bytes as bytes. */
async function dump (url: string): Promise<Place[]> {
  const { rows: tables } = await query(url, `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
  const places = await Promise.all(tables.map(async ({ name }) => {
    const { rows } = await query(url, `SELECT * FROM ${String(name)}`)
    return rows.flatMap((row, i) => Object.entries(row).map(([column, value]): Place =>
      ({ name: `${String(name)}.${column} of row ${i}`, text: toText(value) })))
  }))
  return places.flat()
}

const toText = (value: unknown): string =>
  Buffer.isBuffer(value) ? value.toString('latin1') : typeof value === 'string' ? value : JSON.stringify(value) ?? ''

/** A provider that fails in one of many ways, and says with which key it was asked, in more than one form. */
export function createEcho () {
  let asked = 0
  return (request: IncomingMessage, response: ServerResponse): void => {
    const told = [request.url, decodeURIComponent(String(request.url)), ...request.rawHeaders].join(' ')
    const keys = KEY_TEXTS.filter(key => told.includes(key) || told.includes(encodeURIComponent(key))).join(' ')
    // What is far behind is cut off in places; so each form comes first now and then.
    const forms = [keys, encodeURIComponent(keys), JSON.stringify(keys), told]
    const first = Math.floor(asked / ANSWERS.length) % forms.length
    const [status, body] = ANSWERS[asked++ % ANSWERS.length]!([...forms.slice(first), ...forms.slice(0, first)].join(' '))
    // Headers take no line breaks, and Node none of their bytes above latin1.
    response.writeHead(status, { 'content-type': 'application/json', 'x-echo': keys, location: `http://127.0.0.1:9/?apikey=${encodeURIComponent(keys)}`, 'retry-after': '1' }).end(body)
  }
}

const ANSWERS: ((text: string) => [status: number, body: string])[] = [
  text => [401, JSON.stringify({ message: `Invalid API key: ${text}`, error: text })],
  text => [403, JSON.stringify({ message: `Your plan does not include this, ${text}. Please upgrade.`, code: text })],
  text => [402, JSON.stringify({ 'Error Message': `Exclusive Endpoint: upgrade your plan. ${text}` })],
  text => [429, JSON.stringify({ error: `API limit reached for ${text}` })],
  text => [500, `<html>${text}</html>`],
  text => [400, JSON.stringify({ status: 'ERROR', error: `Bad request: ${text}`, request_id: text })],
  text => [404, JSON.stringify({ message: `no data for ${text}` })],
  text => [302, text],
  text => [200, `${text} is not JSON`],
  text => [200, JSON.stringify({ 'Error Message': text, error: text, status: text })],
  text => [200, JSON.stringify([text, { symbol: text, price: text }])],
  text => [418, JSON.stringify({ [text]: { [text]: [text] } })]
]
