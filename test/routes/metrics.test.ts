import t from 'tap'
import { build } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'

t.test('GET /metrics tells an admin what is down and what was counted', async t => {
  const { app, connect, upstream } = await build(t)
  const { get, token: session } = await connect({ settings: { provider_order: ['finnhub'], caching: false } })
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const read = (bearer?: string) => app.inject({ url: '/metrics', headers: { host: 'localhost', ...(bearer && { authorization: `Bearer ${bearer}` }) } })
  t.equal((await read()).statusCode, 401)
  t.equal((await read(session)).statusCode, 401)

  await get('get_quote?symbols=AAPL')
  app.metrics.toolCall('get_quote', 'ok', 'miss')
  const fine = await read(token)
  t.match(fine.headers['content-type'], /^text\/plain; version=/)
  for (const line of [
    'fms_dependency_up{dependency="provider:finnhub"} 1',
    'fms_breaker_state{provider="finnhub"} 0',
    'fms_provider_requests_total{provider="finnhub",outcome="ok"} 1',
    'fms_tool_calls_total{tool="get_quote",outcome="ok",cache="miss"} ',
    'process_resident_memory_bytes '
  ]) t.match(fine.body, line)

  upstream.fault('finnhub', (_, response) => sendJson(response, 500, {}))
  for (let i = 0; i < 4; i++) await get('get_quote?symbols=AAPL')
  const { body } = await read(token)
  t.match(body, 'fms_dependency_up{dependency="provider:finnhub"} 0')
  t.match(body, 'fms_breaker_state{provider="finnhub"} 1')
  t.match(body, 'fms_provider_requests_total{provider="finnhub",outcome="unavailable"} 5')
  t.notMatch(body, 'test-finnhub-key')
  const ready = await app.inject({ url: '/health/ready', headers: { host: 'localhost' } })
  t.equal(ready.statusCode, 200, 'a provider that is down takes no server out of service')
})
