import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { NewSession } from '../../schemas/sessions.ts'
import { until } from '../plugins/build-security.ts'
import { buildControl } from '../routes/build-control.ts'
import { buildEnv, fmcp } from './run.ts'

t.test('a session of a scope is made, rotated and revoked from the shell, and the running server hears of it', async t => {
  const env = await buildEnv(t)
  const { app } = await buildControl(t, { databaseUrl: String(env['DATABASE_URL']) })
  for (const name of ['desk', 'other']) await fmcp(env, ['connection', 'create', name])
  const options = ['--idle', '12h', '--tools', 'get_quote, get_bars', '--providers', 'alpaca,fmp', '--calls-per-day', '100',
    '--addresses', '192.0.2.0/24']
  const made = (await fmcp(env, ['session', 'create', 'desk', ...options, '--json'])).json<NewSession>()
  t.match(made, {
    idle_seconds: 43_200,
    scope: { tools: ['get_quote', 'get_bars'], providers: ['alpaca', 'fmp'], calls_per_day: 100, addresses: ['192.0.2.0/24'] }
  })
  const { session_id: id, access_token: first } = made
  t.match(await fmcp(env, ['session', 'create', 'desk', '--tools', 'get_quotes']), {
    code: 1, stderr: /^fmcp: There is no tool "get_quotes"\. Did you mean get_quote, verify_quote\?[^\n]*\n$/
  })

  const named = await fmcp(env, ['session', 'update', id, '--name', 'laptop', '--idle', 'never'])
  t.match(named, { code: 0, stdout: /^session_id: .*\nname: laptop\nidle_seconds: -\nscope: .*192\.0\.2\.0.*\n$/ })
  t.ok(await app.sessions.verify(first), 'another name is no other right')
  const fewer = (await fmcp(env, ['session', 'update', id, '--tools', 'get_quote', '--json'])).json<NewSession>()
  t.same(fewer.scope, { ...made.scope, tools: ['get_quote'] }, 'the other limits stay')
  await until(() => app.sessions.verify(first).then(() => false, () => true))
  const free = (await fmcp(env, ['session', 'update', id, '--unlimited', '--answer-tokens', '2000', '--json'])).json<NewSession>()
  t.same(free.scope, { answer_tokens: 2000 })
  t.match(await fmcp(env, ['session', 'update', id]), { code: 2, stderr: /^fmcp: Say what is to change: --name/ })
  t.match(await fmcp(env, ['session', 'update', id, '--tools', 'x y']), { code: 2, stderr: /^fmcp: .*tools/ })
  t.match(await fmcp(env, ['session', 'update', randomUUID(), '--name', 'x']), { code: 1, stderr: /^fmcp: There is no such session/ })

  const rotated = (await fmcp(env, ['session', 'rotate', id, '--grace', '1h', '--json'])).json<NewSession>()
  t.equal(rotated.previous_last_four, free.access_token.slice(-4))
  t.ok(await app.sessions.verify(free.access_token))
  t.match(await fmcp(env, ['session', 'rotate', id]), { code: 0, stdout: /^session_id: .*\nformer_token_ends_at: .*\naccess_token: fmcp_st_/ })
  const isRefused = (token: string) => until(() => app.sessions.verify(token).then(() => false, () => true))
  await isRefused(free.access_token)
  await isRefused(rotated.access_token)
  t.match(await fmcp(env, ['session', 'list', 'desk']), { stdout: /active/ })

  const others = (await fmcp(env, ['session', 'create', 'other', '--json'])).json<NewSession>()
  t.match(await fmcp(env, ['session', 'revoke', '--connection', 'desk']), { code: 0, stdout: 'Revoked 1 session.\n' })
  t.match(await fmcp(env, ['session', 'list', 'desk']), { stdout: /revoked/ })
  t.match(await fmcp(env, ['session', 'rotate', id]), { code: 1, stderr: /^fmcp: This session was revoked/ })
  t.ok(await app.sessions.verify(others.access_token))
  t.same((await fmcp(env, ['session', 'revoke', '--all', '--json'])).json(), { revoked: 1 })
  await isRefused(others.access_token)
})
