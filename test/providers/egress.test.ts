import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import type { EgressOptions } from '../../providers/egress.ts'
import { createHttp, type HttpOptions } from '../../providers/http.ts'
import { polygon } from '../../providers/polygon/index.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'
import { makeCertificate, startHttps } from '../certificates.ts'

const KEY = 'test-canary-key'
const certificate = await makeCertificate('market.test', '127.0.0.2')
const LOCAL = { privateRanges: ['127.0.0.2/32'], ca: certificate.cert }
const at = (...addresses: string[]): LookupAddress[] =>
  addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))

/** A client whose connection has this endpoint, and all that it was told. */
function client (t: Test, endpoint: string, egress: Partial<EgressOptions>, options: Partial<HttpOptions> = {}) {
  const refusals: { host: string, address: string }[] = []
  const onRefused: HttpOptions['onRefused'] = (_, { host, address }) => refusals.push({ host, address })
  const http = createHttp({ urls: {}, deadlineMs: 3000, egress, onRefused, ...options })
  // The timers of the client keep no process alive.
  const timer = setTimeout(() => {}, 60_000)
  t.teardown(() => {
    clearTimeout(timer)
    return http.close()
  })
  const settings = { ...DEFAULT_SETTINGS, endpoints: { polygon: endpoint } }
  const get = (signal = new AbortController().signal) =>
    http.send({ path: '/v1/x', query: { a: 1 } }, { provider: polygon, credential: { api_key: KEY }, settings, signal })
  return { get, refusals }
}

