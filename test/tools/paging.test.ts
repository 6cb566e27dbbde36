import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { test } from 'tap'
import { boundsOf } from '../../tools/series.ts'
import { build } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'
import { buildSample, openSession } from './sample-world.ts'

const columnsOf = (body: any) => body.data.series[0].columns

test('pages of bars join into the whole window, without a gap or a repeat', async t => {
  const { open } = await buildSample(t)
  const { get } = await open({ answer_tokens: null })
  const whole = columnsOf((await get('get_bars?symbols=AAPL&lookback=1y&limit=10000')).body)
  t.ok(whole.time.length > 240)
  const times: string[][] = []
  const closes: number[][] = []
  let cursor = ''
  do {
    const { body } = await get(`get_bars?symbols=AAPL&lookback=1y&limit=70${cursor && `&cursor=${cursor}`}`)
    times.unshift(columnsOf(body).time)
    closes.unshift(columnsOf(body).close)
    cursor = body.meta.next_cursor ?? ''
  } while (cursor)
  t.equal(times.length, Math.ceil(whole.time.length / 70))
  t.same(times.flat(), whole.time)
  t.same(closes.flat(), whole.close)
})

test('a later page is of the moment that the first page saw, also where its entry is gone', async t => {
  const { app, open } = await buildSample(t)
  const { get } = await open()
  const first = await get('get_bars?symbols=BTC/USD&timeframe=1min&limit=5')
  await app.cache.drop({})
  const second = await get(`get_bars?symbols=BTC/USD&timeframe=1min&limit=5&cursor=${first.body.meta.next_cursor}`)
  const [newer, older] = [first, second].map(({ body }) => columnsOf(body).time)
  t.equal(Date.parse(newer[0]) - Date.parse(older.at(-1)), 60_000)
})

test('a window keeps the bar that began in its last second, and not the one that began before its first', async t => {
  const series = { timeframe: '1min', time_zone: 'UTC' } as Parameters<typeof boundsOf>[1]
  const window = { start: new Date('2026-11-23T12:00:00.500Z'), end: new Date('2026-11-23T12:05:00.020Z') }
  const [first, last] = boundsOf(window, series)
  const times = Array.from({ length: 7 }, (_, i) => `2026-11-23T12:0${i}:00Z`)
  t.same(times.filter(time => time >= first && time <= last), times.slice(1, 6))
})

test('rows beyond the budget give way to a summary, the first page and the cursor to the rest', async t => {
  const { open } = await buildSample(t)
  const { get, callTool } = await open()
  const { body, text } = await get('get_bars?symbols=AAPL&limit=2000&lookback=10y')
  const shown = columnsOf(body).time.length
  t.ok(shown > 150 && shown < 400, `${shown} rows`)
  t.ok(countTokens(text) < 8000, `${countTokens(text)} tokens over REST`)
  t.match(body.meta.truncated, /8000 tokens.*next_cursor/)
  t.match(body.meta.summary.AAPL, { bars: 2000, first: [String, Number], sparkline: /^\d{30}$/ })
  const next = await get(`get_bars?symbols=AAPL&limit=2000&lookback=10y&cursor=${body.meta.next_cursor}`)
  t.ok(columnsOf(next.body).time.at(-1) < columnsOf(body).time[0], 'the next page goes on where this one ended')

  for (const args of [{ symbols: ['AAPL', 'MSFT', 'SPY'], limit: 5000 }, { symbols: ['AAPL'], limit: 5000, format: 'records' }, { symbols: ['AAPL'], limit: 5000, format: 'csv' }]) {
    const { content, structuredContent } = await callTool('get_bars', args)
    const tokens = countTokens(content[0].text) + countTokens(JSON.stringify(structuredContent))
    t.ok(tokens < 8200, `${tokens} tokens of text and object together: ${JSON.stringify(args)}`)
    t.ok(tokens > 5000, 'the budget is used')
    t.ok(structuredContent.meta.next_cursor)
  }
})

test('a session says what its answers may cost', async t => {
  const { open } = await buildSample(t)
  const small = await open({ answer_tokens: 1000 })
  const few = await small.get('get_bars?symbols=AAPL&limit=250')
  t.ok(countTokens(few.text) < 1000)
  const script = await open({ answer_tokens: null })
  const all = await script.get('get_bars?symbols=AAPL&limit=2000&lookback=10y')
  t.equal(columnsOf(all.body).time.length, 2000)
  t.notMatch(all.body.meta.truncated ?? '', /tokens/)
})

