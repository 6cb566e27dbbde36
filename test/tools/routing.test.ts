import { test } from 'tap'
import { build } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'

const ORDER = ['alpaca', 'polygon', 'fmp', 'finnhub'] as const

test('get_quote and get_bars answer through each provider alone, with its key in a header and nowhere else', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect()
  for (const provider of ORDER) {
    const quote = await get(`get_quote?symbols=AAPL,MSFT&provider=${provider}`)
    t.equal(quote.status, 200)
    t.equal(quote.body.meta.provider, provider)
    t.same(quote.body.data.quotes.map((row: { symbol: string }) => row.symbol), ['AAPL', 'MSFT'])
    t.ok(quote.body.data.quotes.every((row: { price: number, as_of: string }) => row.price > 0 && row.as_of))
    const bars = await get(`get_bars?symbols=AAPL&lookback=20d&limit=5&provider=${provider}`)
    t.equal(bars.body.meta.provider, provider)
    t.equal(bars.body.data.series[0].columns.time.length, 5)
  }
  for (const { path, query, headers, provider } of upstream.requests) {
    t.notMatch(`${path}?${query}`, 'test-', 'no key in a URL')
    t.match(JSON.stringify(headers), `test-${provider}`)
  }
})

test('all providers give the same daily bars for the same days', async t => {
  const { connect } = await build(t)
  const { get } = await connect()
  const answers = await Promise.all(ORDER.map(provider => get(`get_bars?symbols=AAPL&start=2026-02-02&end=2026-02-13&provider=${provider}`)))
  const [first, ...others] = answers.map(({ body }) => body.data.series[0].columns)
  t.equal(first.time.length, 10)
  t.equal(first.time[0], '2026-02-02')
  for (const other of others) t.same(other, first)
})

test('on a failure the next provider in order answers, and the receipt says who failed and how', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect()
  upstream.fault('alpaca', (_, response) => sendJson(response, 403, { message: 'subscription does not permit querying recent SIP data' }))
  upstream.fault('polygon', (_, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<html>maintenance</html>') })
  const { body } = await get('get_quote?symbols=AAPL')
  t.equal(body.meta.provider, 'fmp')
  t.same(body.meta.tried, [{ provider: 'alpaca', outcome: 'not_entitled' }, { provider: 'polygon', outcome: 'malformed' }])
})

test('symbols that one provider lacks go to the next, each row says who made it, and unknown ones are named', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ settings: { provider_order: ['finnhub', 'alpaca'] } })
  const { body, status } = await get('get_quote?symbols=AAPL,BTC/USD,ZZZZ')
  t.equal(status, 200)
  t.same(body.data.quotes.map(({ symbol, provider }: { symbol: string, provider: string }) => [symbol, provider]), [['AAPL', 'finnhub'], ['BTC/USD', 'alpaca']])
  t.equal(body.meta.provider, 'finnhub,alpaca')
  t.same(body.meta.failed.map(({ symbol, code }: { symbol: string, code: string }) => [symbol, code]), [['ZZZZ', 'FMS_SYMBOL_NOT_FOUND']])
})

test('settings say which providers are asked and in which order', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ settings: { provider_order: ['fmp', 'alpaca'] } })
  t.equal((await get('get_quote?symbols=AAPL')).body.meta.provider, 'fmp')
  const refused = await get('get_quote?symbols=AAPL&provider=polygon')
  t.equal(refused.status, 409)
  t.equal(refused.body.code, 'FMS_PROVIDER_NOT_CONFIGURED')
})

test('without any key, crypto still answers from Alpaca, and stocks say which keys would help', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ keys: [] })
  t.equal((await get('get_quote?symbols=BTC/USD')).body.meta.provider, 'alpaca')
  const { status, body } = await get('get_quote?symbols=AAPL')
  t.equal(status, 409)
  t.match(body.detail, /Store a key of Alpaca/)
})

