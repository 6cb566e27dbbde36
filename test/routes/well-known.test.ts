import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as StreamableV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import t from 'tap'
import { build } from '../helper.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const INFO = { name: 'test-client', version: '1' }

t.test('the metadata at a path is of the resource at that path, and names what there is and no more', async t => {
  const { app } = await build(t)
  for (const path of ['', '/mcp']) {
    const { statusCode, body } = await app.inject(`${WELL_KNOWN}${path}`)
    t.equal(statusCode, 200)
    t.same(JSON.parse(body), {
      resource: `http://localhost:80${path}`, resource_name: 'Financial MCP Server', bearer_methods_supported: ['header']
    })
  }
  t.equal((await app.inject('/.well-known/oauth-authorization-server')).statusCode, 404)
  t.equal((await app.inject({ url: `${WELL_KNOWN}/mcp`, headers: { host: 'evil.example' } })).statusCode, 403)
})

t.test('below the path of a public URL the metadata is found at the host\'s well-known path too', async t => {
  const { app } = await build(t, { PUBLIC_URL: 'https://m.example.com/fin' })
  const resourceAt = async (path: string) => (await app.inject(`${WELL_KNOWN}${path}`)).json().resource
  t.equal(await resourceAt('/fin/mcp'), 'https://m.example.com/fin/mcp')
  t.equal(await resourceAt('/fin'), 'https://m.example.com/fin')
  t.equal(await resourceAt('/mcp'), 'https://m.example.com/fin/mcp', 'behind a proxy that takes the path away')
  const refusalAt = async (url: string) => (await app.inject({ method: 'POST', url })).headers['www-authenticate']
  t.equal(await refusalAt('/mcp'), `Bearer resource_metadata="https://m.example.com/fin${WELL_KNOWN}/mcp"`)
  t.equal(await refusalAt('/messages?sessionId=x'), `Bearer resource_metadata="https://m.example.com/fin${WELL_KNOWN}/mcp"`)
})

t.test('ALLOW_QUERY_TOKENS is said to clients', async t => {
  const { app } = await build(t, { ALLOW_QUERY_TOKENS: 'true' })
  t.same((await app.inject(WELL_KNOWN)).json().bearer_methods_supported, ['header', 'query'])
})

/** A client that could log in by OAuth, of which there is none here. */
const login = {
  redirectUrl: 'http://localhost:1/callback',
  clientMetadata: { client_name: 'test', redirect_uris: ['http://localhost:1/callback'] },
  clientInformation: () => undefined,
  saveClientInformation: () => {},
  tokens: () => ({ access_token: 'test-token-that-is-not-good', token_type: 'Bearer' }),
  saveTokens: () => {},
  redirectToAuthorization () { throw new Error('nobody may be sent to log in') },
  saveCodeVerifier: () => {},
  codeVerifier: () => 'test'
}

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>
const CLIENTS: Record<string, (url: URL, fetch: Fetch, authProvider?: typeof login) => Promise<void>> = {
  'SDK 2, modern': (url, fetch, authProvider) =>
    new Client(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
      .connect(new StreamableHTTPClientTransport(url, { fetch, ...authProvider && { authProvider } })),
  'SDK 2, legacy': (url, fetch, authProvider) =>
    new Client(INFO, { versionNegotiation: { mode: 'legacy' } })
      .connect(new StreamableHTTPClientTransport(url, { fetch, ...authProvider && { authProvider } })),
  // Its transport's optional members are typed less exactly than this project's compiler asks.
  'SDK 1, Streamable HTTP': (url, fetch, authProvider) => new ClientV1(INFO)
    .connect(new StreamableV1(url, { fetch, ...authProvider && { authProvider } }) as unknown as SSEClientTransport),
  'SDK 1, HTTP+SSE': (url, fetch, authProvider) => new ClientV1(INFO)
    .connect(new SSEClientTransport(url, { fetch, ...authProvider && { authProvider } }))
}

t.test('a client that is refused gives up, also one that would log in', async t => {
  const { app } = await build(t)
  const url = new URL('/mcp', await app.listen({ host: '127.0.0.1', port: 0 }))
  t.teardown(() => app.server.closeAllConnections())
  for (const [name, connect] of Object.entries(CLIENTS)) {
    for (const provider of [undefined, login]) {
      const asked: string[] = []
      const counted: Fetch = (to, init) => {
        asked.push(`${init?.method ?? 'GET'} ${new URL(to).pathname}`)
        if (asked.length > 30) throw new Error('it goes round in circles')
        return fetch(to, init)
      }
      const refused = await connect(url, counted, provider).then(() => undefined, (error: Error) => error)
      t.ok(refused, `${name}${provider ? ' with a login' : ''}: ${asked.join(', ')}`)
      t.notMatch(refused?.message, 'in circles')
      t.notMatch(refused?.message, 'nobody may be sent')
      if (provider) t.ok(asked.includes(`GET ${WELL_KNOWN}/mcp`), 'it read the metadata')
    }
  }
})
