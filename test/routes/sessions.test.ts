import t from 'tap'
import { assertNoCanary, buildControl, CANARY } from './build-control.ts'

t.test('a session\'s token is shown once, is not stored by caches, and lets its client in', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  const created = await call('POST', `/api/connections/${id}/session`, { name: 'laptop', ttl_seconds: 60 })
  t.equal(created.statusCode, 201)
  t.match(created.headers['cache-control'], /no-store/)
  const { access_token: token, ...session } = created.json()
  t.match(session, { connection_id: id, name: 'laptop', token_last_four: token.slice(-4), revoked_at: null })
  t.match(token, /^fmcp_st_/)
  t.match(await app.sessions.verify(token), { session_id: session.session_id })
  const listed = await call('GET', `/api/connections/${id}/sessions`)
  t.same(listed.json(), [{ ...session, calls_today: 0 }])
  t.same((await call('GET', `/api/sessions/${session.session_id}`)).json(), { ...session, calls_today: 0 })
  t.notMatch(listed.body, token)
})

t.test('a session may be asked for without a body, and then ends after 90 days', async t => {
  const { call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  for (const body of [undefined, '', {}]) {
    const { expires_at: expires } = (await call('POST', `/api/connections/${id}/session`, body)).json()
    t.ok(Math.abs(Date.parse(expires) - Date.now() - 90 * 86_400_000) < 60_000)
  }
  t.match((await call('POST', `/api/connections/${id}/session`, { ttl_seconds: null })).json(), { expires_at: null })
})

t.test('a session request that is not valid makes none', async t => {
  const { call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  for (const body of [{ ttl_seconds: 59 }, { ttl_seconds: '60' }, { ttl_seconds: 1e10 }, { name: '' }, { scope: 'all' }, { scope: { answer_tokens: 999 } }, { scope: { tools: [] } }, { scope: { tools: ['get_quotes'] } }, { scope: { addresses: ['desk'] } }, { scope: { calls_per_day: 0 } }, { idle_seconds: 59 }, [], 'true']) {
    t.match((await call('POST', `/api/connections/${id}/session`, body)).json(), { status: 400, code: 'FMS_INVALID_INPUT' })
  }
  t.same((await call('GET', `/api/connections/${id}/sessions`)).json(), [])
})

t.test('a session keeps what its answers may cost', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  for (const scope of [{ answer_tokens: 20_000 }, { answer_tokens: null }, {}]) {
    const session = (await call('POST', `/api/connections/${id}/session`, { scope })).json()
    t.same(session.scope, scope)
    t.same((await app.sessions.verify(session.access_token)).scope, scope)
  }
})

t.test('a revoked session is refused at once, and a second time changes nothing', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  const { session_id: sessionId, access_token: token } = (await call('POST', `/api/connections/${id}/session`)).json()
  await app.sessions.verify(token)
  t.equal((await call('DELETE', `/api/sessions/${sessionId}`)).statusCode, 204)
  await t.rejects(app.sessions.verify(token), { code: 'FMS_UNAUTHENTICATED' })
  t.equal((await call('DELETE', `/api/sessions/${sessionId}`)).statusCode, 204)
  t.match((await call('GET', `/api/connections/${id}/sessions`)).json(), [{ revoked_at: /Z$/ }])
  t.equal((await call('DELETE', '/api/sessions/00000000-0000-4000-8000-000000000000')).statusCode, 404)
  t.equal((await call('DELETE', '/api/sessions/1')).statusCode, 400)
})

