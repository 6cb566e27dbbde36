import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { assertConnection } from '../../plugins/connections/input.ts'
import type { EgressOptions } from '../../providers/egress.ts'
import { createHttp } from '../../providers/http.ts'
import { polygon } from '../../providers/polygon/index.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'
import { makeCertificate, startHttps } from '../certificates.ts'
import { figure } from '../figures.ts'
import { createFolder } from '../fixtures/embedded.ts'
import { ask, buildOnce, createAdminToken, startServer } from '../server/process.ts'
import { answerPolygon } from '../upstream/answers.ts'
import { NAMES, urlForms } from './url-forms.ts'

const certificate = await makeCertificate('market.test', '127.0.0.2')
/** A loopback address of its own stands for a server that may be asked. */
const ALLOWED = '127.0.0.2'
const LOCAL = { privateRanges: [`${ALLOWED}/32`], ca: certificate.cert }

const toAddresses = (addresses: string[]): LookupAddress[] =>
  addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))

/** What no endpoint may reach, on 127.0.0.1 and ::1 at one port; counts who comes. */
async function startSentinel (t: Test) {
  let count = 0
  const servers: Server[] = []
  const listen = async (address: string, port: number) => {
    const server = createServer(socket => {
      count++
      socket.on('error', () => {}).destroy()
    })
    server.listen({ host: address, port, ipv6Only: address.includes(':') })
    await once(server, 'listening')
    servers.push(server)
    return (server.address() as AddressInfo).port
  }
  const port = await listen('127.0.0.1', 0)
  await listen('::1', port).catch(() => t.comment('there is no ::1 here'))
  t.teardown(() => servers.forEach(server => server.close()))
  return { port, count: () => count, reset: () => { count = 0 } }
}

interface Client {
  /** Sends one request to an endpoint, whether or not it could be stored. */
  send: (endpoint: string) => Promise<unknown>
  /** Endpoints that were refused for their address. */
  refusals: () => number
}

/** @param trusted the URL that the environment names */
function createClient (t: Test, egress: Partial<EgressOptions>, trusted?: string): Client {
  let refusals = 0
  const http = createHttp({ urls: { polygon: trusted }, deadlineMs: 5000, egress, onRefused: () => refusals++ })
  // The timers of the client keep no process alive.
  const timer = setTimeout(() => {}, 600_000)
  t.teardown(() => {
    clearTimeout(timer)
    return http.close()
  })
  const upstream = { provider: polygon, credential: { api_key: 'test-key' }, signal: new AbortController().signal }
  let sent = 0
  const send = (endpoint: string) => {
    const settings = { ...DEFAULT_SETTINGS, endpoints: { polygon: endpoint } }
    // A key of its own, so that no breaker stands in for the guard.
    return http.send({ path: '/v1/marketstatus/now' }, { ...upstream, key: String(sent++), settings })
  }
  return { send, refusals: () => refusals }
}

function isStored (endpoint: string): boolean {
  try {
    assertConnection({ name: 'test', settings: { ...DEFAULT_SETTINGS, endpoints: { polygon: endpoint } } })
    return true
  } catch {
    return false
  }
}

test('no form of a URL reaches what is not public', async t => {
  const sentinel = await startSentinel(t)
  const resolve = async (name: string) => {
    if (NAMES[name]) return toAddresses(NAMES[name])
    throw Object.assign(new Error(`ENOTFOUND ${name}`), { code: 'ENOTFOUND' })
  }
  const client = createClient(t, { resolve })
  const url = `https://127.0.0.1:${sentinel.port}`
  await t.rejects(createClient(t, {}, url).send(url), 'a URL of the environment gets there')
  t.ok(sentinel.count() > 0, 'the sentinel sees who comes')
  sentinel.reset()

  const own = Object.values(networkInterfaces()).flatMap(rows =>
    (rows ?? []).map(({ address, family }) => family === 'IPv6' ? `[${address}]` : address))
  const forms = [...urlForms(sentinel.port), ...own.map(address => `https://${address}:${sentinel.port}`)]
  const open: string[] = []
  let asked = 0
  for (const form of forms) {
    const before = client.refusals()
    await t.rejects(client.send(form), form)
    if (!isStored(form)) continue
    asked++
    if (client.refusals() === before) open.push(form)
  }
  t.comment(`${forms.length} forms, ${forms.length - asked} of them cannot be stored`)
  t.ok(forms.length >= 60)
  t.same(open, [], 'refused for their address, and not by luck')
  figure(t, { what: `SSRF: connections to a sentinel by ${forms.length} forms of URLs`, value: sentinel.count(), most: 0 })

  const system = createClient(t, {})
  for (const name of ['localhost', 'LOCALHOST']) await t.rejects(system.send(`https://${name}:${sentinel.port}`), /not allowed/)
  figure(t, { what: 'SSRF: connections by localhost of the system\'s resolver', value: sentinel.count(), most: 0 })
})

