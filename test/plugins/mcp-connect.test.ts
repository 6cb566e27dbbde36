import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { createToken } from '../../tokens/token.ts'
import { createDatabase } from '../database.ts'
import { build as buildApp, type World } from '../helper.ts'

const BY = { actor: 'test' }
const STREAM = { accept: 'text/event-stream' }
const JSON_BODY = { 'content-type': 'application/json' }
const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
const QUOTE = { name: 'get_quote', arguments: { symbols: ['AAPL'] } }

async function listen (t: Test, { app }: World): Promise<URL> {
  // fetch opens a connection in place of an aborted one, and a stop would wait for its first request.
  t.teardown(() => {
    const sweep = setInterval(() => app.server.closeAllConnections(), 50)
    app.server.once('close', () => clearInterval(sweep))
  })
  return new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
}

async function build (t: Test, env: Record<string, string> = {}) {
  const databaseUrl = await createDatabase(t)
  const world = await buildApp(t, { LOG_LEVEL: 'trace', DATABASE_URL: databaseUrl, ...env })
  const base = await listen(t, world)
  const { sessionId, connectionId, token } = await world.connect()
  const make = async (id = sessionId) =>
    new URL((await world.app.oneTimeTokens.create(id, {}, base.origin, BY)).connect_url)
  return { ...world, databaseUrl, base, sessionId, connectionId, token, make }
}

