import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { buildEnv, fmcp, type Env } from './cli/run.ts'
import { withContext } from '../cli/context.ts'
import { loadConfig } from '../config.ts'
import { buildControl, CANARY } from './routes/build-control.ts'

t.test('an admin token made here is one that the server knows', async t => {
  const env = await buildEnv(t)
  const { app } = await buildControl(t, { databaseUrl: String(env['DATABASE_URL']) })
  const made = await fmcp(env, ['admin-token', 'create', '--name', 'ci', '--ttl', '12h', '--json'])
  t.equal(made.code, 0)
  t.equal(made.stderr, '')
  const { token, id } = made.json<{ token: string, id: string }>()
  t.match(token, /^fmcp_ad_/)
  t.match(await app.admin.verifyToken(token), { name: 'ci', token_id: id })
  t.match((await fmcp(env, ['admin-token', 'list', '--json'])).json<object[]>()[0], { id, name: 'ci' })
  t.match(await fmcp(env, ['admin-token', 'list']), { code: 0, stdout: /^ID +NAME/ })
  t.match(await fmcp(env, ['admin-token', 'create']), { stdout: /\ntoken: fmcp_ad_/ })
  t.same((await fmcp(env, ['admin-token', 'revoke', id, '--json'])).json(), { id, revoked: true })
  t.match((await app.audit.list({ action: 'admin_token.revoke' })).items, [{ actor: 'cli', target: id }])
  const deadline = Date.now() + 2000
  const isLetIn = () => app.admin.verifyToken(token).then(() => true, () => false)
  while (await isLetIn() && Date.now() < deadline) await new Promise(setImmediate)
  await t.rejects(app.admin.verifyToken(token), { code: 'FMS_UNAUTHENTICATED' }, 'the running server hears of it')
})

t.test('a one-time token made here is exchanged at the server', async t => {
  const env = await buildEnv(t)
  const { app, call } = await buildControl(t, { databaseUrl: String(env['DATABASE_URL']) })
  const { id } = (await call('POST', '/api/connections', { name: 'desk' })).json()
  const { session_id: sessionId } = (await call('POST', `/api/connections/${id}/session`)).json()
  const made = await fmcp({ ...env, PORT: '4000' }, ['session', 'one-time', sessionId, '--ttl', '2m', '--json'])
  t.match(made, { code: 0, stderr: '' })
  const { one_time_token: token, ...rest } = made.json<Record<string, string>>()
  t.match(rest, { exchange_url: 'http://localhost:4000/api/session/exchange', connect_url: `http://localhost:4000/mcp/connect/${token}` })
  t.ok(Date.parse(String(rest['expires_at'])) - Date.now() <= 120_000)
  const exchanged = await app.inject({ method: 'POST', url: '/api/session/exchange', payload: { token } })
  t.match(exchanged.json(), { session_id: sessionId, access_token: /^fmcp_st_/ })
  t.match((await app.audit.list({ action: 'one_time_token.create' })).items, [{ actor: 'cli', session_id: sessionId }])

  const named = await fmcp({ ...env, PUBLIC_URL: 'https://m.example.com/fin' }, ['session', 'one-time', sessionId])
  t.match(named.stdout, /^connect_url: https:\/\/m\.example\.com\/fin\/mcp\/connect\/fmcp_ot_/m)
  for (const ttl of ['9', '11m', 'never']) {
    t.match(await fmcp(env, ['session', 'one-time', sessionId, '--ttl', ttl]), { code: 2, stderr: /^fmcp: ttl_seconds / })
  }
  await app.sessions.revoke(sessionId, { actor: 'test' })
  t.match(await fmcp(env, ['session', 'one-time', sessionId]), { code: 1, stderr: /^fmcp: This session has ended/ })
})

