/** Whoever names another Host, or another site's Origin, gets nothing: over raw sockets, and from a browser's pages. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { figure } from '../figures.ts'
import { build } from '../helper.ts'
import { startBrowser } from './browser.ts'
import { createMadeUp } from './made-up.ts'
import { isRefused, sendRaw, toRequest } from './raw.ts'

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
const EVIL = 'evil.example'
const BY = { actor: 'test' }

/** The whole server on a port, with a session's token, an admin's, and what its checks of tokens saw. */
async function listen (t: Test, at = 0) {
  const { app } = await build(t)
  const { id } = await createMadeUp(app)
  const { access_token: token } = await app.sessions.create(id, {}, BY)
  const { token: admin } = await app.admin.createToken({ name: 'test' }, BY)
  const seen = { checks: 0 }
  const { verify } = app.sessions
  const { verifyToken } = app.admin
  app.sessions.verify = given => {
    seen.checks++
    return verify(given)
  }
  app.admin.verifyToken = given => {
    seen.checks++
    return verifyToken(given)
  }
  const answered: { url: string, status: number, origin: string }[] = []
  app.server.prependListener('request', (request, response) => response.once('close', () => {
    answered.push({ url: String(request.url), status: response.statusCode, origin: String(request.headers.origin) })
  }))
  await app.listen({ host: '127.0.0.1', port: at })
  const { port } = app.server.address() as AddressInfo
  return { app, port, token, admin, seen, answered }
}

