import { test } from 'tap'
import { importEnvironment } from '../../plugins/connections/seeds.ts'
import { build } from '../helper.ts'
import { buildControl } from '../routes/build-control.ts'

const by = { actor: 'test' }

test('an endpoint is stored as it was given, changed, and taken away', async t => {
  const { call } = await buildControl(t)
  const endpoints = { polygon: 'https://proxy.example.com:8443/polygon/', alpaca_data: 'https://[2606:4700::1111]' }
  const { id, settings } = (await call('POST', '/api/connections', { name: 'a', settings: { endpoints } })).json()
  t.same(settings.endpoints, endpoints)
  const changed = await call('PATCH', `/api/connections/${id}`, { settings: { endpoints: {} } })
  t.same(changed.json().settings.endpoints, {})
})

test('what is no plain https URL is refused, by the name of its field', async t => {
  const { call } = await buildControl(t)
  const refused = [
    'http://proxy.example.com', 'https://user:pass@proxy.example.com', 'https://proxy.example.com?a=1', 'https://proxy.example.com/#a',
    'https://', 'https://a b', 'https://a\\b', 'https://[::1', 'https://proxy.example.com:99999', 'proxy.example.com', '', 'https://\u0000',
    `https://proxy.example.com/${'a'.repeat(500)}`
  ]
  for (const polygon of refused) {
    const response = await call('POST', '/api/connections', { name: 'a', settings: { endpoints: { polygon } } })
    t.equal(response.statusCode, 400, polygon)
    t.match(response.json(), { code: 'FMS_INVALID_INPUT', detail: /endpoints.polygon/ })
  }
  const unknown = await call('POST', '/api/connections', { name: 'a', settings: { endpoints: { sample: 'https://a.example' } } })
  t.equal(unknown.statusCode, 400)
})

test('a stored key is never sent to another server than it was stored for', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  const change = (endpoints: object) => call('PATCH', `/api/connections/${id}`, { settings: { endpoints } })
  await app.connections.setCredential(id, 'polygon', { api_key: 'test-key' }, by)
  const refused = await change({ polygon: 'https://elsewhere.example' })
  t.match([refused.statusCode, refused.json()], [409, { code: 'FMS_CONFLICT', provider: 'polygon', detail: /Delete the key/ }])
  t.equal((await change({ fmp: 'https://elsewhere.example' })).statusCode, 200, 'another provider\'s may be set')

  await app.connections.deleteCredential(id, 'polygon', by)
  t.equal((await change({ polygon: 'https://proxy.example/a' })).statusCode, 200)
  await app.connections.setCredential(id, 'polygon', { api_key: 'test-key' }, by)
  t.equal((await change({ polygon: 'https://proxy.example/b' })).statusCode, 200, 'another path of the same server')
  t.equal((await change({ polygon: 'https://proxy.example:8443/b' })).statusCode, 409, 'another port is another server')
  t.equal((await change({})).statusCode, 200, 'back to the provider')
})

test('the environment\'s key is not imported where it would go to another server', async t => {
  const { app, config, logs } = await build(t, { POLYGON_API_KEY: 'test-polygon', FMP_API_KEY: 'test-fmp' })
  await app.connections.create({ name: 'default', settings: { endpoints: { polygon: 'https://elsewhere.example' } } }, by)
  await importEnvironment(app, config)
  const [connection] = await app.connections.list()
  t.same(connection?.credentials.map(({ provider }) => provider), ['fmp'])
  t.match(logs.join(''), /was not imported/)
})

test('a refused endpoint is told to the caller without its address, and to the operator with it', async t => {
  const { connect, logs, upstream } = await build(t)
  const endpoints = { polygon: 'https://127.0.0.1:9', alpaca_trading: 'https://10.0.0.1' }
  const { get } = await connect({ keys: [], settings: { provider_order: ['polygon', 'alpaca'], endpoints } })
  t.equal((await get('get_quote?symbols=AAPL')).status, 409, 'there is no key yet')
  const { get: ask } = await connect({ keys: ['polygon', 'fmp'], settings: { provider_order: ['polygon', 'fmp'], endpoints } })
  const { status, body } = await ask('get_quote?symbols=AAPL')
  t.match([status, body.meta], [200, { provider: 'fmp', tried: [{ provider: 'polygon', outcome: 'unavailable' }] }], 'the next one answers')
  const alone = await ask('get_quote?symbols=MSFT&provider=polygon')
  t.match(alone.body, { code: 'FMS_PROVIDER_UNAVAILABLE', detail: /not allowed/ })
  t.notMatch(alone.text, '127.0.0.1')
  t.match(logs.find(line => line.includes('ENDPOINT_PRIVATE_RANGES')), /"provider":"polygon","host":"127\.0\.0\.1","address":"127\.0\.0\.1"/)
  t.notOk(upstream.requests.some(({ provider }) => provider === 'polygon'))
})

test('a list that the provider sent to one connection is not given to another that asks an endpoint', async t => {
  const { connect } = await build(t)
  const search = 'search_symbols?query=apple&provider=alpaca'
  const direct = await connect({ keys: ['alpaca'] })
  t.equal((await direct.get(search)).status, 200)
  const other = await connect({ keys: ['alpaca'], settings: { endpoints: { alpaca_trading: 'https://127.0.0.1:9' } } })
  t.match(await other.get(search), { status: 502, body: { code: 'FMS_PROVIDER_UNAVAILABLE' } })
})

test('what is learned at an endpoint is not known of the provider: quota and refusals', async t => {
  const { app, connect } = await build(t)
  const { connectionId } = await connect({ keys: ['polygon'] })
  const credential = await app.vault.openCredential(connectionId, 'polygon')
  t.not(app.quota.ledgerOf('polygon', credential), app.quota.ledgerOf('polygon', credential, 'polygon=https://proxy.example'))
  const refused = { connection_id: connectionId, provider: 'polygon', capability: 'quote', endpoint: '/v2/x', message: 'no' } as const
  app.entitlements.learn(refused, new Date())
  await app.entitlements.flush()
  t.equal((await app.entitlements.list(connectionId)).length, 1)
  const { id } = await app.connections.create({ name: 'proxied', settings: { endpoints: { polygon: 'https://proxy.example' } } }, by)
  await app.connections.setCredential(id, 'polygon', { api_key: 'test-other' }, by)
  app.entitlements.learn({ ...refused, connection_id: id }, new Date())
  await app.entitlements.flush()
  await app.connections.update(id, { settings: { endpoints: {} } }, by)
  t.equal((await app.entitlements.list(id)).length, 0, 'forgotten with the endpoint')
  t.equal((await app.entitlements.list(connectionId)).length, 1)
})