test('a summary is short and says what the rows say', async t => {
  const { open } = await buildSample(t)
  const { get, callTool } = await open()
  const { columns } = (await get('get_bars?symbols=AAPL&limit=100')).body.data.series[0]
  const { body } = await get('get_bars?symbols=AAPL&limit=100&detail=summary')
  const [{ summary, ...basis }] = body.data.series
  t.match(summary, {
    bars: 100,
    first: [columns.time[0], columns.close[0]],
    last: [String, columns.close.at(-1)],
    high: [String, Math.max(...columns.high)],
    low: [String, Math.min(...columns.low)]
  })
  t.match(basis, { adjustment: 'split', currency: 'USD', time_zone: 'America/New_York', last_bar_complete: Boolean })
  const result = await callTool('get_bars', { symbols: ['AAPL'], limit: 250, detail: 'summary' })
  t.comment(`${countTokens(JSON.stringify(summary))} tokens of summary, ${countTokens(JSON.stringify(body.data))} of data, ${countTokens(result.content[0].text)} of text`)
  t.ok(countTokens(JSON.stringify(summary)) <= 150)
})

test('fields choose columns, and one that does not exist is refused with those that do', async t => {
  const { open } = await buildSample(t)
  const { get } = await open()
  const { body } = await get('get_bars?symbols=AAPL&limit=3&fields=time,close')
  t.same(Object.keys(columnsOf(body)), ['time', 'close'])
  t.same(Object.keys((await get('get_quote?symbols=AAPL&fields=symbol,price')).body.data.quotes[0]), ['symbol', 'price'])
  const refused = await get('get_bars?symbols=AAPL&fields=time,cloes')
  t.equal(refused.status, 400)
  t.match(refused.body.detail, /no field "cloes".*time, open, high, low, close, volume, vwap, trades/)
})

test('a cursor of another call, or none of ours, is refused with what to do', async t => {
  const { open } = await buildSample(t)
  const { get } = await open()
  const { body } = await get('get_bars?symbols=AAPL&limit=3')
  const other = await get(`get_bars?symbols=MSFT&limit=3&cursor=${body.meta.next_cursor}`)
  t.match(other, { status: 400, body: { code: 'FMS_INVALID_INPUT', detail: /other arguments/ } })
  t.match(await get('get_bars?symbols=AAPL&cursor=2'), { status: 400, body: { detail: /not one of ours/ } })
})

const tokensOf = ({ content, structuredContent }: any) =>
  countTokens(content[0].text) + countTokens(JSON.stringify(structuredContent))

test('few rows of long text keep to the budget too', async t => {
  const { app, connect, upstream } = await build(t)
  const words = 'The quarter was better than feared, and the outlook was kept. '.repeat(40)
  const stories = Array.from({ length: 16 }, (_, i) => ({
    id: i,
    category: 'company',
    related: 'AAPL',
    source: 'Wire',
    url: `https://example.com/${i}`,
    image: '',
    headline: `Story ${i}`,
    summary: words,
    datetime: Math.floor(Date.now() / 1000) - 600 * (i + 1)
  }))
  upstream.fault('finnhub', ({ url }, response) =>
    url!.includes('/company-news') ? sendJson(response, 200, stories) : false)
  const { connectionId } = await connect({ keys: ['finnhub'] })
  const { callTool } = await openSession(app, connectionId, { answer_tokens: 3000 })
  const first = await callTool('get_news', { symbols: ['AAPL'], limit: 16 })
  t.ok(tokensOf(first) <= 3100, `${tokensOf(first)} tokens`)
  const shown = first.structuredContent.data.articles.length
  t.ok(shown > 0 && shown < 16, `${shown} articles`)
  t.match(first.structuredContent.meta.truncated, /3000 tokens/)
  const cursor = first.structuredContent.meta.next_cursor
  const next = await callTool('get_news', { symbols: ['AAPL'], limit: 16, cursor })
  t.equal(next.structuredContent.data.articles[0].title, `Story ${shown}`, 'the next page goes on')
})

const SYMBOLS = ('AAPL MSFT NVDA AMZN GOOGL META TSLA JPM V WMT UNH XOM MA PG JNJ HD COST KO PEP ADBE CRM NFLX AMD INTC ' +
  'CSCO SPY').split(' ')

test('quotes that do not fit into the budget go on at the cursor', async t => {
  const { app, connect } = await build(t)
  const { connectionId } = await connect({ keys: ['alpaca'] })
  const { callTool } = await openSession(app, connectionId, { answer_tokens: 1500 })
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const result = await callTool('get_quote', { symbols: SYMBOLS, ...(cursor && { cursor }) })
    t.ok(tokensOf(result) <= 1600, `${tokensOf(result)} tokens`)
    seen.push(...result.structuredContent.data.quotes.map(({ symbol }: { symbol: string }) => symbol))
    cursor = result.structuredContent.meta.next_cursor
  } while (cursor)
  t.same(seen, SYMBOLS)
})

test('a text beside an object of many parts does not repeat it', async t => {
  const { app, connect } = await build(t)
  const { connectionId } = await connect({ keys: ['alpaca'] })
  const { callTool } = await openSession(app, connectionId)
  const { content, structuredContent } = await callTool('get_bars', { symbols: SYMBOLS, limit: 30, detail: 'summary' })
  t.equal(structuredContent.data.series.length, SYMBOLS.length)
  t.ok(content[0].text.length < 4500, `${content[0].text.length} characters of text`)
  t.match(content[0].text, /rows are in the structured content/)
})
