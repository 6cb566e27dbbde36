import { test } from 'tap'
import { build } from '../helper.ts'
import { sendJson } from '../upstream/index.ts'

const ORDER = ['alpaca', 'polygon', 'fmp', 'finnhub'] as const

/** Wilder's RSI over closes from the very first one, by its definition. */
function rsiOf (closes: number[], n: number): number {
  const moves = closes.slice(1).map((close, i) => close - closes[i]!)
  const smooth = (values: number[]) => values.slice(n).reduce((mean, value) => (mean * (n - 1) + value) / n,
    values.slice(0, n).reduce((sum, value) => sum + value, 0) / n)
  const [gain, loss] = [smooth(moves.map(move => Math.max(move, 0))), smooth(moves.map(move => Math.max(-move, 0)))]
  return 100 - 100 / (1 + gain / loss)
}

test('the first value asked for is right: it equals the one over ten times the history', async t => {
  const { app } = await build(t)
  const connection = await app.connections.ensureSample()
  const { access_token: token } = await app.sessions.create(connection!.id, { scope: { answer_tokens: null } }, { actor: 'test' })
  const get = async (path: string) => (await app.inject({ url: `/api/tools/${path}`, headers: { host: 'localhost', authorization: `Bearer ${token}` } })).json()
  const { data, meta } = await get('get_indicators?symbol=AAPL&indicators=sma(20),rsi(14),ema(10)&limit=5')
  t.same(Object.keys(data.columns), ['time', 'close', 'sma_20', 'rsi_14', 'ema_10'])
  t.equal(data.columns.time.length, 5)
  t.match(data, { adjustment: 'split', currency: 'USD', time_zone: 'America/New_York', notes: [] })
  t.ok(meta.next_cursor)

  const { columns } = (await get('get_bars?symbols=AAPL&limit=1500')).data.series[0]
  for (const [row, time] of data.columns.time.entries()) {
    const until = columns.time.indexOf(time) + 1
    const closes: number[] = columns.close.slice(0, until)
    t.equal(data.columns.close[row], closes.at(-1))
    const mean = closes.slice(-20).reduce((sum, close) => sum + close, 0) / 20
    t.ok(Math.abs(data.columns.sma_20[row] / mean - 1) < 1e-9)
    t.ok(Math.abs(data.columns.rsi_14[row] / rsiOf(closes, 14) - 1) < 1e-6, `${data.columns.rsi_14[row]} ${rsiOf(closes, 14)}`)
  }

  const older = await get(`get_indicators?symbol=AAPL&indicators=sma(20),rsi(14),ema(10)&limit=5&cursor=${meta.next_cursor}`)
  t.ok(older.data.columns.time.at(-1) < data.columns.time[0])
  const whole = await get('get_indicators?symbol=AAPL&indicators=rsi(14)&limit=10')
  const toRounded = (values: number[]) => values.map(value => value.toFixed(6))
  t.same(toRounded(whole.data.columns.rsi_14), toRounded([...older.data.columns.rsi_14, ...data.columns.rsi_14]))
})

test('indicators, comparisons and prices are the same through every provider', async t => {
  const { connect } = await build(t)
  const { get } = await connect()
  const [first, ...others] = await Promise.all(ORDER.map(async provider => {
    const { body } = await get(`get_indicators?symbol=AAPL&indicators=sma(5),returns&start=2026-02-09&end=2026-02-13&provider=${provider}`)
    t.equal(body.meta.provider, provider)
    return body.data.columns
  }))
  t.equal(first.sma_5.length, 5)
  t.ok(first.sma_5.every(Number.isFinite))
  for (const other of others) t.same(other, first)
})

test('what cannot be computed is refused with near spellings, and what is cumulative says from where', async t => {
  const { connect } = await build(t)
  const { get } = await connect()
  const wrong = await get('get_indicators?symbol=AAPL&indicators=rsj')
  t.match(wrong, { status: 400, body: { code: 'FMS_INVALID_INPUT', suggestions: ['rsi(14)'] } })
  const field = await get('get_indicators?symbol=AAPL&indicators=rsi&fields=time,macd')
  t.match(field.body.detail, /no field "macd".*time, close, rsi_14/)
  const { body } = await get('get_indicators?symbol=AAPL&indicators=obv,drawdown&start=2026-02-09&end=2026-02-13&provider=fmp')
  t.match(body.data.notes, [/obv, drawdown_percent count from 2026-02-09/])
})

test('where a plan ends before the warm-up does, the answer starts roughly and says so', async t => {
  const { connect, upstream } = await build(t)
  const { get } = await connect({ keys: ['polygon'] })
  const oldest = new Date(Date.now() - 730 * 86_400_000).toISOString().slice(0, 10)
  upstream.fault('polygon', ({ url }, response) => {
    const [, start = '9'] = /range\/1\/day\/([^/]+)\//.exec(String(url)) ?? []
    const day = /^\d{10,}$/.test(start) ? new Date(Number(start)).toISOString() : start
    return day < oldest && sendJson(response, 403, { status: 'NOT_AUTHORIZED', message: 'Your plan doesn\'t include this data timeframe.' })
  })
  const { status, body } = await get('get_indicators?symbol=AAPL&indicators=ema(100)&limit=5')
  t.equal(status, 200)
  t.match(body.data.notes, [/first values of ema_100 are missing or rough/])
  t.ok(body.data.columns.ema_100.every(Number.isFinite))
})
