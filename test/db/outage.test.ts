import { test } from 'tap'
import { isOutage } from '../../db/outage.ts'
import { createDatabase, query } from '../database.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { build } from '../helper.ts'

test('while the database is out of reach calls say so, and work again when it is back', async t => {
  const url = await createDatabase(t)
  const { app, connect } = await build(t, { DATABASE_URL: url })
  const { get, token } = await connect({ keys: ['alpaca'] })
  t.equal((await get('get_quote?symbols=AAPL')).status, 200)

  const name = new URL(url).pathname.slice(1)
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  await query(maintenance.href, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
  await query(maintenance.href, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)

  t.equal((await get('get_quote?symbols=AAPL')).status, 200, 'what is in memory still answers')
  const down = await get('get_quote?symbols=TSLA')
  t.match(down, { status: 503, body: { code: 'FMS_OVERLOADED', retry_after_seconds: 5 } })
  t.match(down.body.detail, /database does not answer/)
  const ready = await app.inject({ url: '/health/ready', headers: { host: 'localhost' } })
  t.equal(ready.statusCode, 200)
  t.match(ready.json(), { status: 'degraded', dependencies: { database: 'down' } })
  t.equal((await app.inject({ url: '/health/live', headers: { host: 'localhost' } })).statusCode, 200)
  const mcp = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { host: 'localhost', authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' },
    payload: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_quote', arguments: { symbols: ['TSLA'] } } }
  })
  t.match(mcp.body, /database does not answer.*FMS_OVERLOADED/)

  await query(maintenance.href, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
  t.ok(await waitFor(() => app.bus.healthy()))
  t.equal((await get('get_quote?symbols=TSLA')).status, 200)
})

test('a wrong statement is no outage', async t => {
  const { app } = await build(t)
  t.notOk(isOutage(await app.dbPool.query('SELECT * FROM nothing').catch(error => error)))
  t.notOk(isOutage(new TypeError('x')))
  t.notOk(isOutage('text'))
  t.ok(isOutage(new AggregateError([Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' })])))
})
