import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { createRelay, type Relayed } from '../../plugins/mcp/relay.ts'
import { createDatabase } from '../database.ts'
import { startDatabaseProxy } from '../faults/proxy.ts'
import { build } from '../helper.ts'
import { buildSecurity, until } from './build-security.ts'

/** Two replicas, and a client's session at the first. */
async function buildTwo (t: Test) {
  const databaseUrl = await createDatabase(t)
  const { url: throughProxy, proxy } = await startDatabaseProxy(t, databaseUrl)
  const first = await build(t, { DATABASE_URL: databaseUrl })
  const second = await build(t, { DATABASE_URL: throughProxy })
  const { token } = await first.connect()
  const { token: otherToken } = await first.connect()
  const [home, away] = await Promise.all([first, second].map(async ({ app }) => {
    // fetch opens a connection in place of an aborted one, and a stop would wait for its first request.
    t.teardown(() => {
      const sweep = setInterval(() => app.server.closeAllConnections(), 50)
      app.server.once('close', () => clearInterval(sweep))
    })
    return new URL('/mcp', await app.listen({ host: '127.0.0.1', port: 0 }))
  })) as [URL, URL]
  const post = (path: string, body: string, as = token) => fetch(new URL(path, away), {
    method: 'POST', headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' }, body
  })
  return { first, second, proxy, token, otherToken, home, away, post }
}

async function openStream (t: Test, home: URL, token: string): Promise<string> {
  const controller = new AbortController()
  t.teardown(() => controller.abort())
  const response = await fetch(home, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' }, signal: controller.signal
  })
  const { value } = await response.body!.getReader().read()
  return /data: (\S+)/.exec(Buffer.from(value!).toString())?.[1] ?? ''
}

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

t.test('a client whose messages go to another replica than its stream is served', async t => {
  const { first, home, away, token } = await buildTwo(t)
  const headers = { authorization: `Bearer ${token}` }
  const posted: number[] = []
  const client = new Client({ name: 'relayed', version: '1' })
  await client.connect(new SSEClientTransport(home, {
    requestInit: { headers },
    fetch: async (url, init) => {
      if (init?.method !== 'POST') return fetch(url, init)
      const response = await fetch(new URL(new URL(url).search, new URL('/messages', away)), init)
      posted.push(response.status)
      return response
    }
  }))
  t.teardown(() => client.close())
  const { tools } = await client.listTools()
  t.same(tools.map(({ name }) => name), first.app.tools.list().map(({ name }) => name))
  const quote = await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } })
  t.match(quote, { structuredContent: { data: { quotes: [{ symbol: 'AAPL' }] } } })
  const large = await client.callTool({ name: 'get_quote', arguments: { symbols: [randomBytes(50_000).toString('hex')] } })
  t.match(large, { isError: true, content: [{ text: /FMS_INVALID_INPUT/ }] }, '100 KB arrived, and were judged')
  t.ok(posted.length >= 4)
  t.same(new Set(posted), new Set([202]))
})

t.test('a stream of another session, and one that nobody has, are not found', async t => {
  const { home, post, token, otherToken } = await buildTwo(t)
  const path = await openStream(t, home, token)
  t.equal((await post(path, PING)).status, 202)
  const foreign = await post(path, PING, otherToken)
  t.equal(foreign.status, 404)
  t.match(await foreign.json(), { error: { code: -32001, message: 'Session not found' } })
  t.equal((await post(path, PING, 'wrong')).status, 401)
  t.equal((await post(`/messages?sessionId=${randomBytes(18).toString('base64url')}`, PING)).status, 404)
  t.equal((await post('/messages?sessionId=x', PING)).status, 404)
  t.equal((await post(path, '[]')).status, 400)
  t.equal((await post(path, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x'.repeat(1024 * 1024) }))).status, 413)
})

t.test('while the others cannot be asked a message is put off', async t => {
  const { second, proxy, home, post, token } = await buildTwo(t)
  const path = await openStream(t, home, token)
  t.equal((await post(path, PING)).status, 202)
  await proxy.mode('down')
  await until(() => !second.app.bus.healthy())
  const refused = await post(path, PING)
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '1')
  await proxy.mode('pass')
  await until(() => second.app.bus.healthy())
  t.equal((await post(path, PING)).status, 202)
})

/** A relay at each of two replicas; the second has the stream `s` of the session `a`. */
async function buildRelays (t: Test, takes = true) {
  const { app: here, url } = await buildSecurity(t)
  const { app: there } = await buildSecurity(t, { url })
  const got: Relayed[] = []
  const send = createRelay(here.bus, { has: () => false, deliver: () => {}, answerMs: 3000 })
  createRelay(there.bus, {
    has: (stream, session) => takes && stream === 's' && session === 'a',
    deliver: relayed => { got.push(relayed) }
  })
  const message = (text: string) => ({ stream: 's', session_id: 'a', request_id: 'r', ip: '192.0.2.1', message: { text } })
  return { send, got, message, here, there }
}

t.test('messages of every size arrive whole', async t => {
  const { send, got, message } = await buildRelays(t)
  for (const size of [0, 1, 5_000, 5_600, 100_000, 780_000]) {
    const sent = message(randomBytes(size).toString('base64'))
    t.ok(await send(sent))
    t.same(got.pop(), sent)
  }
  const many = Array.from({ length: 20 }, () => message(randomBytes(9_000).toString('base64')))
  t.same(await Promise.all(many.map(send)), many.map(() => true))
  const texts = (all: Relayed[]) => new Set(all.map(({ message }) => JSON.stringify(message)))
  t.same(texts(got), texts(many))
})

t.test('what is not complete is bounded, and forgotten', async t => {
  const { send, got, message, here } = await buildRelays(t)
  for (let n = 0; n < 10; n += 1) {
    await here.bus.publish('sse:part', { id: `partial-${n}`, stream: 's', session_id: 'a', index: 0, count: 200, data: 'x' })
  }
  await here.bus.publish('sse:part', { id: 'too-long', stream: 's', session_id: 'a', index: 0, count: 201, data: 'x' })
  await here.bus.publish('sse:part', { id: 'no-begin', stream: 's', session_id: 'a', index: 1, count: 2, data: 'x' })
  await t.rejects(send(message('x')), { code: 'FMS_OVERLOADED', retry_after_seconds: 1 })
  await until(() => send(message('x')).then(() => true, () => false))
  await here.bus.publish('sse:part', { id: 'broken', stream: 's', session_id: 'a', index: 0, count: 1, data: 'bm90IGRlZmxhdGVk' })
  t.ok(await send(message('y')))
  t.equal(got.length, 2)
})

t.test('where nobody has the stream that is the answer', async t => {
  const { send, message, got } = await buildRelays(t, false)
  t.notOk(await send(message('x')))
  t.same(got, [])
})
