import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { sql } from 'kysely'
import { test, type Test } from 'tap'
import type { EndHold } from '../plugins/sessions/index.ts'
import { refusal } from '../tokens/gate.ts'
import { TOKEN, startMcpApp } from './conformance/app.ts'
import { build } from './helper.ts'
import { until } from './plugins/build-security.ts'

const by = { actor: 'test' }
const CALL = { name: 'get_quote', arguments: { symbols: ['AAPL'] } }
const ENDED = /session ended: its token was revoked.*\(FMS_UNAUTHENTICATED\)/

/** A server on a port with an upstream that never answers, and another replica. */
async function hanging (t: Test) {
  const { app, config, connect, upstream } = await build(t, { PROVIDER_DEADLINE_SECONDS: '50', CALL_DEADLINE_SECONDS: '55' })
  const { app: other } = await build(t, { DATABASE_URL: config.databaseUrl! })
  const session = await connect({ keys: ['alpaca'] })
  upstream.fault('alpaca', () => {})
  const url = new URL('/mcp', await app.listen({ host: '127.0.0.1', port: 0 }))
  t.teardown(() => app.server.closeAllConnections())
  const headers = { authorization: `Bearer ${session.token}` }
  const asked = () => until(() => upstream.requests.length > 0)
  const dropped = () => until(() => upstream.aborted() > 0)
  const outcome = async () => {
    await app.audit.flush()
    return (await app.audit.list({ session_id: session.sessionId, action: 'tool.call' })).items[0]?.outcome
  }
  return { app, other, url, headers, asked, dropped, outcome, ...session }
}

test('revoking a session at another replica ends its call over REST with 401, and the request to the provider', async t => {
  const { other, url, headers, asked, dropped, outcome, sessionId } = await hanging(t)
  const call = fetch(new URL('/api/tools/get_quote?symbols=AAPL', url), { headers })
  await asked()
  await other.sessions.revoke(sessionId, by)
  const response = await call
  t.equal(response.status, 401)
  t.match(response.headers.get('www-authenticate'), /^Bearer/)
  t.match(await response.json(), { code: 'FMS_UNAUTHENTICATED', detail: /The session ended/ })
  await dropped()
  t.equal(await outcome(), 'UNAUTHENTICATED')
})

for (const era of ['modern', 'legacy'] as const) {
  test(`revoking a session ends the call of an MCP client of the ${era} kind with an error that says so`, async t => {
    const { other, url, headers, asked, dropped, connectionId } = await hanging(t)
    const mode = era === 'modern' ? { pin: '2026-07-28' } : era
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
    t.teardown(() => client.close())
    const call = client.callTool(CALL)
    await asked()
    await other.sessions.revokeAll(connectionId, by)
    t.match(await call, { isError: true, content: [{ text: ENDED }] })
    await dropped()
  })
}

test('revoking all sessions ends the stream of an HTTP+SSE client and its call', async t => {
  const { app, other, url, headers, asked, dropped } = await hanging(t)
  const client = new ClientV1({ name: 'test', version: '1' })
  const transport = new SSEClientTransport(url, { requestInit: { headers } })
  await client.connect(transport)
  const failed = new Promise(resolve => { client.onerror = resolve })
  client.callTool(CALL).catch(() => {})
  await asked()
  await other.sessions.revokeAll(undefined, by)
  await dropped()
  t.ok(await failed, 'the client notices')
  t.equal(app.mcp.endStreams(() => true), 0)
  await client.close()
})

test('a call ends with the grace of the token that it was made with, and when its session expires', async t => {
  for (const how of ['rotate', 'expire'] as const) {
    const { app, url, headers, asked, dropped, sessionId } = await hanging(t)
    if (how === 'expire') {
      await sql`UPDATE sessions SET expires_at = now() + interval '4 seconds' WHERE id = ${sessionId}`.execute(app.db)
    }
    const call = fetch(new URL('/api/tools/get_quote?symbols=AAPL', url), { headers })
    await asked()
    if (how === 'rotate') await app.sessions.rotate(sessionId, { graceSeconds: 1 }, by)
    t.equal((await call).status, 401)
    await dropped()
  }
})

test('what comes in slowly while its session is revoked is not answered', async t => {
  const { app, connect } = await build(t)
  const { token, sessionId } = await connect()
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.server.closeAllConnections())
  const body = new TransformStream()
  const writer = body.writable.getWriter()
  const { port } = app.server.address() as { port: number }
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25'
  }
  const verified = new Promise<void>(resolve => {
    const { verify } = app.sessions
    app.sessions.verify = async text => verify(text).finally(resolve)
  })
  const answer = fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', headers, body: body.readable, duplex: 'half' })
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_market_status', arguments: {} } })
  await writer.write(Buffer.from(message.slice(0, 20)))
  await verified
  await app.sessions.revoke(sessionId, by)
  await writer.write(Buffer.from(message.slice(20)))
  await writer.close()
  t.match(await (await answer).json(), { result: { isError: true, content: [{ text: ENDED }] } })
})

test('a stream of the modern revision ends with its session, and none is opened for one that has ended', async t => {
  const ends: EndHold[] = []
  let isOver = false
  const { app, url } = await startMcpApp({
    catalogue: {
      listTools: () => [],
      callTool: async () => ({ content: [] }),
      capabilities: { resources: { listChanged: true } }
    },
    async hold (_principal, end) {
      if (isOver) throw refusal()
      ends.push(end)
      return () => {}
    }
  })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const listen = () => fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen'
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: {
        notifications: { resourcesListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {}
        }
      }
    })
  })
  const response = await listen()
  t.match(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body!.getReader()
  for (let text = ''; !text.includes('acknowledged');) text += Buffer.from((await reader.read()).value!).toString()
  ends.forEach(end => end(refusal()))
  while (!(await reader.read()).done);
  isOver = true
  t.equal((await listen()).status, 401)
})
