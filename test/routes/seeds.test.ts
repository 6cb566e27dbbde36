import t from 'tap'
import { createDatabase } from '../database.ts'
import { assertNoCanary, buildControl, CANARY } from './build-control.ts'

const env = { ALPACA_API_KEY: `${CANARY}-id`, ALPACA_SECRET_KEY: `${CANARY}-secret`, FMP_API_KEY: `${CANARY}-fmp` }

t.test('the environment\'s keys are sealed into the connection "default", once', async t => {
  const control = await buildControl(t, { env })
  const { app, call } = control
  await app.connections.importEnvironment()
  const [connection] = await app.connections.list()
  t.match(connection, { name: 'default', credentials: [{ provider: 'alpaca' }, { provider: 'fmp' }] })
  t.same(await app.vault.openCredential(String(connection?.id), 'fmp'), { api_key: `${CANARY}-fmp` })
  const before = await app.audit.list({})
  await app.connections.importEnvironment()
  t.same(await app.audit.list({}), before, 'a second start changes nothing')
  t.match(before.items.slice(0, 3), [
    { action: 'credential.set', actor: 'system', target: 'fmp' }, { action: 'credential.set', actor: 'system', target: 'alpaca' },
    { action: 'connection.create', actor: 'system', target: 'default' }
  ])
  await assertNoCanary(t, control, [await call('GET', '/api/connections')])
})

t.test('a changed key is sealed anew, and what else the owner set stays', async t => {
  const databaseUrl = await createDatabase(t)
  const first = await buildControl(t, { databaseUrl, env })
  await first.app.connections.importEnvironment()
  const [{ id } = { id: '' }] = await first.app.connections.list()
  await first.call('PATCH', `/api/connections/${id}`, { settings: { provider_order: ['fmp'], alpaca_feed: 'sip' } })

  const second = await buildControl(t, { databaseUrl, env: { ...env, FMP_API_KEY: `${CANARY}-new`, ENABLE_CACHING: 'false' } })
  await second.app.connections.importEnvironment()
  t.same(await second.app.vault.openCredential(id, 'fmp'), { api_key: `${CANARY}-new` })
  t.same(await second.app.vault.openCredential(id, 'alpaca'), { key_id: `${CANARY}-id`, secret_key: `${CANARY}-secret` })
  t.match((await second.app.connections.get(id)).settings, { provider_order: ['fmp'], alpaca_feed: 'sip', caching: false })
  t.equal((await second.app.audit.list({ action: 'credential.set' })).items.length, 3)
})

t.test('an environment that states nothing makes nothing, and CACHE_TTL alone makes the connection', async t => {
  const { app } = await buildControl(t)
  await app.connections.importEnvironment()
  t.same(await app.connections.list(), [])
  const cached = await buildControl(t, { env: { CACHE_TTL: '60' } })
  await cached.app.connections.importEnvironment()
  t.match(await cached.app.connections.list(), [{ name: 'default', credentials: [] }])
})

t.test('two replicas that start at once make one connection', async t => {
  const databaseUrl = await createDatabase(t)
  const replicas = [await buildControl(t, { databaseUrl, env }), await buildControl(t, { databaseUrl, env })]
  await Promise.all(replicas.map(({ app }) => app.connections.importEnvironment()))
  t.match(await replicas[0]?.app.connections.list(), [{ name: 'default', credentials: [{ provider: 'alpaca' }, { provider: 'fmp' }] }])
})

t.test('a key in the environment that cannot be one is refused with its fields', async t => {
  const control = await buildControl(t, { env: { FMP_API_KEY: `${CANARY} with spaces` } })
  await t.rejects(control.app.connections.importEnvironment(), { code: 'FMS_INVALID_INPUT', message: /api_key/ })
  await assertNoCanary(t, control, [])
})

t.test('the sample connection is made where there is none at all, and found again', async t => {
  const { app, call } = await buildControl(t)
  const made = await app.connections.ensureSample()
  t.match(made, { name: 'sample', settings: { provider_order: ['sample'] } })
  t.same(await app.connections.ensureSample(), made)
  await call('POST', '/api/connections', { name: 'real' })
  t.same(await app.connections.ensureSample(), made)
  await call('DELETE', `/api/connections/${made?.id}`)
  t.equal(await app.connections.ensureSample(), undefined, 'not again beside a real one')
})