test('a name that changes its address between the check and the connection gains nothing', async t => {
  const sentinel = await startSentinel(t)
  const { server, port } = await startAllowed(t, sentinel.port)
  server.on('request', (_, response) => response.setHeader('connection', 'close').end('{}'))
  const hostile = [['127.0.0.1'], ['::1'], ['127.0.0.1', ALLOWED], [ALLOWED, '127.0.0.1'], ['::ffff:127.0.0.1']]
  let [asked, served, refused] = [0, 0, 0]
  const client = createClient(t, {
    ...LOCAL,
    // Good when it is asked first, hostile when it is asked again.
    resolve: async () => toAddresses(asked++ % 2 ? hostile[asked % hostile.length]! : [ALLOWED])
  })
  for (let i = 0; i < 40; i++) {
    await client.send(`https://market.test:${port}`).then(() => served++, error => {
      t.match(error.message, /not allowed/)
      refused++
    })
  }
  t.same([served, refused, asked], [20, 20, 40], 'one look at the name for each connection')
  figure(t, { what: 'SSRF: connections to a sentinel by DNS rebinding, 40 tries', value: sentinel.count(), most: 0 })
})

test('redirects lead nowhere', async t => {
  const sentinel = await startSentinel(t)
  const { server, port } = await startAllowed(t, sentinel.port)
  const targets = [
    `https://127.0.0.1:${port}/`, `https://[::1]:${port}/`, `http://127.0.0.1:${port}/`, `//127.0.0.1:${port}/`,
    'file:///etc/passwd', `https://${ALLOWED}:${port}/again`
  ]
  let [status, target, requests] = [302, '', 0]
  server.on('request', (_, response) => {
    requests++
    response.writeHead(status, { location: target, refresh: `0; url=${target}`, 'alt-svc': `h2="127.0.0.1:${port}"` }).end()
  })
  const client = createClient(t, LOCAL)
  let sent = 0
  for (status of [300, 301, 302, 303, 305, 307, 308]) {
    for (target of targets) {
      sent++
      await t.rejects(client.send(`https://${ALLOWED}:${port}`), { code: 'FMS_PROVIDER_MALFORMED', message: /is not followed/ })
    }
  }
  t.equal(requests, sent, 'nor to the same server again')
  figure(t, { what: `SSRF: connections to a sentinel by ${sent} redirects`, value: sentinel.count(), most: 0 })
})

test('an endpoint in an allowed range serves the real server, its neighbour does not', async t => {
  buildOnce()
  const sentinel = await startSentinel(t)
  const { server, port } = await startAllowed(t, sentinel.port)
  server.on('request', ({ url }, response) => {
    const { pathname, searchParams } = new URL(String(url), 'https://market.test')
    const answer = answerPolygon(pathname.replace('/polygon', ''), searchParams)
    // Where the next page is, by the word of the endpoint.
    const page = typeof answer === 'object' ? { ...answer, next_url: `https://127.0.0.1:${port}/next` } : answer
    response.setHeader('content-type', 'application/json').end(JSON.stringify(page))
  })
  const folder = await createFolder(t)
  await writeFile(join(folder, 'ca.pem'), certificate.cert)
  const replica = await startServer(t, folder, {
    ENDPOINT_PRIVATE_RANGES: LOCAL.privateRanges[0]!, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem')
  })
  const admin = await createAdminToken(t, folder)
  const call = (method: string, path: string, body: object) =>
    ask(replica, admin, path, method, body).then(reply => reply.body)
  const open = async (name: string, polygon: string) => {
    const settings = { provider_order: ['polygon'], endpoints: { polygon } }
    const { id } = await call('POST', '/api/connections', { name, settings })
    await call('PUT', `/api/connections/${id}/credentials/polygon`, { api_key: 'test-key' })
    const { access_token: token } = await call('POST', `/api/connections/${id}/session`, {})
    return ask(replica, token, '/api/tools/get_quote?symbols=AAPL')
  }
  const answered = await open('allowed', `https://${ALLOWED}:${port}/polygon`)
  t.match(answered, { status: 200, body: { meta: { provider: 'polygon' } } })
  const refused = await open('refused', `https://127.0.0.1:${port}/polygon`)
  t.match(refused, { status: 502, body: { code: 'FMS_PROVIDER_UNAVAILABLE', detail: /ENDPOINT_PRIVATE_RANGES/ } })
  t.notMatch(JSON.stringify(refused.body), '127.0.0.1')
  t.match(replica.logs().join('\n'), /"address":"127\.0\.0\.1"/, 'the operator reads which address it was')
  figure(t, { what: 'SSRF: connections to a sentinel by the real server', value: sentinel.count(), most: 0 })
})

/** At the sentinel's port, so that whoever strays to another address finds it there. */
async function startAllowed (t: Test, port: number) {
  return startHttps(t, certificate, ALLOWED, () => {}, port)
}
