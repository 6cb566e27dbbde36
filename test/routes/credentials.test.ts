import t from 'tap'
import { problem } from '../../errors.ts'
import { assertNoCanary, buildControl, CANARY, type Control } from './build-control.ts'

const KEYS = {
  alpaca: { key_id: `${CANARY}-id`, secret_key: `${CANARY}-secret` },
  polygon: { api_key: `${CANARY}-polygon` },
  fmp: { api_key: `${CANARY}-fmp` },
  finnhub: { api_key: `${CANARY}-finnhub` }
}

async function createConnection ({ call }: Control, name = 'a'): Promise<string> {
  return (await call('POST', '/api/connections', { name })).json().id
}

t.test('each provider takes its own fields, and nothing of them is shown', async t => {
  const control = await buildControl(t)
  const { app, call } = control
  const id = await createConnection(control)
  const responses = []
  for (const [provider, key] of Object.entries(KEYS)) {
    const response = await call('PUT', `/api/connections/${id}/credentials/${provider}`, key)
    t.equal(response.statusCode, 200)
    t.match(response.json(), { provider, fingerprint: /^\S{6}$/, test_status: null, tested_at: null })
    responses.push(response)
  }
  t.same(await app.vault.openCredential(id, 'alpaca'), KEYS.alpaca)
  responses.push(await call('GET', '/api/connections'), await call('GET', `/api/connections/${id}`), await call('GET', '/api/audit'))
  await assertNoCanary(t, control, responses)
})

t.test('a key of the wrong shape is refused with the fields that the provider takes, and is not echoed', async t => {
  const control = await buildControl(t)
  const { call } = control
  const id = await createConnection(control)
  const responses = []
  const wrong: [string, unknown, RegExp][] = [
    ['alpaca', { api_key: CANARY }, /key_id and secret_key/],
    ['alpaca', { key_id: CANARY }, /key_id and secret_key/],
    ['alpaca', { key_id: CANARY, secret_key: [CANARY] }, /key_id and secret_key/],
    ['fmp', { key_id: CANARY, secret_key: CANARY }, /api_key/],
    ['fmp', { api_key: `${CANARY} with spaces` }, /without white space/],
    ['fmp', { api_key: CANARY.repeat(30) }, /500 characters/],
    ['fmp', { api_key: '' }, /api_key/],
    ['fmp', { [CANARY]: 'the name is the secret' }, /api_key/],
    ['fmp', { api_key: 'x', [CANARY]: 'too much' }, /nothing else/],
    ['fmp', { api_key: { [CANARY]: CANARY } }, /api_key/],
    ['fmp', [CANARY], /api_key/],
    ['fmp', `"${CANARY}"`, /api_key/],
    ['fmp', 'null', /api_key/],
    ['fmp', undefined, /api_key/],
    ['fmp', `{"api_key":"${CANARY}"`, /JSON/],
    ['fmp', `{"__proto__":{"api_key":"${CANARY}"}}`, /JSON/],
    ['sample', { api_key: CANARY }, /takes no key/],
    ['yahoo', { api_key: CANARY }, /alpaca/]
  ]
  for (const [provider, body, detail] of wrong) {
    const response = await call('PUT', `/api/connections/${id}/credentials/${provider}`, body)
    t.match(response.json(), { status: 400, code: 'FMS_INVALID_INPUT', detail }, `${provider} ${JSON.stringify(body)}`)
    responses.push(response)
  }
  t.same((await call('GET', `/api/connections/${id}`)).json().credentials, [])
  await assertNoCanary(t, control, responses)
})

t.test('a key for an unknown connection is not found', async t => {
  const { call } = await buildControl(t)
  const url = '/api/connections/00000000-0000-4000-8000-000000000000/credentials/fmp'
  for (const response of [await call('PUT', url, KEYS.fmp), await call('DELETE', url), await call('POST', `${url}/test`)]) {
    t.match(response.json(), { status: 404, code: 'FMS_NOT_FOUND' })
  }
})

