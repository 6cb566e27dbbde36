import { test, type Test } from 'tap'
import { build } from './helper.ts'
import { CLIENTS } from './mcp-clients.ts'

async function serve (t: Test) {
  const world = await build(t)
  const session = await world.connect()
  const url = new URL('/mcp', await world.app.listen({ host: '127.0.0.1', port: 0 }))
  t.teardown(() => world.app.server.closeAllConnections())
  return { ...world, ...session, url, headers: { authorization: `Bearer ${session.token}` } }
}

for (const [kind, connect] of Object.entries(CLIENTS)) {
  test(`${kind}: lists the tools and is answered through each of the four providers`, async t => {
    const { app, url, headers, sessionId } = await serve(t)
    const client = await connect(url, headers)
    t.same((await client.listTools()).tools.map(({ name }) => name), app.tools.list().map(({ name }) => name))
    for (const provider of ['alpaca', 'polygon', 'fmp', 'finnhub']) {
      const quote = await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL', 'MSFT'], provider } })
      t.match(quote, { structuredContent: { data: { quotes: [{ symbol: 'AAPL' }, { symbol: 'MSFT' }] }, meta: { provider } } })
      const bars = await client.callTool({ name: 'get_bars', arguments: { symbols: ['AAPL'], limit: 5, provider } })
      t.match(bars, {
        content: [{ type: 'text', text: /^AAPL 1day USD(?: \(last bar not complete\))?\ntime,open/ }],
        structuredContent: { data: { series: [{ symbol: 'AAPL', columns: { time: { length: 5 } } }] }, meta: { provider } }
      })
    }
    const unknown = await client.callTool({ name: 'get_quote', arguments: { symbols: ['ZZZZ'] } })
    t.match(unknown, { isError: true, content: [{ text: /\(FMS_SYMBOL_NOT_FOUND\)/ }] })
    await client.close()

    await app.audit.flush()
    const { items } = await app.audit.list({ session_id: sessionId, action: 'tool.call' })
    t.equal(items.length, 9, 'each call is in the audit log')
    t.match(items.at(-1), { target: 'get_quote', outcome: 'ok', client_name: 'test-client', client_version: '1.2.3' })
    t.equal(items[0]?.outcome, 'SYMBOL_NOT_FOUND')
  })

  test(`${kind}: a token that is not good is refused before anything is read`, async t => {
    const { app, url, sessionId, headers } = await serve(t)
    await app.sessions.revoke(sessionId, { actor: 'test' })
    await t.rejects(connect(url, headers))
    const response = await fetch(url, { method: 'POST', headers })
    t.equal(response.status, 401)
    t.match(response.headers.get('www-authenticate'), /^Bearer resource_metadata="http[^"]*\/\.well-known\/oauth-protected-resource\/mcp", error="invalid_token"$/)
    const metadata = /"([^"]*)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1] ?? ''
    t.match(await (await fetch(metadata)).json(), { resource: String(url), bearer_methods_supported: ['header'] })
  })
}