test('the sample market answers without a key and says that it is made up', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ keys: [], name: 'sample', settings: { provider_order: ['sample'] } })
  const questions = [
    'search_symbols?query=apple',
    'get_quote?symbols=AAPL,BTC/USD,EUR/USD,I:SPX',
    'get_bars?symbols=AAPL&timeframe=15min&limit=20',
    'get_company_profile?symbol=AAPL',
    'get_news?symbols=AAPL',
    'get_market_status'
  ]
  for (const question of questions) {
    const { status, body } = await get(question)
    t.equal(status, 200, question)
    t.match(body.meta, { provider: 'sample', synthetic: true })
  }
  t.equal((await get('get_quote?symbols=ZZZZ')).body.code, 'FMS_SYMBOL_NOT_FOUND')
})

test('a symbol that nobody knows is one sentence; mixed reasons are each named', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect()
  t.match((await get('get_quote?symbols=ZZZZ')).body.detail, /^alpaca does not know ZZZZ\. Nor do polygon, fmp, finnhub\./i)
  upstream.fault('alpaca', (_, response) => sendJson(response, 401, {}))
  const { status, body } = await get('get_quote?symbols=ZZZY')
  t.equal(status, 404, 'that a symbol is unknown is a fact, and goes before a refused key')
  t.match(body.detail, /Asked: alpaca \(rejected_key\), polygon \(symbol_not_found\)/)
})

test('one capability may have an order of its own', async t => {
  const { app, connect } = await build(t)
  const { get, connectionId } = await connect({ settings: { provider_order: ['finnhub', 'fmp'], capability_order: { bars: ['polygon', 'fmp'], profile: [] } } })
  t.equal((await get('get_quote?symbols=AAPL')).body.meta.provider, 'finnhub')
  t.equal((await get('get_bars?symbols=AAPL&lookback=20d')).body.meta.provider, 'polygon')
  const refused = await get('get_company_profile?symbol=AAPL')
  t.match(refused, { status: 409, body: { code: 'FMS_PROVIDER_NOT_CONFIGURED', detail: /^No provider of this connection \(none\)/ } })
  const change = (settings: object) => app.connections.update(connectionId, { settings }, { actor: 'test' })
  await t.rejects(change({ capability_order: { bars: ['sample'] } }), { code: 'FMS_INVALID_INPUT', message: /sample market/ })
  await t.rejects(change({ capability_order: { weather: ['fmp'] } }), { code: 'FMS_INVALID_INPUT' })
})

test('with hedging the next provider answers for one that is slower than it usually is, and the receipt says so', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ settings: { provider_order: ['alpaca', 'finnhub'], caching: false, hedging: true } })
  for (let i = 0; i < 20; i++) {
    for (const tool of ['get_quote?symbols=AAPL', 'get_market_status']) t.equal((await get(tool)).body.meta.provider, 'alpaca')
  }
  upstream.fault('alpaca', () => true)
  for (const tool of ['get_quote?symbols=AAPL', 'get_market_status']) {
    const { body } = await get(tool)
    t.match(body.meta, { provider: 'finnhub', tried: [{ provider: 'alpaca', outcome: 'slow' }] }, tool)
  }
  upstream.fault('finnhub', (_, response) => sendJson(response, 500, {}))
  upstream.fault('alpaca', (_, response) => { setTimeout(() => sendJson(response, 401, {}), 200) })
  const { body } = await get('get_quote?symbols=AAPL')
  t.match(body.detail, /Asked: alpaca \(rejected_key\), finnhub \(unavailable\)/, 'in the order asked')
})

test('a provider that fails repeatedly is passed over at once', async t => {
  const { connect, upstream, logs } = await build(t)
  const { get } = await connect({ settings: { provider_order: ['fmp', 'alpaca'], caching: false } })
  upstream.fault('fmp', (_, response) => sendJson(response, 500, {}))
  for (let i = 0; i < 8; i++) {
    t.match((await get('get_quote?symbols=AAPL')).body.meta, { provider: 'alpaca', tried: [{ provider: 'fmp', outcome: 'unavailable' }] })
  }
  t.equal(upstream.requests.filter(({ provider }) => provider === 'fmp').length, 5)
  t.equal(logs.filter(line => /failed repeatedly; it is not asked/.test(line)).length, 1)
})
