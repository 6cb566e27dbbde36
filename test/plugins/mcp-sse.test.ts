import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import t, { type Test } from 'tap'
import type { Caller } from '../../plugins/tools/index.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { OTHER_TOKEN, TOKEN, answerQuote, startMcpApp, type FakeCall, type McpAppOptions } from '../conformance/app.ts'

const authorization = `Bearer ${TOKEN}`
const params = { name: 'get_quote', arguments: { symbols: ['AAPL'] } }

async function build (t: Test, options: McpAppOptions = {}) {
  const { app, url } = await startMcpApp(options)
  t.teardown(() => {
    // fetch opens a connection in place of an aborted one, and close() waits for its first request.
    app.server.closeAllConnections()
    return app.close()
  })
  return { app, url }
}

async function connect (t: Test, url: URL) {
  const client = new Client({ name: 'sse', version: '1.2.3' })
  await client.connect(new SSEClientTransport(url, { requestInit: { headers: { authorization } } }))
  t.teardown(() => client.close())
  return client
}

/** Opens a stream and reads frames off it, one a call; undefined is its end. */
async function open (t: Test, url: URL) {
  const controller = new AbortController()
  t.teardown(() => controller.abort())
  const response = await fetch(url, { headers: { authorization, accept: 'text/event-stream' }, signal: controller.signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let buffered = ''
  async function next (): Promise<string | undefined> {
    for (;;) {
      const end = buffered.indexOf('\n\n')
      if (end >= 0) {
        const frame = buffered.slice(0, end)
        buffered = buffered.slice(end + 2)
        return frame
      }
      const { done, value } = await reader.read()
      if (done) return undefined
      buffered += value
    }
  }
  return { response, next, controller }
}

async function openSession (t: Test, url: URL) {
  const stream = await open(t, url)
  const endpoint = (await stream.next())?.match(/^event: endpoint\ndata: (.+)\nretry: 1000$/)?.[1]
  if (!endpoint) throw new Error('The stream names no endpoint')
  const send = (body: unknown, token = TOKEN) => fetch(new URL(endpoint, url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body)
  })
  return { ...stream, endpoint, send }
}

const initialize = (protocolVersion: string) => ({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
})
const callQuote = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
const toMessage = (frame: string | undefined) => JSON.parse(frame?.replace(/^event: message\ndata: /, '') ?? 'null')

function hang () {
  let started = (_: Caller) => {}
  const calls = new Promise<Caller>(resolve => { started = resolve })
  const call: FakeCall = (name, args, caller) => new Promise((resolve, reject) => {
    caller.signal.addEventListener('abort', () => reject(caller.signal.reason))
    started(caller)
  })
  return { call, calls }
}

async function aborted (signal: AbortSignal) {
  if (!signal.aborted) await once(signal, 'abort')
  return true
}

t.test('a client whose stream is cut opens another by itself, and is answered', async t => {
  const { app, url } = await build(t)
  const client = await connect(t, url)
  // From now on the client holds answers to the tool's schema.
  await client.listTools()
  t.match(await client.callTool(params), { structuredContent: {} })
  const cut = new Promise(resolve => { client.onerror = resolve })
  const reopened = once(app.server, 'request')
  app.server.closeAllConnections()
  await cut
  const [request] = await reopened
  t.match(request.headers, { 'mcp-protocol-version': /^2025/ }, 'it names the version that was agreed on')
  t.ok(await waitFor(async () => {
    // An answer that was lost with the stream comes never.
    const call = client.callTool(params, undefined, { timeout: 2000 })
    return call.then(({ structuredContent }) => structuredContent !== undefined, () => false)
  }, 60_000))
})

t.test('the client of the first SDK lists and calls tools', async t => {
  const callers: Caller[] = []
  const { url } = await build(t, {
    call: (name, args, caller) => {
      callers.push(caller)
      return answerQuote(name, args, caller)
    }
  })
  const client = await connect(t, url)
  t.match(await client.listTools(), { tools: [{ name: 'get_quote' }] })
  t.match(await client.callTool(params), { content: [{ text: 'AAPL 191.2' }], structuredContent: { data: [{}] } })
  t.match(callers, [{ transport: 'sse', principal: { session_id: 'session-1' }, client: { name: 'sse', version: '1.2.3' } }])
  await t.rejects(client.callTool({ name: 'get_quotes' }), { code: -32602 })
})

t.test('a cancelled call is aborted', async t => {
  const { call, calls } = hang()
  const { url } = await build(t, { call })
  const client = await connect(t, url)
  const controller = new AbortController()
  const pending = client.callTool(params, undefined, { signal: controller.signal })
  const { signal } = await calls
  controller.abort(new Error('enough'))
  await t.rejects(pending)
  t.ok(await aborted(signal))
})

t.test('the calls of a closed stream are aborted', async t => {
  const { call, calls } = hang()
  const { url } = await build(t, { call })
  const { send, controller } = await openSession(t, url)
  await send(callQuote)
  const { signal } = await calls
  controller.abort()
  t.ok(await aborted(signal))
})

t.test('a stream begins with its endpoint, below the path of the public URL, and passes proxies', async t => {
  const { url } = await build(t, { config: { publicUrl: 'https://example.com/fin', sseIdleSeconds: 900 }, keepAliveMs: 20 })
  const { response, next } = await open(t, url)
  t.match(response.headers.get('x-accel-buffering'), 'no')
  t.match(await next(), /^event: endpoint\ndata: \/fin\/messages\?sessionId=[\w-]{24}\n/)
  t.equal(await next(), ': keepalive')
})

t.test('version 2024-11-05 gets the whole answer as text', async t => {
  const { url } = await build(t)
  const { send, next } = await openSession(t, url)
  await send(initialize('2024-11-05'))
  t.match(toMessage(await next()), { id: 0, result: { protocolVersion: '2024-11-05' } })
  t.equal((await send(callQuote)).status, 202)
  t.strictSame(toMessage(await next()).result, { content: [{ type: 'text', text: '{"data":[{"symbol":"AAPL","price":191.2}]}' }] })
})

t.test('a stream is worth nothing to another session', async t => {
  const { url } = await build(t)
  const { send } = await openSession(t, url)
  t.equal((await send(callQuote, OTHER_TOKEN)).status, 404)
  t.equal((await send(callQuote, 'wrong')).status, 401)
  t.equal((await send(callQuote)).status, 202)
})

t.test('what is no message is refused', async t => {
  const { url } = await build(t)
  const { send } = await openSession(t, url)
  t.equal((await send('')).status, 400)
  t.equal((await send([callQuote])).status, 400)
  const unknown = await fetch(new URL('/messages?sessionId=unknown', url), {
    method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(callQuote)
  })
  t.equal(unknown.status, 404)
  t.match(await unknown.json(), { error: { code: -32001 } })
})

t.test('a GET that is not of HTTP+SSE is refused', async t => {
  const { url } = await build(t)
  for (const headers of [{ accept: 'application/json' }, { 'mcp-protocol-version': '2025-11-25' }, { 'mcp-session-id': 'x' }]) {
    const response = await fetch(url, { headers: { authorization, accept: 'text/event-stream', ...headers } })
    t.equal(response.status, 405)
    t.equal(response.headers.get('allow'), 'POST')
  }
  t.equal((await fetch(url, { method: 'HEAD', headers: { authorization, accept: 'text/event-stream' } })).status, 404)
})

t.test('a session may have 32 streams', async t => {
  const { url } = await build(t)
  const streams = []
  for (let i = 0; i < 32; i++) streams.push(await openSession(t, url))
  const refused = await open(t, url)
  t.equal(refused.response.status, 429)
})

t.test('an idle stream is ended', async t => {
  const { url } = await build(t, { config: { publicUrl: undefined, sseIdleSeconds: 0.05 }, keepAliveMs: 10_000 })
  const { next, send } = await openSession(t, url)
  let frame = await next()
  while (frame === ': keepalive') frame = await next()
  t.equal(frame, undefined)
  t.equal((await send(callQuote)).status, 404)
})

t.test('the streams of a revoked session are ended, and their calls aborted', async t => {
  const { call, calls } = hang()
  const { app, url } = await build(t, { call })
  const { next, send } = await openSession(t, url)
  await send(callQuote)
  const { signal } = await calls
  t.equal(app.mcp.endStreams(({ session_id: id }) => id === 'session-2'), 0)
  t.equal(app.mcp.endStreams(({ session_id: id }) => id === 'session-1'), 1)
  t.equal(await next(), undefined)
  t.ok(await aborted(signal))
})

t.test('closing the app ends open streams', async t => {
  const { app, url } = await build(t)
  const { next } = await openSession(t, url)
  await app.close()
  t.equal(await next(), undefined)
})

t.test('a stream that nobody reads is dropped', async t => {
  const { app, url } = await build(t, {
    call: async (name, args, caller) => ({ ...await answerQuote(name, args, caller), text: 'x'.repeat(2 * 1024 * 1024) })
  })
  const socket = connectSocket(Number(url.port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\nAccept: text/event-stream\r\n\r\n`)
  const [chunk] = await once(socket, 'data')
  socket.pause()
  const endpoint = String(chunk).match(/data: (\S+)/)?.[1]
  const send = (body: unknown) => fetch(new URL(endpoint ?? '', url), {
    method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body)
  })
  await send(initialize('2025-11-25'))
  let status = 202
  for (let i = 0; i < 20 && status === 202; i++) status = (await send(callQuote)).status
  t.equal(status, 404)
  await app.close()
})
