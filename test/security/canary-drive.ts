/** What is done to the server of the canary: every way in, every mistake, every route, every failure of a provider. */
import fc from 'fast-check'
import { TOTP } from 'otpauth'
import { pick } from '../figures.ts'
import { createEcho, KEYS, NEW_PASSWORD, PASSWORD, PROVIDERS, type CanaryWorld } from './canary-world.ts'
import type { JsonSchema } from './from-schema.ts'
import { createRequests, type Route } from './fuzz-requests.ts'

/** Requests that are made up of each route. */
const PER_ROUTE = pick(30, 4)
const ROUNDS = pick(12, 4)

export const json = { 'content-type': 'application/json' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Whoever asks, and for which connection. */
export interface Known {
  admin: string
  token: string
  connectionId: string
  sessionId: string
}

/** The ways in: setup, logins right and wrong, another password, the second factor. */
export async function enter ({ app, send }: CanaryWorld): Promise<void> {
  let cookie = ''
  async function ask (method: 'GET' | 'POST', url: string, body?: object) {
    const response = await send(`${method} ${url}`, {
      method, url, headers: { origin: 'http://localhost', cookie, ...(body && json) }, ...(body && { payload: JSON.stringify(body) })
    })
    const [set] = [response.headers['set-cookie'] ?? []].flat()
    if (set) cookie = set.split(';')[0] ?? ''
    return response
  }
  const name = 'root'
  const code = String(await app.admin.issueSetupCode())
  await ask('POST', '/api/setup', { code: 'WRONG', name, password: PASSWORD })
  await ask('POST', '/api/setup', { code, name, password: PASSWORD })
  await ask('POST', '/api/setup', { code, name, password: PASSWORD })
  await ask('POST', '/api/login', { name, password: `${PASSWORD}x` })
  await ask('POST', '/api/login', { name: 'nobody', password: PASSWORD })
  await ask('POST', '/api/login', { name, password: PASSWORD })
  await ask('POST', '/api/admin/proof', { password: PASSWORD })
  const started = await ask('POST', '/api/admin/totp', {})
  const { secret } = started.json() as { secret: string }
  await ask('POST', '/api/admin/totp/confirm', { code: '000000' })
  await ask('POST', '/api/admin/totp/confirm', { code: new TOTP({ secret }).generate() })
  await ask('POST', '/api/admin/password', { current_password: `${NEW_PASSWORD}x`, new_password: NEW_PASSWORD })
  await ask('POST', '/api/admin/password', { current_password: PASSWORD, new_password: NEW_PASSWORD })
  await ask('GET', '/api/admin')
  await ask('POST', '/api/admin/proof', { password: NEW_PASSWORD, code: '000000' })
}

/** A one-time token that is made, used and used again. */
export async function useOnce ({ send }: CanaryWorld, { admin, sessionId }: Known): Promise<void> {
  const route = 'POST /api/sessions/{id}/one-time-token'
  const url = `/api/sessions/${sessionId}/one-time-token`
  const made = await send(route, { method: 'POST', url, headers: { ...json, ...bearer(admin) }, payload: '{}' })
  const [token] = /fmcp_ot_\w+/.exec(made.body) ?? []
  if (!token) throw new Error(`no one-time token: ${made.statusCode}`)
  await send('GET connect', { url: `/mcp/connect/${token}` })
  for (const given of [`${token}x`, token, token]) {
    const payload = JSON.stringify({ token: given })
    await send('POST /api/session/exchange', { method: 'POST', url: '/api/session/exchange', headers: json, payload })
  }
  await send('GET connect', { url: `/mcp/connect/${token}`, headers: { accept: 'text/event-stream' } })
}

/** Bodies that hold a secret and cannot be read, or hold it where it does not belong. */
function toWrongBodies (secret: string): string[] {
  const quoted = JSON.stringify(secret)
  return [
    `{"api_key":${quoted}`, `{"api_key":${quoted},}`, `{api_key:${quoted}}`, quoted, secret, `[${quoted}]`,
    `{"api_key":[${quoted}]}`, `{"api_key":{"x":${quoted}}}`, `{"api_key":${JSON.stringify(`${secret} `)}}`,
    `{"api_key":${JSON.stringify(secret.repeat(40))}}`, `{"api_key":${quoted},"x":${quoted}}`, `{"key_id":${quoted}}`,
    `{"name":"root","password":${quoted}`, `{"name":"root","password":[${quoted}]}`, `{"name":"root","password":${quoted},"x":1}`,
    `{"name":"root","code":${quoted},"password":"x"}`, `{"__proto__":${quoted}}`, `${'['.repeat(40)}${quoted}`, `{"api_key":"${secret}\xff"}`
  ]
}

/** Sends keys, passwords and tokens in every place where they do not belong. */
export async function misplace ({ send }: CanaryWorld, { admin, token, connectionId }: Known): Promise<void> {
  const credentials = `/api/connections/${connectionId}/credentials/finnhub`
  for (const secret of [KEYS.finnhub.api_key, PASSWORD]) {
    for (const text of toWrongBodies(secret)) {
      const payload = Buffer.from(text, 'latin1')
      await send('PUT credentials', { method: 'PUT', url: credentials, headers: { ...json, ...bearer(admin) }, payload })
      await send('POST connections', { method: 'POST', url: '/api/connections', headers: { ...json, ...bearer(admin) }, payload })
      await send('POST mcp', { method: 'POST', url: '/mcp', headers: { ...json, ...bearer(token) }, payload })
      for (const url of ['/api/login', '/api/setup', '/api/session/exchange']) {
        await send(`POST wrong ${url}`, { method: 'POST', url, headers: json, payload })
      }
    }
    const headers = { 'content-type': 'text/plain', ...bearer(token) }
    await send('POST mcp', { method: 'POST', url: '/mcp', headers, payload: secret })
  }
  const key = encodeURIComponent(KEYS.fmp.api_key)
  for (const path of ['/api/whoami', '/api/connections', '/api/tools/get_quote', '/mcp', '/nowhere', '/health/live', '/%ff', '/docs', '/messages']) {
    const url = `${path}?token=${token}&api_key=${key}&apikey=${encodeURIComponent(KEYS.polygon.api_key)}`
    await send(`GET ${path}?token`, { url })
    await send(`GET ${path}?token`, { url, headers: bearer(token) })
  }
  for (const value of [admin, token, token.slice(0, -1), `${token}x`, key]) {
    const basic = `Basic ${Buffer.from(value).toString('base64')}`
    for (const authorization of [`Bearer ${value}`, basic, `Bearer ${value} ${value}`, value, `bearer  ${value}x`]) {
      await send('GET whoami', { url: '/api/whoami', headers: { authorization } })
      await send('GET connections', { url: '/api/connections', headers: { authorization } })
    }
    await send('GET cookie', { url: '/api/admin', headers: { cookie: `fmcp=${value}; __Host-fmcp=${value}` } })
  }
}

const MODERN = '2026-07-28'
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'canary', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {}
}

