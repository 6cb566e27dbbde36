import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import t, { type Test } from 'tap'
import { welcome } from '../../banner.ts'
import { takeQueryTokens } from '../../plugins/auth/query.ts'
import { build as buildApp, type World } from '../helper.ts'

type Raw = Parameters<typeof takeQueryTokens>[0]
const QUOTE = { name: 'get_quote', arguments: { symbols: ['AAPL'] } }

async function build (t: Test, env: Record<string, string> = {}) {
  const world = await buildApp(t, { LOG_LEVEL: 'trace', ...env })
  return { ...world, ...await world.connect() }
}
const ask = ({ app }: Pick<World, 'app'>, url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })

t.test('a token is taken out of the URL in every form that the router reads, and nothing else is', async t => {
  const cases: Record<string, string> = {
    '/a': '/a',
    '/a?b=1': '/a?b=1',
    '/a?tokens=1&x=token': '/a?tokens=1&x=token',
    '/token?a=%20': '/token?a=%20',
    '/a?token=x': '/a',
    '/a?token': '/a',
    '/a?b=1&token=x&c=%2B': '/a?b=1&c=%2B',
    '/a?token=x&token=y': '/a',
    '/a?t%6Fken=x&b=1': '/a?b=1',
    '/a#token=x': '/a',
    '/a?%zz=1&token=x': '/a?%zz=1',
    '/a?token=a=b': '/a'
  }
  for (const [url, expected] of Object.entries(cases)) {
    const raw = { url } as Raw
    t.equal(takeQueryTokens(raw), expected, url)
    t.equal(raw.originalUrl ?? expected, expected)
  }
})

t.test('by default a token in the URL is refused, with the header as the way, and is gone from what sees the URL', async t => {
  const world = await build(t)
  const { token, logs } = world
  const refused = await ask(world, `/api/whoami?token=${token}`)
  t.equal(refused.statusCode, 401)
  t.match(refused.json().detail, /Authorization: Bearer/)
  t.match(refused.headers['www-authenticate'], /^Bearer resource_metadata=".*", error="invalid_token"$/)
  t.equal((await ask(world, `/mcp?token=${token}`)).statusCode, 401)
  const unknown = await ask(world, `/nowhere?token=${token}`)
  t.equal(unknown.statusCode, 404)
  t.notMatch(unknown.body + refused.body + logs.join(''), token.slice(-49))
  t.notMatch(logs.join(''), 'ALLOW_QUERY_TOKENS')
})

t.test('ALLOW_QUERY_TOKENS takes a session\'s token from the URL, warns, and marks the answer as private', async t => {
  const world = await build(t, { ALLOW_QUERY_TOKENS: 'true' })
  const { app, config, token, logs, sessionId } = world
  t.match(logs.join(''), /"level":40,.*ALLOW_QUERY_TOKENS is on/)
  t.match(await welcome(app, config, '3000'), /Warning: ALLOW_QUERY_TOKENS is on/)
  const answer = await ask(world, `/api/whoami?token=${token}`)
  t.match([answer.statusCode, answer.json()], [200, { session_id: sessionId }])
  t.match(answer.headers, { 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' })
  t.equal((await ask(world, `/api/tools/get_quote?symbols=AAPL&token=${token}`)).statusCode, 200)
  t.notMatch(logs.join(''), token.slice(-49))

  for (const bad of ['x', '', `${token}x`]) t.equal((await ask(world, `/api/whoami?token=${bad}`)).statusCode, 401)
  const bearer = { authorization: `Bearer ${token}` }
  t.equal((await ask(world, '/api/whoami', bearer)).statusCode, 200)
  t.match((await ask(world, `/api/whoami?token=${token}`, bearer)).json(), { code: 'FMS_INVALID_INPUT', detail: /header alone/ })
  t.equal((await ask(world, `/api/whoami?token=${token}&token=${token}`)).statusCode, 400)
})

t.test('no admin route takes a token from the URL', async t => {
  const world = await build(t, { ALLOW_QUERY_TOKENS: 'true' })
  const { token: admin } = await world.app.admin.createToken({ name: 'test' }, { actor: 'test' })
  t.equal((await ask(world, '/api/connections', { authorization: `Bearer ${admin}` })).statusCode, 200)
  for (const headers of [{}, { authorization: `Bearer ${admin}` }]) {
    const refused = await ask(world, `/api/connections?token=${admin}`, headers)
    t.equal(refused.statusCode, 401)
    t.match(refused.json().detail, /Authorization: Bearer/)
  }
  t.equal((await ask(world, `/api/whoami?token=${admin}`)).statusCode, 401)
})

t.test('clients that know nothing but a URL come in, by both transports', async t => {
  const { app, token } = await build(t, { ALLOW_QUERY_TOKENS: 'true' })
  t.teardown(() => {
    const sweep = setInterval(() => app.server.closeAllConnections(), 50)
    app.server.once('close', () => clearInterval(sweep))
  })
  const url = new URL(`/mcp?token=${token}`, await app.listen({ host: '127.0.0.1', port: 0 }))
  for (const transport of [new StreamableHTTPClientTransport(url), new SSEClientTransport(url)]) {
    const client = new Client({ name: 'url-only', version: '1' })
    await client.connect(transport as SSEClientTransport)
    t.match(await client.callTool(QUOTE), { structuredContent: { data: { quotes: [{ symbol: 'AAPL' }] } } })
    await client.close()
  }
})
