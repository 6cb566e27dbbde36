import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { areGone, copyFolder, makeFolder, waitFor } from '../fixtures/embedded.ts'
import { ask, buildOnce, startServer } from './process.ts'

buildOnce()
const made = await makeFolder(t)

/** A provider that answers as `listener` does. */
async function startUpstream (t: Test, listener: RequestListener) {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    listener(request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { env: { FMP_URL: url, FMP_API_KEY: 'test-key' }, requests: () => requests }
}

const QUOTE = JSON.stringify([{ symbol: 'AAPL', price: 189.37, timestamp: 1_795_208_400 }])

/** An open HTTP+SSE stream; `ended` settles with it. */
async function openStream (url: string, token: string) {
  const response = await fetch(`${url}/mcp`, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } })
  const reader = response.body!.getReader()
  const { value } = await reader.read()
  const ended = (async () => {
    while (!(await reader.read()).done);
    return true
  })()
  return { first: new TextDecoder().decode(value), ended }
}

t.test('SIGTERM lets a call under way finish, ends the streams and leaves nothing', async t => {
  const dataDir = await copyFolder(t, made)
  const upstream = await startUpstream(t, async (_, response) => {
    await sleep(2000)
    response.end(QUOTE)
  })
  const server = await startServer(t, dataDir, upstream.env)
  const { first, ended } = await openStream(server.url, server.token)
  t.match(first, /^event: endpoint\ndata: \/messages\?sessionId=/)
  const call = ask(server, server.token, '/api/tools/get_quote?symbols=AAPL')
  t.ok(await waitFor(() => upstream.requests() === 1))
  const startedAt = performance.now()
  const stopped = server.stop()
  t.ok(await ended, 'the stream is ended')
  t.match(await call, { status: 200, body: { data: { quotes: [{ price: 189.37 }] } } })
  t.equal(await stopped, 0)
  t.ok(performance.now() - startedAt < 10_000)
  t.ok(await areGone(dataDir, 1000), 'Postgres has ended')
  const [last] = server.logs().filter(line => /"level":(50|60)/.test(line))
  t.notOk(last, 'nothing is logged as an error')
})

t.test('SIGTERM ends within ten seconds though a provider never answers', async t => {
  const dataDir = await copyFolder(t, made)
  const upstream = await startUpstream(t, () => {})
  const server = await startServer(t, dataDir, upstream.env)
  const call = ask(server, server.token, '/api/tools/get_quote?symbols=AAPL')
  t.ok(await waitFor(() => upstream.requests() === 1))
  const startedAt = performance.now()
  const stopped = server.stop()
  const { status, body } = await call
  t.ok([503, 504].includes(status), `the caller is told: ${status} ${body.code}`)
  t.equal(await stopped, 0)
  const ms = performance.now() - startedAt
  t.comment(`stopped after ${Math.round(ms)} ms`)
  t.ok(ms < 10_500, 'with the process\'s own end')
  t.ok(await areGone(dataDir, 1000), 'Postgres has ended')
})

t.test('SIGINT stops it too, and a second signal changes nothing for Postgres', async t => {
  const dataDir = await copyFolder(t, made)
  const server = await startServer(t, dataDir)
  process.kill(server.pid, 'SIGINT')
  t.equal(await server.exited, 0)
  t.ok(await areGone(dataDir, 1000))
})

t.test('SIGTERM with DRAIN_SECONDS: calls are answered while it is not ready, then it stops', async t => {
  const dataDir = await copyFolder(t, made)
  const server = await startServer(t, dataDir, { DRAIN_SECONDS: '3' })
  const startedAt = performance.now()
  const stopped = server.stop()
  t.ok(await waitFor(async () => (await fetch(`${server.url}/health/ready`)).status === 503), 'it is not ready')
  t.match(await ask(server, server.token, '/api/tools/get_quote?symbols=AAPL'), { status: 200 })
  t.equal(await stopped, 0)
  t.ok(performance.now() - startedAt >= 3000)
  t.ok(await areGone(dataDir, 1000), 'Postgres has ended')
})
