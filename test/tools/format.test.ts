import { test } from 'tap'
import { build } from '../helper.ts'
import { toCsv, toText, toFullText } from '../../tools/format.ts'

const WINDOW = 'start=2026-02-02&end=2026-02-06'

test('bars come columnar, as records and as CSV, with the same numbers', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  const columnar = await get(`get_bars?symbols=AAPL&${WINDOW}`)
  const [series] = columnar.body.data.series
  t.match(series, { symbol: 'AAPL', timeframe: '1day', currency: 'USD', adjustment: 'split', feed: 'iex', session: 'regular', time_zone: 'America/New_York', last_bar_complete: true })
  const names = Object.keys(series.columns)
  t.same(names, ['time', 'open', 'high', 'low', 'close', 'volume'])
  const rows = series.columns.time.map((_: string, i: number) => names.map(name => series.columns[name][i]))
  t.equal(rows.length, 5)

  const records = await get(`get_bars?symbols=AAPL&${WINDOW}&format=records`)
  t.same(records.body.data.series[0].bars.map(Object.values), rows)

  const csv = await get(`get_bars?symbols=AAPL&${WINDOW}&format=csv`)
  t.match(csv.headers['content-type'], /^text\/csv/)
  t.equal(csv.text, [names, ...rows].map(row => row.join(',')).join('\n') + '\n')
  t.equal(JSON.parse(decodeURI(String(csv.headers['fms-meta']))).provider, 'alpaca')

  const accepted = await get(`get_bars?symbols=AAPL&${WINDOW}`, { accept: 'text/csv, application/json;q=0.5' })
  t.equal(accepted.text, csv.text)
  t.equal(upstream.requests.length, 1, 'formats share one cached answer')

  const full = await get(`get_bars?symbols=AAPL&${WINDOW}&detail=full`)
  t.same(Object.keys(full.body.data.series[0].columns).slice(6), ['vwap', 'trades'])
})

test('several symbols share a CSV with a symbol column', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  const { text } = await get(`get_bars?symbols=AAPL,MSFT&${WINDOW}&format=csv`)
  t.match(text, /^symbol,time,open/)
  t.equal(text.trim().split('\n').length, 11)
})

test('a window that holds more than the limit gives the latest bars and says so', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  const { body } = await get(`get_bars?symbols=AAPL&${WINDOW}&limit=2`)
  t.same(body.data.series[0].columns.time, ['2026-02-05', '2026-02-06'])
  t.match(body.meta.truncated, /more than 2 bars: these are the latest/)
  const whole = await get(`get_bars?symbols=AAPL&${WINDOW}&limit=5`)
  t.equal(whole.body.meta.truncated, undefined)
})

test('the receipt of bars is as old as their last close', async t => {
  const { connect } = await build(t)
  const { get } = await connect({ keys: ['alpaca'] })
  const { body } = await get(`get_bars?symbols=AAPL&${WINDOW}`)
  t.match(body.meta, { provider: 'alpaca', as_of: '2026-02-06T21:00:00Z', adjustment: 'split', currency: 'USD', time_zone: 'America/New_York', tried: [], cache: { hit: false, age_seconds: 0 } })
})

test('CSV quotes what must be quoted and lets no spreadsheet run a text', async t => {
  t.equal(toCsv({ columns: ['a', 'b'], rows: [['x,"y"', null], ['=1+1', -5], [['p', 'q'], 'line\nbreak']] }),
    'a,b\n"x,""y""",\n\'=1+1,-5\np q,"line\nbreak"\n')
})

test('a large text shows both ends and says where the rest is; a small one is whole', async t => {
  const meta = { provider: 'alpaca', as_of: null, tried: [], cache: { hit: false, age_seconds: 0 }, market: { session: 'closed', next_open: '', now: '' } }
  const table = (count: number) => ({ columns: ['time', 'close'], rows: Array.from({ length: count }, (_, i) => [`2026-01-01T00:00:${i}`, i]) })
  const small = { data: {}, table: table(20) }
  t.equal(toText(small, meta, toFullText(small, meta)), toFullText(small, meta))
  const large = { data: {}, table: table(500) }
  const text = toText(large, meta, toFullText(large, meta))
  t.match(text, /… 485 rows are in the structured content/)
  t.match(text, /2026-01-01T00:00:499,499\nsource alpaca/)
  t.ok(text.length < 1_000)
})
