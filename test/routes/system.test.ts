import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { VERSION } from '../../version.ts'
import { createSelfSigned } from '../../cli/self-signed.ts'
import { createOutage, until } from '../plugins/build-security.ts'
import { needsRedis, startRedis } from '../redis.ts'
import { buildControl } from './build-control.ts'

t.test('an admin sees what the server runs on', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  await call('PUT', `/api/connections/${id}/credentials/fmp`, { api_key: 'test-fmp-key' })
  const response = await call('GET', '/api/system')
  t.equal(response.statusCode, 200)
  const system = response.json()
  t.match(system, {
    version: VERSION,
    node: process.versions.node,
    replica: { id: /^[0-9a-f-]{36}$/, host: String, uptime_seconds: Number },
    database: { kind: 'external', version: /^\d+/, size_bytes: Number },
    redis: null,
    tls: null,
    cache: { store: { name: 'postgres', state: 'ok' }, memory: { entries: 0 } },
    keys: { source: 'MASTER_KEY', primary: 'k1', keys: [{ kid: 'k1', state: 'primary', data_keys: 1, system_keys: 4 }] },
    audit: { waiting: Number, dropped: 0 }
  })
  t.ok(system.replica.memory_bytes > 1e6 && system.database.size_bytes > 1e6)
  t.equal(system.database.migrations[0], '0001-core')
  const names = system.dependencies.map(({ name }: { name: string }) => name)
  t.same(names, Object.keys(app.health.read()))
  for (const { name, state, message } of system.dependencies) {
    t.equal(state, 'ok', name)
    t.match(message, /answers.*\.$/, name)
  }
})

t.test('what does not answer is told with what it means, and its facts are null', async t => {
  const { app, call } = await buildControl(t, { env: { SESSION_GRACE_SECONDS: '60' } })
  await call('GET', '/api/system')
  const { down, up } = createOutage(app.dbPool.options.connectionString!)
  await down()
  t.teardown(up)
  await until(() => app.dbState.isDown())
  const system = (await call('GET', '/api/system')).json()
  t.match(system, { database: { version: null, size_bytes: null, migrations: null }, keys: null })
  t.match(system.dependencies.find(({ name }: { name: string }) => name === 'database'), { state: 'down', message: /Check DATABASE_URL/ })
  await up()
  await until(async () => (await call('GET', '/api/system')).json().keys !== null)
})

t.test('Redis tells its version, and is missed where it is gone', { ...needsRedis }, async t => {
  const url = await startRedis(t)
  const { call } = await buildControl(t, { env: { REDIS_URL: url } })
  const system = (await call('GET', '/api/system')).json()
  t.match(system, { redis: { version: /^\d+\./ }, cache: { store: { name: 'redis' } } })
  t.match(system.dependencies.find(({ name }: { name: string }) => name === 'redis'), { state: 'ok', message: 'Redis answers.' })
})

t.test('a Redis that is away from the start has no version', async t => {
  const { call } = await buildControl(t, { env: { REDIS_URL: 'redis://127.0.0.1:1' } })
  const system = (await call('GET', '/api/system')).json()
  t.match(system, { redis: { version: null } })
  t.match(system.dependencies.find(({ name }: { name: string }) => name === 'redis'), { state: 'down', message: /Check REDIS_URL/ })
})

t.test('over https it tells when the certificate expires', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fms-system-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const { cert, key } = await createSelfSigned(['localhost'], 2)
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
  const { app, call } = await buildControl(t, { env: { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } })
  const { tls } = (await call('GET', '/api/system')).json()
  t.ok(Math.abs(Date.parse(tls.expires_at) - Date.now() - 2 * 86_400_000) < 3_600_000)
  const next = await createSelfSigned(['localhost'], 5)
  await Promise.all([writeFile(certFile, next.cert), writeFile(keyFile, next.key)])
  app.reloadTls!()
  const renewed = (await call('GET', '/api/system')).json()
  t.ok(Date.parse(renewed.tls.expires_at) > Date.parse(tls.expires_at), 'also after it was read again')
})

t.test('only an admin is told', async t => {
  const { app } = await buildControl(t)
  for (const url of ['/api/system', '/api/keys/rewrap', '/api/providers']) {
    t.match((await app.inject({ url })).json(), { status: 401, code: 'FMS_UNAUTHENTICATED' }, url)
  }
})