/** Every route but the probes, once, as somebody who may come in would call it; and paths that are none. */
function toTargets ({ app, token, admin }: Awaited<ReturnType<typeof listen>>) {
  const paths = Object.entries(app.swagger().paths ?? {})
    .flatMap(([path, item]) => Object.keys(item ?? {}).map(method => ({ method: method.toUpperCase(), path: path.replaceAll(/\{[^}]*\}/g, 'x') })))
    .filter(({ path }) => !path.startsWith('/health') && !path.startsWith('/api/tools/'))
  const more = ['/', '/docs', '/docs/static/index.html', '/openapi.json', '/ui', '/admin/index.html', '/nowhere', '/api/tools/get_quote?symbols=AAPL', '/mcp/connect/x']
    .map(path => ({ method: 'GET', path }))
  const isAdmin = (path: string) => path.startsWith('/api/') && !/^\/api\/(tools|whoami|session\b)/.test(path)
  return [...paths, ...more].map(({ method, path }) => ({
    line: `${method} ${path}`,
    headers: {
      authorization: `Bearer ${isAdmin(path) ? admin : token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      connection: 'close'
    },
    body: ['GET', 'DELETE', 'HEAD'].includes(method) ? '' : path.startsWith('/m') ? PING : '{}'
  }))
}

const toWrongHosts = (port: number): string[] => [
  EVIL, `${EVIL}:${port}`, `localhost.${EVIL}`, `localhost.${EVIL}:${port}`, `127.0.0.1.${EVIL}`, `localhost@${EVIL}`, `${EVIL}@localhost`,
  `user:password@localhost:${port}`, `@localhost:${port}`, `localhost:${port}@${EVIL}`, 'null', 'undefined', '', '*', '.', ':', `:${port}`, `localhost:${port}:${port}`,
  'localhost:port', 'localhost:-1', `localhost, ${EVIL}`, `localhost ${EVIL}`, `localhost/${EVIL}`, `localhost\\${EVIL}`, `localhost#${EVIL}`, `localhost?${EVIL}`,
  `localhost;${EVIL}`, `localhost%00.${EVIL}`, `localhost%2e${EVIL}`, 'localhost.', `localhost.:${port}`, '127.0.0.1.', '127.1', '2130706433', '0x7f000001', '0177.0.0.1',
  '127.0.0.2', '0.0.0.0', '[::]', '[::ffff:127.0.0.1]', '[::1', '::1', '[0:0:0:0:0:0:0:1]', '[::1%25lo]', '169.254.169.254', '\xefocalhost', 'xn--localhost',
  `http://localhost:${port}`, `${EVIL}\tlocalhost`, '"localhost"'
]

const toWrongOrigins = (port: number): string[] => [
  'null', '', 'undefined', `http://${EVIL}`, `https://${EVIL}:${port}`, `http://localhost.${EVIL}:${port}`, `http://localhost:${port}.${EVIL}`, 'http://localhost',
  `http://localhost:${port + 1}`, `http://localhost:${port}/`, `http://localhost:${port}/path`, `http://localhost:${port}#`, `http://user@localhost:${port}`,
  `http://localhost:${port}, http://${EVIL}`, `http://${EVIL} http://localhost:${port}`, `http://127.0.0.1:${port}`, `http://[::1]:${port}`, `ftp://localhost:${port}`,
  `//localhost:${port}`, `localhost:${port}`, 'file://', 'chrome-extension://abcdefghijklmnop', `http://localhost.:${port}`, `http://localhost%00:${port}`, `javascript://localhost:${port}`
]

t.test('requests with a wrong Host or Origin', { timeout: 300_000 }, async t => {
  const server = await listen(t)
  const { port, seen } = server
  const right = `localhost:${port}`
  const targets = toTargets(server)
  t.ok(targets.length > 30, 'it finds the routes')
  const own = { Host: right }
  const forms: [name: string, lines: (line: string) => [line: string, headers: string][]][] = [
    ['a Host that is not its own', line => toWrongHosts(port).map(host => [line, `Host: ${host}\r\n`])],
    ['no Host, or two', line => [
      [line, ''], [line.replace('HTTP/1.1', 'HTTP/1.0'), ''],
      [line, `Host: ${right}\r\nHost: ${right}\r\n`], [line, `Host: ${right}\r\nHost: ${EVIL}\r\n`], [line, `Host: ${EVIL}\r\nHost: ${right}\r\n`]
    ]],
    ['another Host in front of the path', line => [`http://${EVIL}`, `http://${right}`, `//${EVIL}`, 'http:/', `https://user@${right}`]
      .map(prefix => [line.replace(' /', ` ${prefix}/`), `Host: ${right}\r\n`])],
    ['its own Host in a header for proxies', line => ['X-Forwarded-Host', 'X-Host', 'X-Original-Host', 'X-HTTP-Host-Override', 'X-Forwarded-Server']
      .map((name): [string, string] => [line, `Host: ${EVIL}\r\n${name}: ${right}\r\n`])
      .concat([[line, `Host: ${EVIL}\r\nForwarded: host=${right}\r\n`]])],
    ['an Origin that is not its own', line => toWrongOrigins(port).map(origin => [line, `Host: ${right}\r\nOrigin: ${origin}\r\n`])],
    ['two Origins', line => [
      [line, `Host: ${right}\r\nOrigin: http://${right}\r\nOrigin: http://${right}\r\n`],
      [line, `Host: ${right}\r\nOrigin: http://${right}\r\nOrigin: http://${EVIL}\r\n`]
    ]],
    ['an Origin that is a proxy\'s word', line => [[line, `Host: ${right}\r\nX-Forwarded-Host: ${EVIL}\r\nOrigin: http://${EVIL}\r\n`]]]
  ]
  for (const [name, linesOf] of forms) {
    let sent = 0
    let wrong = 0
    for (const { line, headers, body } of targets) {
      await Promise.all(linesOf(`${line} HTTP/1.1`).map(async ([head, given]) => {
        const rest = toRequest('', headers, body).split('\r\n').slice(1).join('\r\n')
        const answered = await sendRaw(port, [`${head}\r\n${given}${rest}`])
        sent++
        // 404: a path that two slashes lead to is none.
        if (isRefused(answered) && answered.statuses.every(status => [400, 403, 404].includes(status))) return
        wrong++
        t.comment(`${head} ${JSON.stringify(given)}: ${answered.statuses.join(' ')} ${answered.text.slice(-200)}`)
      }))
    }
    figure(t, { what: `${name}: requests of ${sent} that were not refused`, value: wrong, most: 0 })
  }
  figure(t, { what: 'wrong Host or Origin: tokens that were looked at', value: seen.checks, most: 0 })

  const taken = await Promise.all(['LOCALHOST', 'localhost', '127.0.0.1', '[::1]'].map(async name => {
    const headers = { ...own, Host: `${name}:${port}`, authorization: `Bearer ${server.token}`, connection: 'close' }
    const { statuses } = await sendRaw(port, [toRequest('GET /api/whoami', { ...headers, Origin: `http://${name}:${port}`, 'X-Forwarded-Host': EVIL })])
    return statuses
  }))
  t.same(taken, [[200], [200], [200], [200]], 'its own names are taken')
})

/** Runs evil-page.js in the page; answers what it could read. */
async function attack (page: Page, bases: string[], token: string): Promise<{ readable: string[], sent: number }> {
  await page.addScriptTag({ path: join(import.meta.dirname, 'evil-page.js') })
  return page.evaluate(`attack(${JSON.stringify({ bases, token, ping: PING })})`)
}

/** Serves an empty page at a port; `end` gives the port free. */
async function serveSite (t: Test): Promise<{ port: number, end: () => Promise<void> }> {
  const site = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body>'))
  const end = () => new Promise<void>(resolve => {
    site.close(() => resolve())
    site.closeAllConnections()
  })
  t.teardown(end)
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  return { port: (site.address() as AddressInfo).port, end }
}

t.test('pages of another site in a real browser', { timeout: 300_000 }, async t => {
  const browser = await startBrowser(t, EVIL)
  if (!browser) return

  await t.test('a page at another port', async t => {
    const site = await serveSite(t)
    const { port, token, answered } = await listen(t)
    const page = await browser.newPage()
    await page.goto(`http://${EVIL}:${site.port}/`)
    const bases = [`http://${EVIL}:${port}`, `http://127.0.0.1:${port}`, `http://localhost:${port}`]
    const { readable, sent } = await attack(page, bases, token)
    const passed = answered.filter(({ origin, status }) => origin !== 'undefined' && status !== 403)
    for (const line of readable.slice(0, 20)) t.comment(line)
    for (const { url, status, origin } of passed.slice(0, 20)) t.comment(`${url} ${status} ${origin}`)
    t.ok(answered.length > 100, 'its requests arrived')
    figure(t, { what: `another site's page: answers of ${sent} that it could read`, value: readable.length, most: 0 })
    figure(t, { what: 'another site\'s page: requests with its Origin that were not 403', value: passed.length, most: 0 })
    await page.close()
  })

  await t.test('a page whose name leads to this server once it is loaded', async t => {
    const site = await serveSite(t)
    const page = await browser.newPage()
    await page.goto(`http://${EVIL}:${site.port}/`)
    // For the browser it is the same origin: nothing but the server's own check is in its way.
    await site.end()
    const { token, answered } = await listen(t, site.port)
    const { readable, sent } = await attack(page, [`http://${EVIL}:${site.port}`], token)
    const passed = answered.filter(({ status }) => status !== 403)
    for (const line of readable.slice(0, 20)) t.comment(line)
    t.ok(answered.length > 50, 'its requests arrived')
    figure(t, { what: `DNS rebinding: answers of ${sent} that the page could read`, value: readable.length, most: 0 })
    figure(t, { what: 'DNS rebinding: requests that were not 403', value: passed.length, most: 0 })
    await page.close()
  })
})
