import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { test, type Test } from 'tap'
import { belowBase, createHttp, type HttpOptions } from '../../providers/http.ts'
import { fmp } from '../../providers/fmp/index.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'

const KEY = 'test-canary-key'

/** An FMP that answers as `listener` does, and a client of it. */
async function upstream (t: Test, listener: RequestListener, options: Partial<HttpOptions> = {}) {
  let count = 0
  const server = createServer((request, response) => { count++; listener(request, response) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const http = createHttp({ urls: { fmp: url }, ...options })
  t.teardown(async () => {
    await http.close()
    server.closeAllConnections()
    server.close()
  })
  const get = (signal = new AbortController().signal) =>
    http.send({ path: '/quote', query: { symbol: 'AAPL', none: undefined } }, { provider: fmp, credential: { api_key: KEY }, settings: DEFAULT_SETTINGS, signal })
  return { get, count: () => count }
}

test('the key stands in the header, the query is encoded, gzip is read', async t => {
  let seen: { url?: string | undefined, key?: unknown } = {}
  const { get } = await upstream(t, (request, response) => {
    seen = { url: request.url, key: request.headers['apikey'] }
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync('[{"price":1}]'))
  })
  t.same(await get(), [{ price: 1 }])
  t.same(seen, { url: '/quote?symbol=AAPL', key: KEY })
})

test('each way to fail has its code, and no sentence repeats the key', async t => {
  const cases: [string, number, string, Record<string, string>, string][] = [
    ['a refused key', 401, `{"Error Message":"Invalid API KEY ${KEY}."}`, {}, 'FMS_PROVIDER_REJECTED_KEY'],
    ['a plan without it, in plain text', 402, 'Premium Query Parameter: \'x\'', {}, 'FMS_PROVIDER_NOT_ENTITLED'],
    ['a limit', 429, `{"Error Message":"Limit Reach . apikey=${KEY}"}`, { 'retry-after': '60' }, 'FMS_PROVIDER_QUOTA'],
    ['a limit with status 200', 200, '{"Error Message":"Limit Reach . Please upgrade"}', {}, 'FMS_PROVIDER_QUOTA'],
    ['HTML with status 200', 200, '<html>hello</html>', {}, 'FMS_PROVIDER_MALFORMED'],
    ['an empty body', 200, '', {}, 'FMS_PROVIDER_MALFORMED'],
    ['half of a JSON', 200, '[{"price":', {}, 'FMS_PROVIDER_MALFORMED'],
    ['a redirect', 302, '', { location: 'http://127.0.0.1:1/' }, 'FMS_PROVIDER_MALFORMED'],
    ['a bad gateway in HTML', 502, '<html>502</html>', {}, 'FMS_PROVIDER_UNAVAILABLE']
  ]
  for (const [name, status, body, headers, code] of cases) {
    const { get } = await upstream(t, (_, response) => { response.writeHead(status, headers).end(body) })
    const error = await get().then(() => t.fail(name), error => error)
    t.equal(error.code, code, name)
    t.equal(error.provider, 'fmp')
    t.notMatch(JSON.stringify({ ...error, message: error.message }), KEY)
  }
})

test('a 5xx and a broken connection are tried once more, a refusal is not', async t => {
  const flaky = await upstream(t, (_, response) => { response.writeHead(flaky.count() === 1 ? 500 : 200).end('[]') })
  t.same(await flaky.get(), [])
  t.equal(flaky.count(), 2)

  const broken = await upstream(t, (request, response) => { if (broken.count() === 1) request.socket.destroy(); else response.end('[]') })
  t.same(await broken.get(), [])

  const dead = await upstream(t, (_, response) => { response.writeHead(500).end('{}') })
  await t.rejects(dead.get(), { code: 'FMS_PROVIDER_UNAVAILABLE' })
  t.equal(dead.count(), 2)

  const refusing = await upstream(t, (_, response) => { response.writeHead(401).end('{}') })
  await t.rejects(refusing.get(), { code: 'FMS_PROVIDER_REJECTED_KEY' })
  t.equal(refusing.count(), 1)
})

test('a short Retry-After is waited for, a long one is told', async t => {
  const short = await upstream(t, (_, response) => { response.writeHead(short.count() === 1 ? 429 : 200, { 'retry-after': '0' }).end('[]') })
  t.same(await short.get(), [])
  const long = await upstream(t, (_, response) => { response.writeHead(429, { 'retry-after': '90' }).end('{}') })
  await t.rejects(long.get(), { code: 'FMS_PROVIDER_QUOTA', retry_after_seconds: 90 })
  t.equal(long.count(), 1)
})

test('a provider that hangs or drips is given up at the deadline', async t => {
  const hanging = await upstream(t, () => {}, { deadlineMs: 150 })
  await t.rejects(hanging.get(), { code: 'FMS_PROVIDER_TIMEOUT' })
  const dripping = await upstream(t, (_, response) => {
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  }, { deadlineMs: 150 })
  await t.rejects(dripping.get(), { code: 'FMS_PROVIDER_TIMEOUT' })
})

test('a body is capped after decompression; a small bomb does not get far', async t => {
  const bomb = gzipSync(Buffer.alloc(20_000_000, 0x20))
  t.ok(bomb.length < 30_000)
  const { get } = await upstream(t, (_, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb) }, { maxBytes: 1_000_000 })
  await t.rejects(get(), { code: 'FMS_PROVIDER_MALFORMED', message: /more data than is accepted/ })
})

test('a truncated answer is not taken for a whole one', async t => {
  const { get, count } = await upstream(t, (request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('[1]', () => request.socket.destroy())
  })
  await t.rejects(get(), { code: 'FMS_PROVIDER_UNAVAILABLE' })
  t.equal(count(), 2)
})

test('a caller that gives up ends the request upstream', async t => {
  const abort = new AbortController()
  let closed: Promise<unknown> = Promise.resolve()
  const { get } = await upstream(t, (_, response) => {
    closed = once(response, 'close')
    abort.abort(new Error('gone'))
  })
  await t.rejects(get(abort.signal), { message: 'gone' })
  await closed
})

test('a next_url is taken for its path alone', async t => {
  t.same(belowBase('https://evil.example:443/v2/aggs?cursor=a%2Fb&limit=2'), { path: '/v2/aggs', query: { cursor: 'a/b', limit: '2' } })
})
