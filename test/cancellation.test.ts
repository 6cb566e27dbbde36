import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { build } from './helper.ts'

async function until (condition: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition(); await sleep(10)) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
  }
}

/** The server on a port, with an upstream that never answers. */
async function hanging (t: Test) {
  const { app, connect, upstream } = await build(t)
  const session = await connect({ keys: ['alpaca'] })
  upstream.fault('alpaca', () => {})
  const url = new URL('/mcp', await app.listen({ host: '127.0.0.1', port: 0 }))
  t.teardown(() => app.server.closeAllConnections())
  const headers = { authorization: `Bearer ${session.token}` }
  const asked = () => until(() => upstream.requests.length > 0, 'the provider is asked')
  const dropped = () => until(() => upstream.aborted() > 0, 'the request to the provider is dropped')
  return { app, url, headers, asked, dropped, ...session }
}

const CALL = { name: 'get_quote', arguments: { symbols: ['AAPL'] } }

test('a REST client that goes away ends the request to the provider', async t => {
  const { url, headers, asked, dropped } = await hanging(t)
  const call = request(new URL('/api/tools/get_quote?symbols=AAPL', url), { headers }).end()
  call.on('error', () => {})
  await asked()
  call.destroy()
  await dropped()
  t.pass()
})

for (const era of ['modern', 'legacy'] as const) {
  test(`an MCP client of the ${era} kind that cancels ends the request to the provider`, async t => {
    const { url, headers, asked, dropped } = await hanging(t)
    const mode = era === 'modern' ? { pin: '2026-07-28' } : era
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
    t.teardown(() => client.close())
    const abort = new AbortController()
    const call = client.callTool(CALL, { signal: abort.signal })
    await asked()
    abort.abort()
    await t.rejects(call)
    await dropped()
  })
}

test('an HTTP+SSE client that cancels ends the request to the provider; so does the end of its stream', async t => {
  for (const how of ['cancel', 'close'] as const) {
    const { url, headers, asked, dropped } = await hanging(t)
    const client = new ClientV1({ name: 'test', version: '1' })
    await client.connect(new SSEClientTransport(url, { requestInit: { headers } }))
    const abort = new AbortController()
    const call = client.callTool(CALL, undefined, { signal: abort.signal })
    await asked()
    if (how === 'cancel') abort.abort()
    else await client.close()
    await t.rejects(call)
    await dropped()
    await client.close()
  }
})

test('revoking a session ends its open streams at once', async t => {
  const { app, url, headers, sessionId } = await hanging(t)
  const stream = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } })
  t.equal(stream.status, 200)
  const reader = stream.body!.getReader()
  await reader.read()
  await app.sessions.revoke(sessionId, { actor: 'test' })
  for (let done = false; !done;) done = await reader.read().then(chunk => chunk.done, () => true)
  t.equal((await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } })).status, 401)
})
