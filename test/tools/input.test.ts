import { test } from 'tap'
import { build } from '../helper.ts'

test('bad arguments get the code, the argument and what to do, and ask no provider', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect()
  const many = Array.from({ length: 51 }, (_, i) => `AA${String.fromCharCode(65 + i % 26)}${i}`).join(',')
  const cases: [string, number, RegExp][] = [
    ['get_quote', 400, /symbols/],
    ['get_quote?symbols=', 400, /symbols/],
    [`get_quote?symbols=${many}`, 400, /symbols.*50/],
    ['get_quote?symbols=AAPL&colour=red', 400, /no argument "colour".*It takes symbols/],
    ['get_quote?symbols=BRK-B', 400, /did you mean BRK\.B/],
    ['get_bars?symbols=AAPL&timeframe=2min', 400, /timeframe must be one of 1min, 5min/],
    ['get_bars?symbols=AAPL&start=2026-03-13&end=2026-03-02', 400, /not after start/],
    ['get_bars?symbols=AAPL&limit=abc', 400, /limit must be integer/],
    ['get_bars?symbols=AAPL&limit=0', 400, /limit must be >= 1/],
    ['get_bars?symbols=AAPL&adjustment=none', 400, /adjustment must be one of raw, split, all/],
    ['get_company_profile?symbol=BTC/USD', 400, /not a company/],
    ['get_news?symbols=A,B,C,D,E,F', 400, /symbols/],
    ['search_symbols?query=', 400, /query/],
    ['get_everything', 404, /There is no tool "get_everything"\. There are search_symbols/]
  ]
  for (const [path, status, detail] of cases) {
    const { status: actual, body, headers } = await get(path)
    t.equal(actual, status, path)
    t.match(body.detail, detail)
    t.match(body.code, status === 400 ? 'FMS_INVALID_INPUT' : 'FMS_TOOL_NOT_FOUND')
    t.match(headers['content-type'], /^application\/problem\+json/)
  }
  t.equal(upstream.requests.length, 0)
})

test('lists come comma-separated or repeated, in any case, and each symbol is asked once', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  const { body } = await get('get_quote?symbols=aapl,AAPL&symbols=msft')
  t.equal(body.code, 'FMS_INVALID_INPUT', 'a repeated parameter of lists is refused, not guessed')
  const { body: second } = await get('get_quote?symbols=aapl,MSFT,AAPL')
  t.same(second.data.quotes.map((row: { symbol: string }) => row.symbol), ['AAPL', 'MSFT'])
  t.equal(upstream.requests.at(-1)!.query.get('symbols'), 'AAPL,MSFT')
})

test('an unknown symbol is an error that names near spellings, at every provider', async t => {
  const { connect } = await build(t)
  for (const provider of ['alpaca', 'polygon', 'fmp', 'finnhub'] as const) {
    const { get } = await connect({ keys: [provider] })
    const { status, body } = await get('get_quote?symbols=ZZAP')
    t.equal(status, 404, provider)
    t.match(body, { code: 'FMS_SYMBOL_NOT_FOUND', tried: [{ provider, outcome: 'symbol_not_found' }] })
    t.match(body.detail, /Near spellings: AAPL|search_symbols finds/)
  }
})