/** A provider over plain http, as an operator may name it. */
async function startPlain (t: Test): Promise<string> {
  const server = createServer((_, response) => { response.end('[]') })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answer: RequestListener = (request, response) => {
  const { url, headers: { host, authorization } } = request
  response.end(JSON.stringify({ url, host, hasKey: authorization === `Bearer ${KEY}` }))
}

test('an endpoint in an allowed range is asked over TLS by its own name, and its path stands before ours', async t => {
  const { port, names } = await startHttps(t, certificate, '127.0.0.2', answer)
  const { get } = client(t, `https://market.test:${port}/polygon/`, { ...LOCAL, resolve: async () => at('127.0.0.2') })
  t.same(await get(), { url: '/polygon/v1/x?a=1', host: `market.test:${port}`, hasKey: true })
  t.same(names, ['market.test'])
  const literal = client(t, `https://127.0.0.2:${port}`, LOCAL)
  t.match(await literal.get(), { host: `127.0.0.2:${port}` })
})

test('it stands before the environment\'s, which is trusted; the same URL as there is trusted too', async t => {
  const { port } = await startHttps(t, certificate, '127.0.0.2', answer)
  const url = `https://market.test:${port}`
  const { get } = client(t, url, { ...LOCAL, resolve: async () => at('127.0.0.2') }, { urls: { polygon: 'https://127.0.0.1:1' } })
  t.match(await get(), { host: `market.test:${port}` })
  const trusted = await startPlain(t)
  t.same(await client(t, trusted, {}, { urls: { polygon: trusted } }).get(), [])
})

test('a name is refused for any of its addresses; the caller does not learn which, the operator does', async t => {
  const { get, refusals } = client(t, 'https://mixed.test', { resolve: async () => at('93.184.216.34', '10.9.8.7') })
  const error = await get().then(() => t.fail('sent'), error => error)
  t.match(error, { code: 'FMS_PROVIDER_UNAVAILABLE', message: /address that is not allowed.*ENDPOINT_PRIVATE_RANGES/ })
  t.notMatch(error.message, /10\.9|mixed\.test/)
  t.same(refusals, [{ host: 'mixed.test', address: '10.9.8.7' }], 'once: a refusal is not tried again')
})

test('a name is resolved once for each connection, and only what was checked is connected to', async t => {
  const answers = [at('127.0.0.2'), at('127.0.0.1')]
  let asked = 0
  const { port, server } = await startHttps(t, certificate, '127.0.0.2', (_, response) => response.setHeader('connection', 'close').end('[]'))
  const resolve = async () => answers[asked++] ?? at('127.0.0.1')
  const { get } = client(t, `https://market.test:${port}`, { ...LOCAL, resolve })
  let connections = 0
  server.on('connection', () => connections++)
  t.same(await get(), [])
  t.same([asked, connections], [1, 1])
  await t.rejects(get(), /address that is not allowed/, 'the name has changed its mind')
  t.same([asked, connections], [2, 1])
})

test('many who need the same name at once ask for it once', async t => {
  let asked = 0
  const { get } = client(t, 'https://slow.test', {
    resolve: () => { asked++; return new Promise(resolve => setTimeout(resolve, 50, at('127.0.0.1'))) }
  })
  await Promise.all(Array.from({ length: 10 }, () => t.rejects(get(), /address that is not allowed/)))
  t.equal(asked, 1)
})

test('a resolver that fails, knows nothing or hangs is an error of the table', async t => {
  const unknown = Object.assign(new Error('ENOTFOUND none.test'), { code: 'ENOTFOUND' })
  const fails = client(t, 'https://none.test', { resolve: () => Promise.reject(unknown) })
  await t.rejects(fails.get(), { code: 'FMS_PROVIDER_UNAVAILABLE', message: /could not be reached/ })
  await t.rejects(client(t, 'https://empty.test', { resolve: async () => [] }).get(), { code: 'FMS_PROVIDER_UNAVAILABLE' })
  const hangs = client(t, 'https://hang.test', { resolve: () => new Promise(() => {}) }, { deadlineMs: 200 })
  await t.rejects(hangs.get(), { code: 'FMS_PROVIDER_TIMEOUT' })
})

test('a redirect is not followed, and told as what it is', async t => {
  const { port } = await startHttps(t, certificate, '127.0.0.2', (_, response) => response.writeHead(307, { location: 'https://169.254.169.254/' }).end())
  const { get } = client(t, `https://127.0.0.2:${port}`, LOCAL)
  await t.rejects(get(), { code: 'FMS_PROVIDER_MALFORMED', message: /redirect \(307\), which is not followed/ })
})

test('a certificate that is for another name, or that nobody vouches for, is refused', async t => {
  const { port, server } = await startHttps(t, certificate, '127.0.0.2', answer)
  let asked = 0
  server.on('request', () => asked++)
  const other = client(t, `https://other.test:${port}`, { ...LOCAL, resolve: async () => at('127.0.0.2') })
  for (let i = 0; i < 2; i++) await t.rejects(other.get(), { code: 'FMS_PROVIDER_UNAVAILABLE', message: /certificate is not trusted, or not for this name/ })
  const untrusted = client(t, `https://127.0.0.2:${port}`, { privateRanges: LOCAL.privateRanges })
  await t.rejects(untrusted.get(), { message: /NODE_EXTRA_CA_CERTS/ })
  t.equal(asked, 0, 'no key was sent')
})

test('plain http is refused even where it found its way into the settings', async t => {
  const { get } = client(t, 'http://127.0.0.2:1', LOCAL)
  await t.rejects(get(), { code: 'FMS_PROVIDER_UNAVAILABLE' })
})

test('requests that hang at an endpoint take no places from the provider', async t => {
  const { port } = await startHttps(t, certificate, '127.0.0.2', () => {})
  const http = createHttp({ urls: { polygon: await startPlain(t) }, deadlineMs: 3000, egress: LOCAL })
  t.teardown(() => http.close())
  const abort = new AbortController()
  const send = (endpoints: object, signal: AbortSignal) => http.send({ path: '/' }, {
    provider: polygon, credential: { api_key: KEY }, settings: { ...DEFAULT_SETTINGS, endpoints }, signal
  })
  const hanging = Array.from({ length: 200 }, () => send({ polygon: `https://127.0.0.2:${port}` }, abort.signal).catch(error => error))
  t.same(await send({}, new AbortController().signal), [])
  abort.abort(new Error('enough'))
  await Promise.all(hanging)
})