t.test('a connection, its key and its session, from the shell', async t => {
  const env = await buildEnv(t)
  const { app } = await buildControl(t, { databaseUrl: String(env['DATABASE_URL']) })
  const { id } = (await fmcp(env, ['connection', 'create', 'desk', '--json'])).json<{ id: string }>()
  t.match(await fmcp(env, ['connection', 'create', 'desk']), { code: 1, stdout: '', stderr: /^fmcp: Another connection has this name[^\n]*\n$/ })

  const set = await fmcp(env, ['credential', 'set', 'desk', 'alpaca', '--json'], `${CANARY}-id\n${CANARY}-secret\n`)
  t.match(set, { code: 0, stderr: '' })
  t.match(set.json(), { provider: 'alpaca', fingerprint: /./ })
  t.same(await app.vault.openCredential(id, 'alpaca'), { key_id: `${CANARY}-id`, secret_key: `${CANARY}-secret` })
  await fmcp(env, ['credential', 'set', id, 'fmp'], JSON.stringify({ api_key: `${CANARY}-fmp` }))
  t.same(await app.vault.openCredential(id, 'fmp'), { api_key: `${CANARY}-fmp` })
  t.match((await fmcp(env, ['credential', 'list', 'desk', '--json'])).json(), [{ provider: 'alpaca' }, { provider: 'fmp' }])
  t.match(await fmcp(env, ['credential', 'delete', 'desk', 'fmp']), { code: 0, stdout: 'Deleted the fmp key.\n' })
  t.match(await fmcp(env, ['connection', 'list']), { stdout: /desk.*alpaca/ })

  const session = (await fmcp(env, ['session', 'create', 'desk', '--name', 'laptop', '--ttl', 'never', '--answer-tokens', 'none', '--json'])).json<{ session_id: string, access_token: string, scope: object }>()
  t.same(session.scope, { answer_tokens: null })
  t.match(session, { connection_id: id, name: 'laptop', expires_at: null })
  await app.sessions.verify(session.access_token)
  t.match((await fmcp(env, ['session', 'list', 'desk', '--json'])).json(), [{ session_id: session.session_id }])
  t.match(await fmcp(env, ['session', 'list', 'desk']), { stdout: /laptop/ })
  t.match(await fmcp(env, ['session', 'revoke', session.session_id]), { code: 0 })
  t.match(await fmcp(env, ['connection', 'delete', 'desk', '--json']), { code: 0 })
  t.same((await fmcp(env, ['connection', 'list', '--json'])).json(), [])
})

t.test('a key is asked of the provider', async t => {
  const env = { ...await buildEnv(t), FMP_URL: 'http://127.0.0.1:1' }
  await fmcp(env, ['connection', 'create', 'desk'])
  t.match(await fmcp(env, ['credential', 'test', 'desk', 'fmp']), { code: 1, stderr: /^fmcp: This connection has no fmp key/ })
  await fmcp(env, ['credential', 'set', 'desk', 'fmp'], CANARY)
  const tested = await fmcp(env, ['credential', 'test', 'desk', 'fmp', '--json'])
  t.match(tested.json(), { status: 'FMS_PROVIDER_UNAVAILABLE' })
  t.notMatch(tested.stdout + tested.stderr, CANARY)
})

t.test('a key that is not given as it should be is refused, and is not echoed', async t => {
  const env = await buildEnv(t)
  await fmcp(env, ['connection', 'create', 'desk'])
  const wrong: [string, string, number, RegExp][] = [
    ['alpaca', CANARY, 2, /1 line: give key_id and secret_key/],
    ['fmp', '', 2, /is empty/],
    ['fmp', `{"api_key":"${CANARY}`, 2, /not valid JSON/],
    ['fmp', CANARY.repeat(1000), 2, /too long/],
    ['fmp', `${CANARY} ${CANARY}`, 1, /api_key/],
    ['fmp', `{"key":"${CANARY}"}`, 1, /api_key/],
    ['sample', CANARY, 2, /takes no key/],
    ['yahoo', CANARY, 2, /alpaca, polygon/]
  ]
  for (const [provider, input, code, message] of wrong) {
    const result = await fmcp(env, ['credential', 'set', 'desk', provider], input)
    t.match(result, { code, stdout: '', stderr: message }, `${provider} ${message}`)
    t.notMatch(result.stderr, CANARY)
    t.equal(result.stderr.split('\n').length, 2, 'one line')
  }
})

