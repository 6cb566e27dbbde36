import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { areGone, copyFolder, createFolder, makeFolder } from '../fixtures/embedded.ts'
import { ask, buildOnce, fmcp, runServer, startServer } from './process.ts'

buildOnce()
const made = await makeFolder(t)
const SETUP_CODE = /Setup code .*: ([A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4})\n/

t.test('the first start needs no setting and prints all that a client needs; the second prints no token', async t => {
  const dataDir = await createFolder(t)
  const server = await startServer(t, dataDir)
  const { url, token, pid } = server
  t.match(server.text(), SETUP_CODE)
  t.match(server.text(), `MCP   ${url}/mcp\n`)
  t.match(server.text(), 'A token for the connection "sample"')
  t.match(server.text(), `claude mcp add --transport http market ${url}/mcp --header "Authorization: Bearer ${token}"`)
  const json = JSON.parse(/^\{$[^]*?^\}$/m.exec(server.text())?.[0] ?? 'null') as unknown
  t.same(json, { mcpServers: { market: { url: `${url}/mcp`, headers: { Authorization: `Bearer ${token}` } } } })

  const curl = /^ {2}(curl .*get_quote.*)$/m.exec(server.text())?.[1] ?? 'false'
  const { stdout } = await promisify(execFile)('sh', ['-c', `${curl} --silent --fail`])
  t.match(JSON.parse(stdout), { data: { quotes: [{ symbol: 'AAPL' }, { symbol: 'MSFT' }] }, meta: { provider: 'sample', synthetic: true } })
  t.notMatch(server.logs().join('\n'), token.slice(-49), 'the token is in no log line')

  t.match(await ask(server, '', '/health/ready'), { status: 200, body: { status: 'ok' } })
  t.equal(await server.stop(), 0)
  t.ok(await areGone(dataDir, 1000), 'Postgres has ended')

  const again = await startServer(t, dataDir)
  t.not(again.pid, pid)
  t.notMatch(again.text(), /fmcp_/)
  t.match(again.text(), 'npx fmcp session create')
  const [, code = ''] = SETUP_CODE.exec(again.text()) ?? []
  t.match(server.text(), SETUP_CODE)
  t.notMatch(server.text(), code, 'while there is no admin each start makes a new code')
  t.equal((await ask(again, token, '/api/tools/get_quote?symbols=AAPL')).status, 200, 'the first token still works')
  const setup = { code, name: 'owner', password: 'correct horse battery' }
  t.equal((await ask(again, '', '/api/setup', 'POST', { ...setup, code: 'AAAA-AAAA-AAAA' })).status, 401)
  t.equal((await ask(again, '', '/api/setup', 'POST', setup)).status, 201)
  t.equal(await again.stop(), 0)

  const third = await startServer(t, dataDir)
  t.notMatch(third.text(), /Setup code|fmcp_/, 'no more secrets once there is an admin')
})

t.test('a second server on the same DATA_DIR is refused at once, and the first goes on', async t => {
  const dataDir = await copyFolder(t, made)
  const server = await startServer(t, dataDir)
  const startedAt = performance.now()
  const second = await runServer(t, dataDir)
  t.equal(second.code, 1)
  t.match(second.stderr, /^financial-mcp-server: Another server is using DATA_DIR \(pid \d+, [^\n]+\n$/)
  t.match(second.stderr, `pid ${server.pid}`)
  const ms = performance.now() - startedAt
  t.comment(`refused after ${Math.round(ms)} ms`)
  t.ok(ms < 15_000, 'with Node\'s own start, on a busy machine')
  t.equal((await ask(server, server.token, '/api/tools/get_quote?symbols=AAPL')).status, 200)
})

t.test('fmcp works beside a running server and without one', async t => {
  const dataDir = await copyFolder(t, made)
  const create = async () => {
    const { code, stdout, stderr } = await fmcp(t, dataDir, ['admin-token', 'create', '--json'])
    t.equal(code, 0, stderr)
    t.match(stdout, /^\{[^\n]*\}\n$/, 'prints JSON and nothing else')
    return (JSON.parse(stdout) as { token: string }).token
  }
  const before = await create()
  t.ok(await areGone(dataDir, 1000), 'the command has stopped the Postgres that it started')
  const server = await startServer(t, dataDir)
  const beside = await create()
  for (const token of [before, beside]) t.equal((await ask(server, token, '/api/connections')).status, 200)
  t.equal((await ask(server, server.token, '/api/connections')).status, 401, 'a session\'s token is no admin\'s')
})
