import { connect } from 'node:net'
import { once } from 'node:events'
import { test } from 'tap'
import { build } from '../helper.ts'

test('a foreign Host, a foreign Origin, a null one and a doubled one are refused before anything is read', async t => {
  const { app } = await build(t, { ALLOWED_HOSTS: 'market.lan', ALLOWED_ORIGINS: 'https://tool.example', PUBLIC_URL: 'https://m.example.com' })
  const ask = (headers: Record<string, string>) => app.inject({ url: '/api/tools', headers }).then(({ statusCode }) => statusCode)
  // 401 means that the request came as far as the authentication.
  for (const host of ['localhost', 'localhost:3000', '127.0.0.1:1', '[::1]:3000', 'market.lan:8080', 'm.example.com']) t.equal(await ask({ host }), 401, host)
  for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.5']) t.equal(await ask({ host }), 403, host)
  const own = { host: 'localhost:3000' }
  for (const origin of ['http://localhost:3000', 'https://tool.example', 'https://m.example.com']) t.equal(await ask({ ...own, origin }), 401, origin)
  for (const origin of ['http://evil.example', 'null', 'http://localhost:9999', 'http://localhost:3000.evil.example']) t.equal(await ask({ ...own, origin }), 403, origin)
})

test('a header sent twice is refused', async t => {
  const { app } = await build(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const send = async (extra: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /api/tools HTTP/1.1\r\nHost: localhost:${port}\r\n${extra}Connection: close\r\n\r\n`)
    let text = ''
    socket.setEncoding('utf8').on('data', chunk => { text += chunk })
    await once(socket, 'close')
    return text.slice(9, 12)
  }
  t.equal(await send(`Origin: http://localhost:${port}\r\nOrigin: http://localhost:${port}\r\n`), '403')
  t.match(await send('Host: evil.example\r\n'), /40[03]/)
  t.equal(await send(`Origin: http://localhost:${port}\r\n`), '401')
})

test('a URL that names a host beside the Host header is refused', async t => {
  const { app } = await build(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  for (const host of ['evil.example', `localhost:${port}`]) {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET http://${host}/api/tools HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`)
    let text = ''
    socket.setEncoding('utf8').on('data', chunk => { text += chunk })
    await once(socket, 'close')
    t.match(text, /^HTTP\/1.1 403 /, host)
  }
})

test('probes answer on any Host', async t => {
  const { app } = await build(t)
  t.equal((await app.inject({ url: '/health/live', headers: { host: '10.0.0.7:3000' } })).statusCode, 200)
  const ready = await app.inject({ url: '/health/ready', headers: { host: '10.0.0.7:3000' } })
  t.match([ready.statusCode, ready.json()], [200, { status: 'ok', dependencies: { database: 'ok' } }])
})

test('every answer carries the strict headers, and no cross-origin access is granted', async t => {
  const { app } = await build(t)
  const { headers } = await app.inject({ url: '/health/live', headers: { host: 'localhost', origin: 'http://localhost' } })
  t.equal(headers['content-security-policy'], "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';font-src 'self';frame-ancestors 'none';base-uri 'none';form-action 'self'")
  t.match(headers, { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
  t.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/)
  t.notOk(Object.keys(headers).some(name => name.startsWith('access-control-')))
  const preflight = await app.inject({ method: 'OPTIONS', url: '/api/tools', headers: { host: 'localhost', origin: 'http://localhost', 'access-control-request-method': 'GET' } })
  t.notOk(Object.keys(preflight.headers).some(name => name.startsWith('access-control-allow')))
})