t.test('on a terminal the key is asked for and not shown', async t => {
  const env = await buildEnv(t)
  const { id } = (await fmcp(env, ['connection', 'create', 'desk', '--json'])).json<{ id: string }>()
  const { app } = await buildControl(t, { databaseUrl: String(env['DATABASE_URL']) })
  const terminal = Object.assign(new PassThrough(), { isTTY: true })
  terminal.write(`${CANARY}-id\n`)
  setImmediate(() => terminal.write(`${CANARY}-secret\n`))
  const set = await fmcp(env, ['credential', 'set', 'desk', 'alpaca'], terminal)
  t.match(set, { code: 0, stderr: 'key_id: \nsecret_key: \n' })
  t.notMatch(set.stdout, CANARY)
  t.same(await app.vault.openCredential(id, 'alpaca'), { key_id: `${CANARY}-id`, secret_key: `${CANARY}-secret` })

  const left = Object.assign(new PassThrough(), { isTTY: true })
  left.end()
  t.match(await fmcp(env, ['credential', 'set', 'desk', 'fmp'], left), { code: 2, stderr: /Cancelled/ })
})

t.test('what is not understood is exit code 2, what fails is 1, each in one line', async t => {
  const env = await buildEnv(t)
  const usage = [
    ['frobnicate'], ['connection'], ['connection', 'create'], ['session', 'create', 'x', '--ttl', 'soon'],
    ['session', 'create', 'x', '--ttl', '1s'], ['session', 'revoke', 'x'], ['connection', 'create', ''],
    ['session', 'create', 'x', '--answer-tokens', 'few'], ['connection', 'list', '--bogus'],
    ['session', 'revoke'], ['session', 'revoke', '--all', '--connection', 'x'], ['session', 'create', 'x', '--idle', '1s'],
    ['session', 'rotate', 'x'], ['session', 'create', 'x', '--calls-per-day', 'few'], ['session', 'create', 'x', '--providers', 'yahoo'],
    ['session', 'rotate', '00000000-0000-4000-8000-000000000000', '--grace', '8d']
  ]
  for (const args of usage) t.match(await fmcp(env, args), { code: 2, stdout: '' }, args.join(' '))
  t.match(await fmcp(env, ['session', 'create', 'x', '--ttl', '1s']), { stderr: /^fmcp: ttl_seconds [^\n]+\n$/ })
  t.match(await fmcp(env, ['session', 'create', 'x']), { code: 1, stderr: 'fmcp: There is no connection "x". There is none yet.\n' })
  t.match(await fmcp({ PORT: 'x' }, ['connection', 'list']), { code: 1, stderr: /^fmcp: PORT [^\n]+\n$/ })
  t.match(await fmcp({ ...env, DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/none', MASTER_KEY: 'bad' }, ['--help']), { code: 0, stdout: /Usage: fmcp/ })
  t.match(await fmcp(env, ['--version']), { code: 0, stdout: /^\d/ })
})

t.test('without a server the command starts the embedded database, and beside one it shares it', { timeout: 120_000 }, async t => {
  const dir = await mkdtemp(join(tmpdir(), 'fmcp-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const env = { DATA_DIR: join(dir, 'data') }
  const first = await spawnCli(env, dir, ['admin-token', 'create', '--json'])
  t.equal(first.code, 0, first.stderr)
  t.match(JSON.parse(first.stdout), { token: /^fmcp_ad_/, name: 'cli' })
  t.ok((await readdir(env.DATA_DIR)).includes('master.key'))
  t.same(await readdir(join(env.DATA_DIR, 'run')), [], 'nothing runs on')

  const { token } = JSON.parse(first.stdout) as { token: string }
  const io = { stdin: process.stdin, stdout: process.stdout, stderr: new PassThrough() }
  await withContext(loadConfig(env), io, async server => {
    t.match(await server.admin.verifyToken(token), { name: 'cli' })
    const beside = await spawnCli(env, dir, ['connection', 'create', 'desk', '--json'])
    t.equal(beside.code, 0, beside.stderr)
    t.match(await server.connections.list(), [{ name: 'desk' }])
  })
})

/** Runs the built `fmcp` in a process of its own, in `cwd`. */
function spawnCli (
  env: Env, cwd: string, args: string[]
): Promise<{ code: number | null, stdout: string, stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'dist', 'cli.js'), ...args], {
      cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe']
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.on('data', chunk => { output.stdout += String(chunk) })
    child.stderr.on('data', chunk => { output.stderr += String(chunk) })
    child.on('error', reject)
    child.on('close', code => resolve({ code, ...output }))
  })
}