/** Opens a stream and reads what it says first. */
async function open (t: Test, url: URL, headers: Record<string, string> = STREAM) {
  const controller = new AbortController()
  t.teardown(() => controller.abort())
  const response = await fetch(url, { headers, signal: controller.signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const next = async () => (await reader.read()).value
  const ended = async () => { while (!(await reader.read()).done); return true }
  const path = /^event: endpoint\ndata: (\S+)/.exec(await next() ?? '')?.[1] ?? ''
  const send = (body = PING, at: string | URL = url) =>
    fetch(new URL(path, at), { method: 'POST', headers: JSON_BODY, body })
  return { response, path, next, ended, send, controller }
}

t.test('a client with nothing but the URL lists and calls tools, as its session', async t => {
  const { app, make, sessionId, logs } = await build(t)
  const url = await make()
  const client = new Client({ name: 'url-only', version: '2.0' })
  await client.connect(new SSEClientTransport(url))
  t.teardown(() => client.close())
  t.equal((await client.listTools()).tools.length, app.tools.list().length)
  t.match(await client.callTool(QUOTE), { structuredContent: { data: { quotes: [{ symbol: 'AAPL' }] } } })

  await app.audit.flush()
  const again = await fetch(url, { headers: STREAM })
  t.equal(again.status, 410)
  t.match(await again.json(), { code: 'FMS_TOKEN_CONSUMED' })
  const events = (await app.audit.list({ session_id: sessionId })).items.map(({ action, actor }) => ({ action, actor }))
  t.same(events.slice(0, 3), [
    { action: 'one_time_token.reuse', actor: 'anonymous' },
    { action: 'tool.call', actor: `session:${sessionId}` },
    { action: 'one_time_token.claim', actor: `session:${sessionId}` }
  ])
  const said = logs.join('') + JSON.stringify(await app.audit.list({ limit: 500 }))
  t.notMatch(said, url.pathname.slice(-49))
})

t.test('the stream says where its messages go, is not stored, and names no referrer', async t => {
  const { make, token } = await build(t, { PUBLIC_URL: 'https://m.example.com/fin' })
  const { response, path, send, next } = await open(t, await make())
  t.equal(response.headers.get('referrer-policy'), 'no-referrer')
  t.match(response.headers.get('cache-control'), /no-store/)
  t.match(path, /^\/fin\/mcp\/connect\/messages\/[\w-]{43}\.[\w-]{43}$/)
  const local = path.slice('/fin'.length)
  const post = (to: string, headers = {}) => fetch(new URL(to, response.url), { method: 'POST', headers: { ...JSON_BODY, ...headers }, body: PING })
  t.equal((await post(local)).status, 202)
  t.match(await next(), '"id":1')
  t.equal((await send()).status, 404, 'the proxy takes its own path away')

  const [id = ''] = local.split('/').at(-1)!.split('.')
  for (const key of [id, `${id}.`, `${id}.${randomBytes(32).toString('base64url')}`, `${id}.x`, 'x', `${id}.${id}`]) {
    const refused = await post(`/mcp/connect/messages/${key}`)
    t.equal(refused.status, 404, key)
    t.match(await refused.json(), { error: { code: -32001 } })
  }
  const asBearer = await post(`/messages?sessionId=${id}`, { authorization: `Bearer ${token}` })
  t.equal(asBearer.status, 404, 'the path of its messages is the only one')
  t.equal((await post(`/messages?sessionId=${id}`)).status, 401)
})

t.test('who only looks at the address does not use it up', async t => {
  const { app, make } = await build(t)
  const url = await make()
  t.match(await fetch(url, { method: 'HEAD', headers: STREAM }), { status: 204 })
  for (const name of ['sec-purpose', 'purpose']) {
    t.match(await fetch(url, { headers: { ...STREAM, [name]: 'prefetch;prerender' } }), { status: 204 })
  }
  const seen = await fetch(url, { headers: { accept: 'text/html,*/*' } })
  t.equal(seen.status, 200)
  t.match(seen.headers.get('content-type'), /^text\/plain/)
  t.match(await seen.text(), /HTTP\+SSE/)
  for (const answer of [seen, await fetch(url, { method: 'HEAD' })]) {
    t.match(answer.headers.get('cache-control'), /no-store/)
    t.equal(answer.headers.get('referrer-policy'), 'no-referrer')
  }
  t.match(await fetch(url, { method: 'POST', headers: JSON_BODY, body: PING }), { status: 405 })
  t.match(await fetch(url, { headers: { ...STREAM, 'mcp-protocol-version': '2025-06-18' } }), { status: 405 })
  t.match(await app.inject({ url: url.pathname, headers: { ...STREAM, host: 'evil.example' } }), { statusCode: 403 })
  t.equal((await open(t, url)).response.status, 200)
})

t.test('a client that tries Streamable HTTP first falls back', async t => {
  const { make } = await build(t)
  const url = await make()
  const streamable = new StreamableHTTPClientTransport(url) as unknown as SSEClientTransport
  await t.rejects(new Client({ name: 'first', version: '1' }).connect(streamable))
  const client = new Client({ name: 'then', version: '1' })
  await client.connect(new SSEClientTransport(url))
  t.teardown(() => client.close())
  t.ok((await client.listTools()).tools.length)
})

t.test('what is no good token opens nothing', async t => {
  const { app, base, make, token, connectionId } = await build(t)
  const { session_id: ended } = await app.sessions.create(connectionId, {}, BY)
  const ofEnded = await make(ended)
  await app.sessions.revoke(ended, BY)
  const bodies = new Set<string>()
  for (const bad of ['x', token, createToken('ot', crypto.randomUUID()), ofEnded.pathname.split('/').at(-1)]) {
    const refused = await fetch(new URL(`/mcp/connect/${bad}`, base), { headers: STREAM })
    t.equal(refused.status, 401)
    bodies.add(await refused.text())
  }
  t.equal(bodies.size, 1)
})

t.test('where the session has no room for a stream, the token still holds', async t => {
  const { base, make, token } = await build(t)
  const url = await make()
  const bearer = { ...STREAM, authorization: `Bearer ${token}` }
  const streams = await Promise.all(Array.from({ length: 32 }, () => open(t, new URL('/mcp', base), bearer)))
  t.equal((await fetch(url, { headers: STREAM })).status, 429)
  streams[0]?.controller.abort()
  let answer = await fetch(url, { headers: STREAM })
  while (answer.status === 429) answer = await fetch(url, { headers: STREAM })
  t.equal(answer.status, 200)
  await answer.body?.cancel()
})

t.test('a revocation, and a rotation, ends the stream, and its path is gone', async t => {
  const { app, make, sessionId, connectionId } = await build(t)
  const { session_id: other } = await app.sessions.create(connectionId, {}, BY)
  const revoked = await open(t, await make())
  const rotated = await open(t, await make(other))
  t.equal((await revoked.send()).status, 202)
  await app.sessions.revoke(sessionId, BY)
  await app.sessions.rotate(other, {}, BY)
  for (const stream of [revoked, rotated]) {
    t.ok(await stream.ended())
    t.equal((await stream.send()).status, 404)
  }
})

t.test('a stream without a message ends', async t => {
  const { make } = await build(t, { SSE_IDLE_SECONDS: '1' })
  const stream = await open(t, await make())
  t.ok(await stream.ended())
  t.equal((await stream.send()).status, 404)
})

t.test('messages come over another replica too, and the addresses of the session bind them', async t => {
  const { app, databaseUrl, make, connectionId } = await build(t)
  const second = await buildApp(t, { DATABASE_URL: databaseUrl })
  const away = await listen(t, second)
  const url = await make()
  const client = new Client({ name: 'relayed', version: '1' })
  const posted: number[] = []
  await client.connect(new SSEClientTransport(url, {
    fetch: async (to, init) => {
      if (init?.method !== 'POST') return fetch(to, init)
      const response = await fetch(new URL(new URL(to).pathname, away), init)
      posted.push(response.status)
      return response
    }
  }))
  t.teardown(() => client.close())
  t.match(await client.callTool(QUOTE), { structuredContent: { data: { quotes: [{ symbol: 'AAPL' }] } } })
  t.same(new Set(posted), new Set([202]))

  const { session_id: bound } = await app.sessions.create(connectionId, { scope: { addresses: ['127.0.0.1/32'] } }, BY)
  const { path, send } = await open(t, await make(bound))
  t.equal((await send()).status, 202)
  const elsewhere = await app.inject({ method: 'POST', url: path, headers: JSON_BODY, payload: PING, remoteAddress: '192.0.2.7' })
  t.equal(elsewhere.statusCode, 403)
  t.match(elsewhere.json(), { code: 'FMS_FORBIDDEN' })
})
