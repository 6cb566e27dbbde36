import t from 'tap'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'
import { createDatabase } from '../database.ts'
import { buildControl } from './build-control.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

t.test('a connection is created with a trimmed name and default settings, listed and read', async t => {
  const { call } = await buildControl(t)
  const created = await call('POST', '/api/connections', { name: '  My desk ' })
  t.equal(created.statusCode, 201)
  const connection = created.json()
  t.match(connection, { name: 'My desk', settings: DEFAULT_SETTINGS, credentials: [] })
  t.equal(created.headers.location, `/api/connections/${connection.id}`)
  t.same((await call('GET', '/api/connections')).json(), [connection])
  t.same((await call('GET', `/api/connections/${connection.id}`)).json(), connection)
})

t.test('a change keeps what it does not state', async t => {
  const { call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a', settings: { caching: false } })).json()
  const changed = await call('PATCH', `/api/connections/${id}`, { settings: { ttl_seconds: { get_quote: 5 } } })
  t.equal(changed.statusCode, 200)
  t.same(changed.json().settings, { ...DEFAULT_SETTINGS, caching: false, ttl_seconds: { get_quote: 5 } })
  const renamed = await call('PATCH', `/api/connections/${id}`, { name: ' b ' })
  t.match(renamed.json(), { name: 'b', settings: { caching: false } })
})

t.test('a name that is taken is a conflict, and nothing is written', async t => {
  const { app, call } = await buildControl(t)
  await call('POST', '/api/connections', { name: 'a' })
  const { id } = (await call('POST', '/api/connections', { name: 'b' })).json()
  for (const response of [
    await call('POST', '/api/connections', { name: ' a' }), await call('PATCH', `/api/connections/${id}`, { name: 'a' })
  ]) {
    t.equal(response.statusCode, 409)
    t.match(response.json(), { code: 'FMS_CONFLICT', detail: 'Another connection has this name. Choose a different one.' })
  }
  const { items } = await app.audit.list({ connection_id: id })
  t.same(items.map(({ action }) => action), ['connection.create'])
})

t.test('what is not valid is refused by name', async t => {
  const { call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  const wrong = [
    {}, { name: '' }, { name: '   ' }, { name: 'x'.repeat(81) }, { name: 'a\u0000b' }, { name: 'a\nb' },
    { name: 'b', unknown: 1 }, { name: 'b', settings: { unknown: 1 } }, { name: 'b', settings: { cache_scope: 'all' } },
    { name: 'b', settings: { provider_order: ['alpaca', 'alpaca'] } }, { name: 'b', settings: { provider_order: ['yahoo'] } },
    { name: 'b', settings: { ttl_seconds: { 'Not a tool': 1 } } }, { name: 'b', settings: { ttl_seconds: { get_quote: -1 } } }
  ]
  for (const body of wrong) {
    const response = await call('POST', '/api/connections', body)
    t.match(response.json(), { status: 400, code: 'FMS_INVALID_INPUT' }, JSON.stringify(body))
  }
  t.match((await call('POST', '/api/connections', { name: 'b', settings: { nope: 1 } })).json().detail, /settings must not have nope/)
  t.equal((await call('PATCH', `/api/connections/${id}`, {})).statusCode, 400)
  t.equal((await call('PATCH', `/api/connections/${id}`, { id: UNKNOWN })).statusCode, 400)
  t.equal((await call('GET', '/api/connections')).json().length, 1)
})

t.test('an unknown connection is not found, and an id that is none is invalid', async t => {
  const { call } = await buildControl(t)
  for (const response of [
    await call('GET', `/api/connections/${UNKNOWN}`), await call('PATCH', `/api/connections/${UNKNOWN}`, { name: 'x' }),
    await call('DELETE', `/api/connections/${UNKNOWN}`), await call('GET', `/api/connections/${UNKNOWN}/sessions`),
    await call('POST', `/api/connections/${UNKNOWN}/session`, {})
  ]) t.match(response.json(), { status: 404, code: 'FMS_NOT_FOUND' })
  t.equal((await call('GET', '/api/connections/1')).statusCode, 400)
})

t.test('the sample market stands on its own connection only', async t => {
  const { call } = await buildControl(t)
  const sample = await call('POST', '/api/connections', { name: 'sample' })
  t.same(sample.json().settings.provider_order, ['sample'])
  const { id } = (await call('POST', '/api/connections', { name: 'real' })).json()
  for (const response of [
    await call('PATCH', `/api/connections/${id}`, { settings: { provider_order: ['alpaca', 'sample'] } }),
    await call('PATCH', `/api/connections/${sample.json().id}`, { settings: { provider_order: ['sample', 'fmp'] } }),
    await call('PATCH', `/api/connections/${sample.json().id}`, { name: 'other' }),
    await call('POST', '/api/connections', { name: 'x', settings: { provider_order: ['sample'] } }),
    await call('PUT', `/api/connections/${sample.json().id}/credentials/fmp`, { api_key: 'abc' })
  ]) t.match(response.json(), { status: 400, code: 'FMS_INVALID_INPUT', detail: /sample/ })
})

t.test('a deleted connection is gone with its keys and its sessions', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  await call('PUT', `/api/connections/${id}/credentials/fmp`, { api_key: 'abc' })
  const { access_token: token } = (await call('POST', `/api/connections/${id}/session`, {})).json()
  t.match(await app.sessions.verify(token), { connection_id: id })
  const deleted = await call('DELETE', `/api/connections/${id}`)
  t.equal(deleted.statusCode, 204)
  t.equal(deleted.body, '')
  t.same(await app.db.selectFrom('data_keys').select('id').execute(), [])
  t.same(await app.db.selectFrom('auth_credentials').select('id').execute(), [])
  await t.rejects(app.sessions.verify(token), { code: 'FMS_UNAUTHENTICATED' })
  await t.rejects(app.connections.settingsOf(id), { code: 'FMS_NOT_FOUND' })
})

t.test('a change and its audit event stand or fall together', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  await app.db.schema.alterTable('audit_logs').renameTo('audit_logs_away').execute()
  for (const response of [
    await call('POST', '/api/connections', { name: 'b' }), await call('PATCH', `/api/connections/${id}`, { name: 'c' }),
    await call('PUT', `/api/connections/${id}/credentials/fmp`, { api_key: 'abc' }), await call('DELETE', `/api/connections/${id}`)
  ]) t.equal(response.statusCode, 500)
  const { json } = await call('GET', '/api/connections')
  t.match(json(), [{ name: 'a', credentials: [] }])
  t.equal(json().length, 1)
})