t.test('nobody without an admin\'s credential comes in', async t => {
  const control = await buildControl(t)
  const { app, call } = control
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  const { access_token: session } = (await call('POST', `/api/connections/${id}/session`)).json()
  const responses = []
  for (const authorization of [undefined, `Bearer ${session}`, `Bearer ${CANARY}`, `Basic ${CANARY}`]) {
    for (const [method, url] of [
      ['GET', '/api/connections'], ['POST', '/api/connections'], ['GET', `/api/connections/${id}`], ['DELETE', `/api/connections/${id}`],
      ['PUT', `/api/connections/${id}/credentials/fmp`], ['POST', `/api/connections/${id}/session`], ['GET', '/api/audit'],
      ['GET', '/api/admin'], ['GET', '/api/admin-tokens'], ['POST', '/api/admin-tokens'], ['POST', '/api/logout']
    ] as const) {
      const response = await app.inject({ method, url, headers: { ...(authorization && { authorization }) } })
      responses.push(response)
      if (response.statusCode !== 401 && response.statusCode !== 429) t.fail(`${method} ${url} answered ${response.statusCode}`)
    }
  }
  t.match(responses[0]?.headers['www-authenticate'], /Bearer/)
  await assertNoCanary(t, control, responses)
})

t.test('a session is rotated and changed; what is not valid changes nothing', async t => {
  const { app, call } = await buildControl(t)
  const { id: connectionId } = (await call('POST', '/api/connections', { name: 'a' })).json()
  const { session_id: id, access_token: first } = (await call('POST', `/api/connections/${connectionId}/session`)).json()
  const rotated = await call('POST', `/api/sessions/${id}/rotate`, { grace_seconds: 60 })
  t.equal(rotated.statusCode, 200)
  t.match(rotated.headers['cache-control'], /no-store/)
  t.ok(await app.sessions.verify(first))
  t.equal((await call('POST', `/api/sessions/${id}/rotate`)).statusCode, 200, 'without a body')
  await t.rejects(app.sessions.verify(first), { code: 'FMS_UNAUTHENTICATED' })
  for (const body of [{ grace_seconds: -1 }, { grace_seconds: 604_801 }, { grace_seconds: '1' }, { grace: 1 }]) {
    t.equal((await call('POST', `/api/sessions/${id}/rotate`, body)).statusCode, 400)
  }
  const named = await call('PATCH', `/api/sessions/${id}`, { name: 'desk', idle_seconds: 3600 })
  t.match(named.json(), { name: 'desk', idle_seconds: 3600 })
  t.notOk('access_token' in named.json())
  const scoped = await call('PATCH', `/api/sessions/${id}`, { scope: { tools: ['get_quote'] } })
  t.match(scoped.headers['cache-control'], /no-store/)
  t.match(await app.sessions.verify(scoped.json().access_token), { name: 'desk', scope: { tools: ['get_quote'] } })
  for (const body of [{}, { ttl_seconds: 60 }, { scope: { tools: ['x'] } }, { idle_seconds: 1 }, { name: '' }]) {
    t.equal((await call('PATCH', `/api/sessions/${id}`, body)).statusCode, 400)
  }
  t.ok(await app.sessions.verify(scoped.json().access_token))
  await call('DELETE', `/api/sessions/${id}`)
  t.match((await call('POST', `/api/sessions/${id}/rotate`)).json(), { status: 409, code: 'FMS_CONFLICT' })
})

t.test('all sessions of a connection are revoked, or all', async t => {
  const { app, call } = await buildControl(t)
  const make = async (name: string) => {
    const { id } = (await call('POST', '/api/connections', { name })).json()
    const session = (await call('POST', `/api/connections/${id}/session`)).json()
    return { id, token: session.access_token }
  }
  const [a, b] = [await make('a'), await make('b')]
  t.same((await call('DELETE', `/api/connections/${a.id}/sessions`)).json(), { revoked: 1 })
  await t.rejects(app.sessions.verify(a.token), { code: 'FMS_UNAUTHENTICATED' })
  t.ok(await app.sessions.verify(b.token))
  t.same((await call('DELETE', '/api/sessions')).json(), { revoked: 1 })
  await t.rejects(app.sessions.verify(b.token), { code: 'FMS_UNAUTHENTICATED' })
  t.equal((await call('DELETE', '/api/connections/00000000-0000-4000-8000-000000000000/sessions')).statusCode, 404)
})
