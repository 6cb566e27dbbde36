import { fork } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { problem } from '../../errors.ts'
import { createBodyStore } from '../../providers/body.ts'
import { belowBase, createHttp, type HttpOptions, type Observer } from '../../providers/http.ts'
import { createResilience } from '../../providers/resilience.ts'
import { fmp } from '../../providers/fmp/index.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'

const KEY = 'test-canary-key'

/** An FMP that answers as `listener` does, and a client of it. */
async function upstream (t: Test, listener: RequestListener, options: Partial<HttpOptions> = {}, key = KEY) {
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
  const get = (signal = new AbortController().signal, observer?: Observer) => http.send(
    { path: '/quote', query: { symbol: 'AAPL', none: undefined } },
    { provider: fmp, credential: { api_key: key }, settings: DEFAULT_SETTINGS, signal, ...(observer && { observer }) })
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

test('an answer that repeats the key, in data or in what it calls itself, comes without it', async t => {
  const key = 'test-canary/"key\\'
  const { get } = await upstream(t, (_, response) => {
    const url = `/quote?apikey=${encodeURIComponent(key)}`
    response.end(JSON.stringify([{ name: `for ${key}`, [key]: 1, url, text: JSON.stringify({ key }) }]))
  }, {}, key)
  t.same(await get(), [{ name: 'for [key]', '[key]': 1, url: '/quote?apikey=[key]', text: '{"key":"[key]"}' }])

  const failing = await upstream(t, (_, response) => {
    response.writeHead(401).end(JSON.stringify({ message: `bad ${key} ${encodeURIComponent(key)} ${JSON.stringify(key)}` }))
  }, {}, key)
  await t.rejects(failing.get(), { message: /It said: "bad \[key\] \[key\] "\[key\]""/ })
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

test('a body that says that it is too large, or is no gzip, is refused and not asked for again', async t => {
  const large = await upstream(t, (_, response) => { response.writeHead(200, { 'content-length': 2_000_000 }).write('[') }, { maxBytes: 1_000_000 })
  await t.rejects(large.get(), { code: 'FMS_PROVIDER_MALFORMED', message: /more data than is accepted/ })
  const broken = await upstream(t, (_, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end('[1]') })
  await t.rejects(broken.get(), { code: 'FMS_PROVIDER_MALFORMED', message: /cannot be decompressed/ })
  t.same([large.count(), broken.count()], [1, 1])
})

test('a connection is used again after a whole answer, a decompressed one too', async t => {
  const sockets = new Set<unknown>()
  const { get, count } = await upstream(t, (request, response) => {
    sockets.add(request.socket)
    response.writeHead(count() > 4 ? 404 : 200, { 'content-encoding': 'gzip' }).end(gzipSync('[1]'))
  })
  for (let i = 0; i < 4; i++) await get()
  for (let i = 0; i < 4; i++) await t.rejects(get())
  t.equal(sockets.size, 1)
})

test('of a refusal the beginning is read, whatever follows', async t => {
  const { get } = await upstream(t, (_, response) => { response.writeHead(402).end('Premium plan ' + 'x'.repeat(1_000_000)) }, { maxBytes: 100_000 })
  await t.rejects(get(), { code: 'FMS_PROVIDER_NOT_ENTITLED' })
})

test('a body in many pieces is the text that was sent, whatever its characters', async t => {
  const body = { text: 'Zürich 東京 🏦'.repeat(20_000) }
  const { get } = await upstream(t, (_, response) => { response.end(JSON.stringify(body)) })
  t.same(await get(), body)
  t.same(await get(), body, 'with slabs that were used before')
})

test('bodies that find no room wait, and one of them always comes to its end', async t => {
  const store = createBodyStore(192 * 1024, 128 * 1024)
  const { signal } = new AbortController()
  const chunk = Buffer.alloc(32 * 1024)
  const bodies = [store.open(), store.open(), store.open()]
  let ended = 0
  await Promise.all(bodies.map(async body => {
    for (let i = 0; i < 4; i++) await body.push(chunk, signal)
    t.ok(store.used() <= 192 * 1024)
    t.equal(body.text().length, 128 * 1024)
    body.close()
    ended++
  }))
  t.equal(ended, 3)
  t.equal(store.used(), 0)

  const [first, second] = [store.open(), store.open()]
  for (let i = 0; i < 3; i++) await first.push(chunk, signal)
  for (let i = 0; i < 2; i++) await second.push(chunk, signal)
  const abort = new AbortController()
  const waiting = second.push(chunk, abort.signal)
  abort.abort()
  await t.rejects(waiting, /no room/)
})

test('each attempt is admitted first; a retry that is not leaves the failure as it was', async t => {
  let admitted = 0
  const refusal = problem('PROVIDER_QUOTA', 'no quota left')
  const observer: Observer = {
    sent: async () => { if (++admitted > 1) throw refusal },
    answered: () => {},
    refused: () => {}
  }
  const dead = await upstream(t, (_, response) => { response.writeHead(500).end('{}') })
  await t.rejects(dead.get(undefined, observer), { code: 'FMS_PROVIDER_UNAVAILABLE' })
  await t.rejects(dead.get(undefined, observer), refusal)
  t.equal(dead.count(), 1)
})

test('a storm of 500s opens the breaker, which closes once the provider is well; 429s never open it', async t => {
  let status = 500
  const outcomes: string[] = []
  const { get, count } = await upstream(t, (_, response) => { response.writeHead(status).end('[]') }, {
    resilience: createResilience({ openMs: 1000 }),
    onOutcome: (_, outcome) => outcomes.push(outcome)
  })
  for (let i = 0; i < 3; i++) await t.rejects(get(), { message: /status 500/ })
  t.equal(count(), 5, 'the sixth attempt is a retry that finds it open')
  await t.rejects(get(), { code: 'FMS_PROVIDER_UNAVAILABLE', message: /failed repeatedly/ })
  t.equal(outcomes.at(-1), 'unavailable_unsent')
  status = 200
  await sleep(1100)
  t.same(await get(), [])
  status = 429
  for (let i = 0; i < 30; i++) await t.rejects(get(), { code: 'FMS_PROVIDER_QUOTA' })
  status = 200
  t.same(await get(), [])
  t.equal(outcomes.at(-1), 'ok')
})

test('a time-out is not tried again, and five of them open the breaker', async t => {
  const { get, count } = await upstream(t, () => {}, { deadlineMs: 50 })
  for (let i = 0; i < 5; i++) await t.rejects(get(), { code: 'FMS_PROVIDER_TIMEOUT' })
  await t.rejects(get(), { code: 'FMS_PROVIDER_UNAVAILABLE' })
  t.equal(count(), 5)
})

test('fifty requests to a provider that misbehaves cost no more than 64 MB', { timeout: 120_000 }, async t => {
  const child = fork(join(import.meta.dirname, '../upstream/misbehaving.js'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  t.teardown(() => child.kill())
  const [port] = await once(child.stdout!, 'data')
  const http = createHttp({ urls: { fmp: `http://127.0.0.1:${Number(String(port))}` }, deadlineMs: 2000 })
  t.teardown(() => http.close())
  /** By a key of its own for each fault, so that no breaker ends the misery. */
  const { signal } = new AbortController()
  const send = (fault: string, key: string) => http.send(
    { path: `/${fault}` },
    { provider: fmp, credential: { api_key: KEY }, key, settings: DEFAULT_SETTINGS, signal }
  ).then(() => 'ok', ({ code }: { code: string }) => code)
  const fifty = (fault: string) => Promise.all(Array.from({ length: 50 }, (_, i) => send(fault, `${fault} ${i}`)))
  for (let i = 0; i < 10; i++) await fifty('fine')

  const expected = {
    huge: /MALFORMED|TIMEOUT/, bomb: /MALFORMED|TIMEOUT/, drip: /TIMEOUT/, hang: /TIMEOUT/, reset: /UNAVAILABLE/, half: /UNAVAILABLE/, storm: /UNAVAILABLE/, limit: /QUOTA/, html: /MALFORMED/
  }
  for (const [fault, codes] of Object.entries(expected)) {
    const before = process.memoryUsage.rss()
    let most = before
    const timer = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()) }, 5)
    const startedAt = Date.now()
    for (const code of await fifty(fault)) t.match(code, codes, fault)
    clearInterval(timer)
    const grown = Math.round((most - before) / 1024 / 1024)
    t.comment(`${fault}: +${grown} MB, ${Date.now() - startedAt} ms`)
    t.ok(grown <= 64, `${fault}: ${grown} MB`)
    t.ok(Date.now() - startedAt < 10_000, 'ended by the deadline')
  }
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