t.test('every change says who did what', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  await call('PATCH', `/api/connections/${id}`, { name: 'b', settings: { caching: false } })
  await call('DELETE', `/api/connections/${id}`)
  const { items } = await app.audit.list({ connection_id: id })
  t.match(items, [
    { action: 'connection.delete', outcome: 'ok' },
    { action: 'connection.update', details: { changed: ['name', 'settings.caching'] } },
    { action: 'connection.create', target: 'a', actor: /^admin_token:/, ip: '127.0.0.1', request_id: /./ }
  ])
})

t.test('settings are read once, and again after a change on any replica', async t => {
  const databaseUrl = await createDatabase(t)
  const here = await buildControl(t, { databaseUrl })
  const there = await buildControl(t, { databaseUrl })
  const { id } = (await here.call('POST', '/api/connections', { name: 'a' })).json()
  t.equal(await there.app.connections.settingsOf(id), await there.app.connections.settingsOf(id), 'from memory')
  await here.call('PATCH', `/api/connections/${id}`, { settings: { caching: false } })
  t.equal((await here.app.connections.settingsOf(id)).caching, false)
  const deadline = Date.now() + 2000
  while ((await there.app.connections.settingsOf(id)).caching && Date.now() < deadline) await new Promise(setImmediate)
  t.equal((await there.app.connections.settingsOf(id)).caching, false)
})

t.test('a body over 1 MiB is too large', async t => {
  const { call } = await buildControl(t)
  const response = await call('POST', '/api/connections', { name: 'x'.repeat(1_048_577) })
  t.match(response.json(), { status: 413, code: 'FMS_PAYLOAD_TOO_LARGE' })
})
