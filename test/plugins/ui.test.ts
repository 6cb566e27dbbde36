import Fastify from 'fastify'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig } from '../../config.ts'
import errors from '../../plugins/errors.ts'
import network from '../../plugins/network/index.ts'
import ui from '../../plugins/ui.ts'

const PAGE = '<meta name="base" content=""><script src="/ui/assets/main-1a2b.js"></script>'

/** A server of nothing but the UI, whose build is as the test says. */
async function build (t: Test, { isBuilt = true, env = {} }: { isBuilt?: boolean, env?: Record<string, string> } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'fms-ui-'))
  t.teardown(() => rm(root, { recursive: true }))
  if (isBuilt) {
    await mkdir(join(root, 'assets'))
    await writeFile(join(root, 'index.html'), PAGE)
    await writeFile(join(root, 'assets', 'main-1a2b.js'), 'plain')
    await writeFile(join(root, 'assets', 'main-1a2b.js.br'), 'brotli')
  }
  const config = loadConfig({ MASTER_KEY: `k1:${Buffer.alloc(32).toString('base64')}`, ...env })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(errors)
  await app.register(network, { config })
  await app.register(ui, { config, root })
  return (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers: { host: 'localhost', ...headers } })
}

t.test('every path below /ui/ is the one page, which no cache keeps', async t => {
  const get = await build(t)
  for (const path of ['/ui/', '/ui/connections', '/ui/sessions/1?x=y']) {
    const { statusCode, body, headers } = await get(path)
    t.match({ statusCode, body }, { statusCode: 200, body: PAGE }, path)
    t.match(headers, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    t.match(headers['content-security-policy'], /default-src 'none';script-src 'self';style-src 'self';.*frame-ancestors 'none'/)
    t.notMatch(headers['content-security-policy'], 'unsafe')
  }
})

t.test('/ and /ui lead there', async t => {
  const get = await build(t)
  for (const path of ['/', '/ui']) t.match((await get(path)), { statusCode: 302, headers: { location: '/ui/', 'cache-control': 'no-store' } })
})

t.test('assets are kept for ever, and compressed for who takes it', async t => {
  const get = await build(t)
  const plain = await get('/ui/assets/main-1a2b.js')
  t.match(plain, { statusCode: 200, body: 'plain', headers: { 'cache-control': 'public, max-age=31536000, immutable' } })
  const compressed = await get('/ui/assets/main-1a2b.js', { 'accept-encoding': 'gzip, br' })
  t.match(compressed, { body: 'brotli', headers: { 'content-encoding': 'br', 'content-type': /javascript/ } })
})

t.test('what is none of the UI\'s paths, or no asset, stays a problem', async t => {
  const get = await build(t)
  for (const path of ['/api/none', '/uix', '/connections', '/ui/assets/none.js', '/ui/assets/..%2findex.html']) {
    const response = await get(path)
    t.match(response.json(), { status: 404, code: 'FMS_NOT_FOUND' }, path)
    t.match(response.headers['content-type'], 'application/problem+json')
  }
})

t.test('where the UI is not built it says what to do', async t => {
  const get = await build(t, { isBuilt: false })
  t.match(await get('/ui/'), { statusCode: 503, body: /npm run build/, headers: { 'cache-control': 'no-store' } })
  t.match(await get('/'), { statusCode: 302 })
})

t.test('below the path of PUBLIC_URL the page finds its assets and the API', async t => {
  const get = await build(t, { env: { PUBLIC_URL: 'https://example.com/market' } })
  t.equal((await get('/ui/')).body, '<meta name="base" content="/market"><script src="/market/ui/assets/main-1a2b.js"></script>')
  t.match(await get('/'), { headers: { location: '/market/ui/' } })
})
