import t from 'tap'
import { PROVIDERS } from '../../providers/index.ts'
import type { Entitlements, ProviderInfo } from '../../schemas/entitlements.ts'
import { build, type World } from '../helper.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

async function readerOf ({ app }: World) {
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  return async (url: string) => (await app.inject({ url, headers: { host: 'localhost', authorization: `Bearer ${token}` } })).json()
}

const cellOf = ({ capabilities }: Entitlements, capability: string, provider: string) =>
  capabilities.find(row => row.capability === capability)!.providers.find(cell => cell.provider === provider)

t.test('every provider says where its keys are to be had, and what it answers', async t => {
  const read = await readerOf(await build(t))
  const providers: ProviderInfo[] = await read('/api/providers')
  t.same(providers.map(({ provider }) => provider), Object.keys(PROVIDERS))
  for (const { provider, credential_fields: fields, key_url: url, capabilities } of providers) {
    t.equal(capabilities.length, Object.keys(PROVIDERS[provider].capabilities).length)
    if (fields.length === 0) t.equal(url, null)
    else t.match(url, /^https:\/\//, provider)
  }
  const alpaca = providers.find(({ provider }) => provider === 'alpaca')!
  t.match(alpaca.capabilities.find(({ capability }) => capability === 'quote'), { asset_classes: ['stock', 'crypto', 'forex', 'index', 'option'], keyless: ['crypto'] })
  t.match(alpaca.capabilities.find(({ capability }) => capability === 'search'), { asset_classes: null, keyless: [] })
})

t.test('the matrix tells what is supported, what needs a key, what is absent, and in which order it is asked', async t => {
  const world = await build(t)
  const read = await readerOf(world)
  const { connectionId } = await world.connect({
    keys: ['fmp'], settings: { provider_order: ['fmp', 'alpaca'], capability_order: { bars: ['alpaca'] } }
  })
  const matrix: Entitlements = await read(`/api/connections/${connectionId}/entitlements`)
  t.match(cellOf(matrix, 'quote', 'fmp'), { state: 'supported', place: 1, refusals: [] })
  t.match(cellOf(matrix, 'bars', 'fmp'), { state: 'supported', place: null })
  t.match(cellOf(matrix, 'bars', 'alpaca'), { state: 'keyless', place: 1 })
  t.match(cellOf(matrix, 'news', 'alpaca'), { state: 'needs_key', place: 2 })
  t.match(cellOf(matrix, 'options_chain', 'fmp'), { state: 'absent' })
  t.match(cellOf(matrix, 'quote', 'finnhub'), { state: 'needs_key', place: null })
  t.equal(cellOf(matrix, 'quote', 'sample'), undefined)
  t.match(matrix.providers.find(({ provider }) => provider === 'fmp'), {
    has_key: true, windows: [{ per: 'minute', limit: null }, { per: 'day', limit: 250, source: 'plan' }]
  })
  t.match(matrix.providers.find(({ provider }) => provider === 'polygon'), { has_key: false, windows: [] })
})

t.test('a refusal stands in the matrix with what the provider said, until the key is tested', async t => {
  const world = await build(t)
  const { app, upstream } = world
  const read = await readerOf(world)
  const { connectionId, get } = await world.connect({ keys: ['fmp'], settings: { provider_order: ['fmp'] } })
  upstream.fault('fmp', (_, response) => {
    response.writeHead(402, { 'content-type': 'application/json' }).end('{"Error Message":"Exclusive Endpoint: upgrade"}')
  })
  t.match((await get('get_earnings?symbol=AAPL')).body, { code: 'FMS_PROVIDER_NOT_ENTITLED' })
  await app.entitlements.flush()
  const url = `/api/connections/${connectionId}/entitlements`
  const cell = cellOf(await read(url), 'earnings', 'fmp')!
  t.match(cell, { state: 'refused', refusals: [{ endpoint: '/earnings', message: /Exclusive Endpoint/ }] })
  const [{ learned_at: since, until } = { learned_at: '', until: '' }] = cell.refusals
  t.equal(Date.parse(until) - Date.parse(since), 6 * 3_600_000)
  t.match(cellOf(await read(url), 'news', 'fmp'), { state: 'supported' })
  await app.connections.testCredential(connectionId, 'fmp', { actor: 'test' }, new AbortController().signal)
  t.match(cellOf(await read(url), 'earnings', 'fmp'), { state: 'supported', refusals: [] })
  const [stored] = (await app.connections.get(connectionId)).credentials
  t.match(stored, { test_status: String, test_latency_ms: Number, test_message: String, tested_at: String }, 'the test is kept')
})

t.test('a key that its provider refused answers nothing, until it is tested again', async t => {
  const world = await build(t)
  const { app, upstream } = world
  const read = await readerOf(world)
  const { connectionId } = await world.connect({ keys: ['polygon'], settings: { provider_order: ['polygon'] } })
  const test = () => app.connections.testCredential(connectionId, 'polygon', { actor: 'test' }, new AbortController().signal)
  const stateOf = async (capability: string) =>
    cellOf(await read(`/api/connections/${connectionId}/entitlements`), capability, 'polygon')!.state
  upstream.fault('polygon', (_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"status":"ERROR","error":"Unknown API Key"}')
  })
  t.match(await test(), { status: 'FMS_PROVIDER_REJECTED_KEY' })
  t.equal(await stateOf('quote'), 'key_refused')
  t.equal(await stateOf('economic_calendar'), 'absent')
  upstream.fault('polygon', undefined)
  await test()
  t.equal(await stateOf('quote'), 'supported')
})

t.test('the sample connection has the sample market alone', async t => {
  const world = await build(t)
  const read = await readerOf(world)
  const { id } = (await world.app.connections.ensureSample())!
  const matrix: Entitlements = await read(`/api/connections/${id}/entitlements`)
  t.same(matrix.providers, [{ provider: 'sample', title: 'Sample market', has_key: true, windows: [] }])
  t.ok(matrix.capabilities.every(({ providers }) => providers.length === 1 && providers[0]!.state === 'supported'))
})

t.test('a connection that is not there has none', async t => {
  const read = await readerOf(await build(t))
  t.match(await read(`/api/connections/${UNKNOWN}/entitlements`), { status: 404, code: 'FMS_NOT_FOUND' })
  t.match(await read('/api/connections/x/entitlements'), { status: 400, code: 'FMS_INVALID_INPUT' })
})
