import { test } from 'tap'
import { build } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'

test('verify_quote asks every provider, and says that they agree on a bar', async t => {
  const { connect } = await build(t)
  const { get } = await connect()
  const { body, status } = await get('verify_quote?symbol=AAPL&date=2026-02-10')
  t.equal(status, 200)
  t.match(body.data, { symbol: 'AAPL', date: '2026-02-10', verdict: 'agree', spread_percent: 0, failed: [] })
  t.same(body.data.sources.map(({ provider }: { provider: string }) => provider), ['alpaca', 'polygon', 'fmp', 'finnhub'])
  t.ok(body.data.sources.every(({ price }: { price: number }) => price === body.data.agreed_price))
  t.match(body.meta, { provider: 'alpaca,polygon,fmp,finnhub', adjustment: 'split', tried: [] })
})

test('one price far from the others is marked, and who failed is named', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect()
  upstream.fault('finnhub', (_, response) => sendJson(response, 200, { c: 999, d: 1, dp: 1, h: 1000, l: 990, o: 995, pc: 998, t: 1_771_000_000 }))
  upstream.fault('alpaca', (_, response) => sendJson(response, 500, { message: 'internal' }))
  const { body } = await get('verify_quote?symbol=AAPL&tolerance_percent=5')
  t.equal(body.data.verdict, 'outlier')
  t.same(body.data.sources.filter(({ outlier }: { outlier: boolean }) => outlier).map(({ provider }: { provider: string }) => provider), ['finnhub'])
  t.match(body.data.failed, [{ provider: 'alpaca', code: 'FMS_PROVIDER_UNAVAILABLE' }])
  t.same(body.meta.tried, [{ provider: 'alpaca', outcome: 'unavailable' }])
})

test('a day without trading and an unknown symbol are refused with what to do', async t => {
  const { connect } = await build(t)
  const { get } = await connect()
  t.match(await get('verify_quote?symbol=AAPL&date=2026-02-08'), { status: 400, body: { detail: /no trading day/ } })
  t.match(await get('verify_quote?symbol=ZZZZ'), { status: 404, body: { code: 'FMS_SYMBOL_NOT_FOUND' } })
})

test('compare_symbols puts the series on one basis, and refuses what is not', async t => {
  const { connect } = await build(t)
  const { get } = await connect()
  const { body } = await get('compare_symbols?symbols=AAPL,MSFT&start=2026-01-05&end=2026-02-27')
  t.match(body.data, { benchmark: 'AAPL', adjustment: 'split', timeframe: '1day' })
  const [apple, other] = body.data.symbols
  t.match(apple, { symbol: 'AAPL', beta: 1, correlation: 1 })
  t.match(other, { symbol: 'MSFT', return_percent: Number, volatility_percent: Number })
  t.equal(body.data.correlation_matrix.length, 2)
  t.match(await get('compare_symbols?symbols=AAPL,aapl'), { status: 400, body: { detail: /two different symbols/ } })
  t.match(await get('compare_symbols?symbols=AAPL,ZZZZ&lookback=30d'), { status: 404, body: { detail: /Only AAPL could be read/ } })
})
