import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import t, { type Test } from 'tap'
import { TOOLS } from '../../tools/index.ts'
import { createFolder } from '../fixtures/embedded.ts'
import { ask, buildOnce, startServer } from './process.ts'

buildOnce()
const server = await startServer(t, await createFolder(t))
const url = new URL('/mcp', server.url)
const requestInit = { headers: { authorization: `Bearer ${server.token}` } }
const who = { name: 'test', version: '1.2.3' }

const NAMES = TOOLS.map(({ name }) => name)
const CALLS = {
  get_quote: {
    arguments: { symbols: ['AAPL', 'BTC/USD'] },
    answer: { data: { quotes: [{ symbol: 'AAPL', price: Number }, { symbol: 'BTC/USD' }] }, meta: { provider: 'sample', synthetic: true } }
  },
  get_bars: {
    arguments: { symbols: ['AAPL'], limit: 5 },
    answer: {
      data: { series: [{ symbol: 'AAPL', timeframe: '1day', columns: { time: { length: 5 } } }] },
      meta: { provider: 'sample' }
    }
  }
}

interface AnyClient {
  listTools (): Promise<{ tools: { name: string }[] }>
  callTool (params: { name: string, arguments: Record<string, unknown> }): Promise<Record<string, unknown>>
  close (): Promise<void>
}

const CLIENTS: Record<string, () => Promise<AnyClient>> = {
  async 'the second SDK, revision 2026-07-28' () {
    const client = new Client(who, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }))
    return client
  },
  async 'the second SDK, 2025 era' () {
    const client = new Client(who, { versionNegotiation: { mode: 'legacy' } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }))
    return client
  },
  async 'the first SDK, Streamable HTTP' () {
    const client = new OldClient(who)
    await client.connect(new OldTransport(url, { requestInit }) as never)
    return client as AnyClient
  },
  async 'the first SDK, HTTP+SSE' () {
    const client = new OldClient(who)
    await client.connect(new SSEClientTransport(url, { requestInit }))
    return client as AnyClient
  }
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  t.test(`${name}: lists the tools and calls them`, async t => {
    const client = await connect()
    t.teardown(() => client.close())
    t.same((await client.listTools()).tools.map(tool => tool.name), NAMES)
    for (const [tool, { arguments: args, answer }] of Object.entries(CALLS)) {
      const result = await client.callTool({ name: tool, arguments: args })
      t.notOk(result['isError'])
      t.match(result['structuredContent'], answer, tool)
      t.match(result['content'], [{ type: 'text', text: /AAPL|20\d\d-/ }], `${tool} as text`)
    }
    t.match(await client.callTool({ name: 'get_quote', arguments: { symbols: ['APPL'] } }),
      { isError: true, content: [{ text: /FMS_SYMBOL_NOT_FOUND/ }] })
    await t.rejects(client.callTool({ name: 'get_nothing', arguments: {} }), { code: -32602 })
  })
}

t.test('REST: lists the tools and calls them', async t => {
  const { body } = await ask(server, server.token, '/api/tools')
  t.same(body.tools.map((tool: { name: string }) => tool.name), NAMES)
  for (const [tool, { arguments: args, answer }] of Object.entries(CALLS)) {
    const query = new URLSearchParams()
    for (const [key, value] of Object.entries(args)) query.set(key, String(value))
    t.match(await ask(server, server.token, `/api/tools/${tool}?${query}`), { status: 200, body: answer })
  }
  const csv = await ask(server, server.token, '/api/tools/get_bars?symbols=AAPL&limit=5&format=csv')
  t.match(csv.body, /^time,open,high,low,close,volume\n(\d{4}-\d\d-\d\d(,[\d.]+){5}\n){5}$/)
  t.match(await ask(server, server.token, '/api/tools/get_quote?symbols=APPL'),
    { status: 404, body: { code: 'FMS_SYMBOL_NOT_FOUND' } })
})

t.test('a wrong token is refused by every transport, with where to get one', async t => {
  const wrong = `${server.token.slice(0, -1)}${server.token.endsWith('x') ? 'y' : 'x'}`
  const requests: [string, string][] = [['POST', '/mcp'], ['GET', '/mcp'], ['POST', '/messages?sessionId=x'], ['GET', '/api/tools']]
  for (const [method, path] of requests) {
    for (const token of [wrong, 'x', '']) {
      const { status, headers } = await ask(server, token, path, method, method === 'POST' ? {} : undefined)
      t.equal(status, 401, `${method} ${path}`)
      t.match(headers.get('www-authenticate'), /^Bearer resource_metadata="http:\/\/[^"]+\/\.well-known\/oauth-protected-resource/)
    }
  }
  await refusesClients(t, wrong)
  t.equal((await ask(server, '', '/health/ready')).status, 200)
})

async function refusesClients (t: Test, token: string): Promise<void> {
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await t.rejects(new Client(who).connect(new StreamableHTTPClientTransport(url, { requestInit })))
  await t.rejects(new OldClient(who).connect(new SSEClientTransport(url, { requestInit })))
}