/** Every tool over REST and MCP, and every test of a key, while the providers fail and repeat what they were sent. */
export async function askFailing (world: CanaryWorld, { admin, token, connectionId }: Known): Promise<void> {
  const { app, send, upstream } = world
  const echo = createEcho()
  for (const provider of PROVIDERS) upstream.fault(provider, echo)
  for (let round = 0; round < ROUNDS; round++) {
    const symbol = `CAN${'ABCDEFGHIJKL'[round % 12]}`
    const values = {
      symbol, symbols: [symbol], query: symbol, series: 'gdp', indicators: ['rsi'], index: 'sp500', provider: PROVIDERS[round % 5]
    }
    for (const { name, inputSchema } of app.tools.list()) {
      const { properties = {} } = inputSchema as JsonSchema
      const given = Object.entries(values).filter(([key, value]) => key in properties && value !== undefined)
      const args = Object.fromEntries(given)
      const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)] as [string, string]))
      await send('GET tool', { url: `/api/tools/${name}?${query}`, headers: bearer(token) })
      const isModern = round % 2 === 0
      const headers = {
        ...json,
        ...bearer(token),
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': isModern ? MODERN : '2025-11-25',
        ...(isModern && { 'mcp-method': 'tools/call', 'mcp-name': name })
      }
      const params = { name, arguments: args, ...(isModern && { _meta: ENVELOPE }) }
      const payload = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
      await send('POST mcp', { method: 'POST', url: '/mcp', headers, payload })
    }
    for (const provider of PROVIDERS) {
      const url = `/api/connections/${connectionId}/credentials/${provider}/test`
      await send('POST test', { method: 'POST', url, headers: bearer(admin) })
    }
  }
}

/** Each route some times, with what its schema allows and what it does not. */
export async function driveAll ({ send }: CanaryWorld, routes: Route[], renew: () => Promise<Known>): Promise<void> {
  let known = await renew()
  for (const route of routes) {
    const requests = createRequests([route], () => [known.connectionId, known.sessionId])
    for (const { url, headers, body, by } of fc.sample(requests, { numRuns: PER_ROUTE, seed: 1 })) {
      const isKnown = by !== 'nobody' && route.takes !== 'nobody'
      const response = await send(`${route.method} ${route.path}`, {
        method: route.method,
        url,
        headers: {
          ...(body !== undefined && json), ...headers, ...(isKnown && bearer(route.takes === 'admin' ? known.admin : known.token))
        },
        ...(body !== undefined && { payload: body })
      })
      if (isKnown && response.statusCode === 401) known = await renew()
    }
  }
}