t.test('a test is stored with its latency, and forgotten when the key is replaced', async t => {
  const control = await buildControl(t)
  const { app, call, provider } = control
  const id = await createConnection(control)
  const url = `/api/connections/${id}/credentials/fmp`
  t.match((await call('POST', `${url}/test`)).json(), { status: 409, code: 'FMS_PROVIDER_NOT_CONFIGURED' })
  await call('PUT', url, KEYS.fmp)
  t.same((await call('POST', `${url}/test`)).json(), { status: 'ok', latency_ms: 12, message: 'The provider accepted the key.' })
  t.match((await call('GET', `/api/connections/${id}`)).json().credentials, [{ test_status: 'ok', test_latency_ms: 12, tested_at: /Z$/ }])

  provider.test = async () => ({ status: 'FMS_PROVIDER_REJECTED_KEY', latency_ms: 3.6, message: 'FMP refused the key.' })
  t.match((await call('POST', `${url}/test`)).json(), { status: 'FMS_PROVIDER_REJECTED_KEY' })
  t.match((await call('GET', `/api/connections/${id}`)).json().credentials,
    [{ test_status: 'FMS_PROVIDER_REJECTED_KEY', test_latency_ms: 4, test_message: 'FMP refused the key.' }])
  t.match((await app.audit.list({ action: 'credential.test' })).items,
    [{ outcome: 'PROVIDER_REJECTED_KEY', target: 'fmp' }, { outcome: 'ok', latency_ms: 12 }])

  await call('PUT', url, { api_key: 'another' })
  t.match((await call('GET', `/api/connections/${id}`)).json().credentials, [{ test_status: null, tested_at: null }])
})

t.test('a test of a key that was replaced meanwhile says nothing about the new one', async t => {
  const control = await buildControl(t)
  const { call, provider } = control
  const id = await createConnection(control)
  const url = `/api/connections/${id}/credentials/fmp`
  await call('PUT', url, KEYS.fmp)
  provider.test = async () => {
    await call('PUT', url, { api_key: 'another' })
    return { status: 'ok', latency_ms: 1, message: 'The provider accepted the key.' }
  }
  t.equal((await call('POST', `${url}/test`)).statusCode, 200)
  t.match((await call('GET', `/api/connections/${id}`)).json().credentials, [{ test_status: null }])
})

t.test('a test that fails in an unforeseen way is an internal error without details', async t => {
  const control = await buildControl(t)
  const { call, provider } = control
  const id = await createConnection(control)
  await call('PUT', `/api/connections/${id}/credentials/fmp`, KEYS.fmp)
  provider.test = () => Promise.reject(new Error('secret plans'))
  const response = await call('POST', `/api/connections/${id}/credentials/fmp/test`)
  t.equal(response.statusCode, 500)
  t.notMatch(response.body, /secret plans/)
  provider.test = () => Promise.reject(problem('OVERLOADED', 'Later.', { retry_after_seconds: 2 }))
  t.equal((await call('POST', `/api/connections/${id}/credentials/fmp/test`)).headers['retry-after'], '2')
})

t.test('a caller who goes away ends the test, and one who sent a body is waited for', async t => {
  const control = await buildControl(t)
  const { app, provider } = control
  const id = await createConnection(control)
  await app.connections.setCredential(id, 'fmp', KEYS.fmp, { actor: 'system' })
  const { token } = await app.admin.createToken({ name: 'real' }, { actor: 'system' })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const request = (signal?: AbortSignal) => fetch(`${origin}/api/connections/${id}/credentials/fmp/test`, {
    method: 'POST',
    body: '{}',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(signal && { signal })
  })
  provider.test = async (_id, signal) => {
    await new Promise(resolve => setTimeout(resolve, 50))
    return { status: signal.aborted ? 'aborted' : 'ok', latency_ms: 50, message: '' }
  }
  t.match(await (await request()).json(), { status: 'ok' })

  const leaving = new AbortController()
  const aborted = new Promise<void>(resolve => {
    provider.test = (_id, signal) => new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        resolve()
        reject(signal.reason)
      })
      leaving.abort()
    })
  })
  await t.rejects(request(leaving.signal))
  await aborted
})

t.test('a deleted key is gone', async t => {
  const control = await buildControl(t)
  const { app, call } = control
  const id = await createConnection(control)
  const url = `/api/connections/${id}/credentials/fmp`
  t.match((await call('DELETE', url)).json(), { status: 404, code: 'FMS_NOT_FOUND' })
  await call('PUT', url, KEYS.fmp)
  t.equal((await call('DELETE', url)).statusCode, 204)
  t.equal(await app.vault.openCredential(id, 'fmp'), null)
  t.same((await app.audit.list({ connection_id: id })).items.map(({ action }) => action),
    ['credential.delete', 'credential.set', 'connection.create'])
})

t.test('a change of a key is told on the bus', async t => {
  const control = await buildControl(t)
  const { app, call } = control
  const id = await createConnection(control)
  const told: object[] = []
  app.bus.subscribe('credential:changed', payload => told.push(payload))
  await call('PUT', `/api/connections/${id}/credentials/fmp`, KEYS.fmp)
  await call('DELETE', `/api/connections/${id}/credentials/fmp`)
  t.same(told, [{ connection_id: id, provider: 'fmp' }, { connection_id: id, provider: 'fmp' }])
})
