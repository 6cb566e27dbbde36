/** What providers do that one would not expect: a test for each habit that the adapters' own tests leave out. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import { codeOf, type Problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { createHttp } from '../../providers/http.ts'
import { PROVIDERS } from '../../providers/index.ts'
import type { BarsInput, Capabilities, Capability, Credential, ProviderCall } from '../../providers/types.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'
import { NAMES, type Name } from '../fixtures/worlds.ts'
import { fakeCall } from './fake-call.ts'

const { alpaca, polygon, fmp, finnhub } = PROVIDERS
const instruments = (...symbols: string[]) => symbols.map(parseSymbol)
const NOW = new Date('2026-03-04T15:00:00Z')

/** A call whose every request gets the same answer. */
const answering = (body: unknown) => fakeCall(() => body, { now: NOW }).call

const company = { instrument: parseSymbol('ACME'), limit: 5 }
const year = { from: '2025-03-04', to: '2026-03-04' }

const bars = (input: Partial<BarsInput>): BarsInput => ({
  instruments: instruments('AAPL'),
  timeframe: '1day',
  start: new Date('2026-03-02T05:00:00Z'),
  end: NOW,
  adjustment: 'split',
  limit: 10,
  ...input
})

const KEYS: Record<Name, Credential> = {
  alpaca: { key_id: 'canary-id', secret_key: 'canary-secret' },
  polygon: { api_key: 'canary-key' },
  fmp: { api_key: 'canary-key' },
  finnhub: { api_key: 'canary-key' }
}
const HOSTS: Partial<Record<Name, string>> = { alpaca: 'data' }

/** A server on this machine, and what it was asked. */
async function serve (t: Test, listener: RequestListener) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => { asked.push(request); listener(request, response) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** A call of a provider whose every host is at one address. */
function callAt (t: Test, url: string, name: Name): ProviderCall {
  const http = createHttp({ urls: { alpaca_data: url, alpaca_trading: url, polygon: url, fmp: url, finnhub: url } })
  t.teardown(() => http.close())
  const upstream = { provider: PROVIDERS[name], credential: KEYS[name], settings: DEFAULT_SETTINGS }
  return {
    settings: DEFAULT_SETTINGS,
    now: NOW,
    request: request => http.send(request, { ...upstream, signal: AbortSignal.timeout(5000) })
  }
}

const HTML = '<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body><center>nginx</center></body>\r\n</html>'
const QUOTA = { 'Error Message': 'Limit Reach . Please upgrade your plan or visit our documentation' }

/** Each way in which a provider says no, as it comes over the wire. */
const REFUSALS: [name: Name, what: string, status: number, body: unknown, code: string][] = [
  ['alpaca', 'a bad key is HTML with 401', 401, HTML, 'PROVIDER_REJECTED_KEY'],
  ['alpaca', 'a bad key is HTML with 403', 403, HTML, 'PROVIDER_REJECTED_KEY'],
  ['alpaca', 'a bad key is JSON at the trading host', 401, { code: 40110000, message: 'request is not authorized' },
    'PROVIDER_REJECTED_KEY'],
  ['alpaca', 'a plan without it is 403 that says so', 403,
    { message: 'subscription does not permit querying recent SIP data' }, 'PROVIDER_NOT_ENTITLED'],
  ['alpaca', 'too many requests', 429, { message: 'too many requests.' }, 'PROVIDER_QUOTA'],
  ['alpaca', 'a wrong path is HTML', 404, HTML, 'PROVIDER_MALFORMED'],
  ['alpaca', 'a page is no data, whatever its status', 200, HTML, 'PROVIDER_MALFORMED'],
  ['polygon', 'too many requests', 429,
    { status: 'ERROR', error: "You've exceeded the maximum requests per minute, please wait." }, 'PROVIDER_QUOTA'],
  ['polygon', 'too many requests without a word', 429, '', 'PROVIDER_QUOTA'],
  ['polygon', 'a bad key', 401, { status: 'ERROR', error: 'Unknown API Key' }, 'PROVIDER_REJECTED_KEY'],
  ['polygon', 'a plan without it', 403, { status: 'NOT_AUTHORIZED', message: 'You are not entitled to this data.' },
    'PROVIDER_NOT_ENTITLED'],
  ['polygon', 'an unknown ticker', 404, { status: 'NOT_FOUND', message: 'Ticker not found.' }, 'SYMBOL_NOT_FOUND'],
  ['polygon', 'a wrong path is text, not an unknown ticker', 404, '404 page not found', 'PROVIDER_MALFORMED'],
  ['fmp', 'a quota of the day', 429, QUOTA, 'PROVIDER_QUOTA'],
  ['fmp', 'a quota with the status of success', 200, QUOTA, 'PROVIDER_QUOTA'],
  ['fmp', 'a bad key', 401, { 'Error Message': 'Invalid API KEY. Please retry.' }, 'PROVIDER_REJECTED_KEY'],
  ['fmp', 'a plan without it is plain text', 402, "Premium Query Parameter: 'limit'", 'PROVIDER_NOT_ENTITLED'],
  ['fmp', 'plain text with the status of success', 200, "Premium Query Parameter: 'limit'", 'PROVIDER_NOT_ENTITLED'],
  ['fmp', 'an endpoint of a higher plan', 402, { 'Error Message': 'Exclusive Endpoint : This endpoint is not yours' },
    'PROVIDER_NOT_ENTITLED'],
  ['fmp', 'an endpoint of the past', 403, { 'Error Message': 'Legacy Endpoint : no longer supported' },
    'PROVIDER_NOT_ENTITLED'],
  ['fmp', 'a wrong path is an empty list, and yet not empty data', 404, [], 'PROVIDER_MALFORMED'],
  ['fmp', 'an error in place of a list', 200, { error: 'Something broke' }, 'PROVIDER_UNAVAILABLE'],
  ['finnhub', 'too many requests', 429, { error: 'API limit reached. Please try again later. Remaining Limit: 0' },
    'PROVIDER_QUOTA'],
  ['finnhub', 'a bad key', 401, { error: 'Invalid API key.' }, 'PROVIDER_REJECTED_KEY'],
  ['finnhub', 'no key', 401, { error: 'Please use an API key.' }, 'PROVIDER_REJECTED_KEY'],
  ['finnhub', 'a plan without it', 403, { error: "You don't have access to this resource." }, 'PROVIDER_NOT_ENTITLED'],
  ['finnhub', 'its site in place of data', 200, HTML, 'PROVIDER_MALFORMED']
]

for (const [name, what, status, body, code] of REFUSALS) {
  test(`${name}: ${what} (${status}): ${code}, and is not asked again`, async t => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const type = text.startsWith('<') ? 'text/html' : 'application/json'
    const { url, asked } = await serve(t, (_, response) => {
      response.writeHead(status, { 'content-type': type }).end(text)
    })
    const request = { path: '/any', ...(HOSTS[name] && { host: HOSTS[name] }) }
    const error = await callAt(t, url, name).request(request).catch((error: Error) => error)
    t.equal(codeOf(error), code)
    t.equal(asked.length, 1)
  })
}

test('alpaca: a limit says in unix seconds when it is lifted', async t => {
  const reset = Math.floor(Date.now() / 1000) + 45
  const { url } = await serve(t, (_, response) => {
    response.writeHead(429, { 'x-ratelimit-limit': '200', 'x-ratelimit-reset': String(reset) }).end('{}')
  })
  const error = await callAt(t, url, 'alpaca').request({ host: 'data', path: '/any' }).catch(error => error) as Problem
  const seconds = error.retry_after_seconds ?? 0
  t.ok(seconds >= 40 && seconds <= 46, `${seconds} seconds`)
})

for (const name of NAMES) {
  test(`${name}: the key is in a header, never in an address`, async t => {
    const { url, asked } = await serve(t, (_, response) => { response.end('{}') })
    const request = { path: '/any', query: { symbol: 'AAPL' }, ...(HOSTS[name] && { host: HOSTS[name] }) }
    await callAt(t, url, name).request(request)
    t.equal(asked[0]?.url, '/any?symbol=AAPL')
    for (const secret of Object.values(KEYS[name])) {
      t.ok(Object.values(asked[0]!.headers).some(value => String(value).endsWith(secret)))
    }
  })
}

test('finnhub: a redirect to its site is not followed, so no other host gets the key', async t => {
  const site = await serve(t, (_, response) => { response.end('{"c":1}') })
  const { url, asked } = await serve(t, (_, response) => {
    response.writeHead(302, { location: `${site.url}/` }).end()
  })
  const error = await callAt(t, url, 'finnhub').request({ path: '/quote' }).catch(error => error)
  t.equal(codeOf(error), 'PROVIDER_MALFORMED')
  t.equal(asked.length, 1)
  t.equal(site.asked.length, 0)
})

test('polygon: a next page at another host is asked of the known one, with the key in the header alone', async t => {
  const other = await serve(t, (_, response) => { response.end('{}') })
  const bar = (day: string) => ({ t: Date.parse(`${day}T05:00:00Z`), o: 1, h: 1, l: 1, c: 1, v: 1 })
  const { url, asked } = await serve(t, ({ url }, response) => {
    const next = `${other.url}/v2/aggs/ticker/AAPL/range/1/day/1/2?cursor=abc&apiKey=theirs`
    const page = url?.includes('cursor')
      ? { status: 'OK', results: [bar('2026-03-02')] }
      : { status: 'OK', results: [bar('2026-03-03')], next_url: next }
    response.end(JSON.stringify(page))
  })
  const { data } = await polygon.capabilities.bars!.fetch(bars({}), callAt(t, url, 'polygon'))
  const days = data.items.AAPL?.bars.map(({ time }) => time)
  t.same(days, ['2026-03-02', '2026-03-03'], 'a short page is not the last one')
  t.equal(asked[1]?.url, '/v2/aggs/ticker/AAPL/range/1/day/1/2?cursor=abc')
  t.equal(asked[1]?.headers.authorization, 'Bearer canary-key')
  t.equal(other.asked.length, 0)
})

const STAMP = '1772636398123456789'

test('polygon: a stamp in nanoseconds is beyond what JSON keeps, and right to the millisecond', async t => {
  const { url } = await serve(t, (_, response) => {
    response.end(`{"status":"OK","results":[{"ticker":"AAPL","last_trade":{"price":1,"sip_timestamp":${STAMP}}}]}`)
  })
  t.notSame(String(JSON.parse(STAMP)), STAMP)
  const aapl = { instruments: instruments('AAPL') }
  const { data } = await polygon.capabilities.quote!.fetch(aapl, callAt(t, url, 'polygon'))
  t.equal(data.items.AAPL?.as_of, '2026-03-04T14:59:58.123Z')
})

for (const name of ['fmp', 'finnhub'] as const) {
  test(`${name}: the caret of an index is encoded`, async t => {
    const { url, asked } = await serve(t, (_, response) => { response.end('[]') })
    const { quote } = PROVIDERS[name].capabilities
    await quote!.fetch({ instruments: instruments('I:SPX') }, callAt(t, url, name)).catch(() => {})
    t.equal(asked[0]?.url, '/quote?symbol=%5EGSPC')
  })
}

test('alpaca: a null in a map, or in place of one, is an unknown symbol', async t => {
  const { quote, bars: series } = alpaca.capabilities
  const both = { instruments: instruments('BTC/USD', 'ETH/USD') }
  const body = { snapshots: { 'BTC/USD': null, 'ETH/USD': { latestTrade: { p: 1 } } } }
  const { data } = await quote!.fetch(both, answering(body))
  t.same([Object.keys(data.items), Object.keys(data.failures)], [['ETH/USD'], ['BTC/USD']])
  for (const body of [{ bars: null }, { bars: { AAPL: null } }, { bars: {} }]) {
    const { data } = await series!.fetch(bars({}), answering(body))
    t.equal(codeOf(data.failures.AAPL), 'SYMBOL_NOT_FOUND')
  }
})

test('alpaca: a day is stamped with New York\'s midnight, in summer as in winter', async t => {
  const row = (t: string) => ({ t, o: 1, h: 1, l: 1, c: 1, v: 1 })
  const body = { bars: { AAPL: [row('2026-03-09T04:00:00Z'), row('2026-03-06T05:00:00Z')] } }
  const input = bars({ start: new Date('2026-03-06T05:00:00Z'), end: new Date('2026-03-10T04:00:00Z') })
  const { data } = await alpaca.capabilities.bars!.fetch(input, answering(body))
  t.same(data.items.AAPL?.bars.map(({ time }) => time), ['2026-03-06', '2026-03-09'])
})

test('alpaca: a side without a price is none, whatever its size', async t => {
  const body = { AAPL: { latestTrade: { p: 5 }, latestQuote: { bp: 0, bs: 300, ap: 5.1, as: 0 } } }
  const { data } = await alpaca.capabilities.quote!.fetch({ instruments: instruments('AAPL') }, answering(body))
  t.match(data.items.AAPL, { bid: null, bid_size: null, ask: 5.1, ask_size: 0 })
})

test('alpaca: entities in a headline are the characters that they stand for', async t => {
  const headline = 'AT&amp;T&#39;s &quot;plan&quot; &#8212; <b>up</b>'
  const call = answering({ news: [{ headline }] })
  const { data } = await alpaca.capabilities.news!.fetch({ instruments: [], limit: 1 }, call)
  t.equal(data[0]?.title, 'AT&T\'s "plan" — up')
})

test('alpaca: a currency that is no code is not cut down to one', async t => {
  const row = { symbol: 'ACME', ex_date: '2026-02-09', rate: 0.3, foreign: true, currency: 'Canadian dollar' }
  const input = { ...company, ...year, types: ['dividend'] as const }
  const body = { corporate_actions: { cash_dividends: [row] } }
  const { data } = await alpaca.capabilities.corporate_actions!.fetch(input, answering(body))
  t.match(data, [{ amount: 0.3, currency: null }])
})

test('polygon: success has three names, one of which is a delay', async t => {
  const delayOf = async (status: string) => {
    const body = { status, results: [{ ticker: 'AAPL', session: { price: 1 } }] }
    const aapl = { instruments: instruments('AAPL') }
    return (await polygon.capabilities.quote!.fetch(aapl, answering(body))).delayed_by_seconds
  }
  t.same(await Promise.all(['OK', 'DELAYED', 'success'].map(delayOf)), [null, 900, null])
  for (const status of ['OK', 'DELAYED', 'success']) {
    t.equal(polygon.classify!({ status: 200, body: { status, results: [] }, text: '' }), undefined)
  }
})

test('polygon: no key "results" is an empty list', async t => {
  const body = { status: 'OK', ticker: 'ZZZZ', queryCount: 0, resultsCount: 0, adjusted: true }
  const { data } = await polygon.capabilities.bars!.fetch(bars({ instruments: instruments('ZZZZ') }), answering(body))
  t.equal(codeOf(data.failures.ZZZZ), 'SYMBOL_NOT_FOUND')
})

test('polygon: a volume with fractions of shares is text', async t => {
  const quoted = { status: 'OK', results: [{ ticker: 'AAPL', session: { price: 1, decimal_volume: '37.25' } }] }
  const { data } = await polygon.capabilities.quote!.fetch({ instruments: instruments('AAPL') }, answering(quoted))
  t.equal(data.items.AAPL?.volume, 37.25)
  const moved = { status: 'OK', tickers: [{ ticker: 'ABC', day: { c: 2, dv: '0.5' }, todaysChangePerc: 1 }] }
  const gainers = { list: 'gainers', asset_class: 'stock', limit: 1 } as const
  const movers = await polygon.capabilities.market_movers!.fetch(gainers, answering(moved))
  t.equal(movers.data[0]?.volume, 0.5)
})

test('polygon: sizes in round lots are not shown as shares', async t => {
  const body = { status: 'OK', results: [{ ticker: 'AAPL', last_quote: { bid: 1, ask: 2, bid_size: 3, ask_size: 4 } }] }
  const { data } = await polygon.capabilities.quote!.fetch({ instruments: instruments('AAPL') }, answering(body))
  t.match(data.items.AAPL, { bid: 1, ask: 2, bid_size: null, ask_size: null })
})

test('polygon: before the opening a snapshot is cleared, and its zeros are not prices', async t => {
  const session = { price: 0, open: 0, high: 0, low: 0, close: 0, volume: 0, previous_close: 250 }
  const last = { T: 'AAPL', o: 249, h: 251, l: 248, c: 250, v: 9, t: 1772571600000 }
  const { call } = fakeCall(({ path }) => path === '/v3/snapshot'
    ? { status: 'OK', results: [{ ticker: 'AAPL', session }] }
    : { status: 'OK', ticker: 'AAPL', results: [last] })
  const { data } = await polygon.capabilities.quote!.fetch({ instruments: instruments('AAPL') }, call)
  t.match(data.items.AAPL, { price: 250, open: 249, feed: 'eod', as_of: '2026-03-03T21:00:00Z' })
})

/** Lists of Polygon's that begin with the oldest or with the letter A, unless told otherwise. */
const SORTED: { [C in Capability]?: [input: Capabilities[C]['input'], sort: string] } = {
  bars: [bars({}), 'desc'],
  news: [{ instruments: [], limit: 5 }, 'published_utc'],
  financials: [{ ...company, statement: 'income', period: 'annual' }, 'period_end.desc'],
  earnings: [company, 'date.desc'],
  corporate_actions: [{ ...company, ...year, types: ['dividend'] }, 'ex_dividend_date.desc'],
  insider_trades: [{ ...company, ...year }, 'filing_date.desc'],
  economic_indicator: [{ indicator: 'cpi', ...year, limit: 5 }, 'date.desc'],
  filings: [{ ...company, ...year }, 'filing_date.desc'],
  etf_holdings: [company, 'effective_date.desc,processed_date.desc,constituent_rank.asc']
}

type Fetch = (input: unknown, call: ProviderCall) => Promise<unknown>

for (const [capability, [input, sort]] of Object.entries(SORTED)) {
  test(`polygon: ${capability} are asked for from the newest on`, async t => {
    const { call, requests } = fakeCall(() => ({ status: 'OK', results: [] }), { now: NOW })
    const adapter = polygon.capabilities[capability as Capability] as { fetch: Fetch }
    await adapter.fetch(input, call).catch(() => {})
    t.equal(requests[0]?.query?.sort, sort)
    if (capability === 'news') t.equal(requests[0]?.query?.order, 'desc')
  })
}

test('the same clock is New York\'s in one list and UTC in another, wherever the server stands', async t => {
  const zone = process.env.TZ
  t.teardown(() => { if (zone === undefined) delete process.env.TZ; else process.env.TZ = zone })
  const clock = '2025-03-13 08:30:00'
  const window = { from: '2025-03-01', to: '2025-03-31', limit: 5 }
  const filed = { symbol: 'ACME', filingDate: clock, filedDate: clock, acceptedDate: clock }
  const released = { date: clock, time: clock, event: 'CPI' }
  for (const here of ['Asia/Tokyo', 'America/Los_Angeles']) {
    process.env.TZ = here
    for (const { capabilities: { filings } } of [fmp, finnhub]) {
      const { data } = await filings!.fetch({ ...company, ...window }, answering([filed]))
      const [filing] = data
      t.match(filing, { filed_at: '2025-03-13', accepted_at: '2025-03-13T12:30:00Z' }, `New York's, in ${here}`)
    }
    for (const [provider, body] of [[fmp, [released]], [finnhub, { economicCalendar: [released] }]] as const) {
      const { data } = await provider.capabilities.economic_calendar!.fetch(window, answering(body))
      t.match(data, [{ time: '2025-03-13T08:30:00Z' }], `UTC, in ${here}`)
    }
  }
})

test('finnhub: a search that finds nothing is an empty list', async t => {
  const call = answering({ count: 0, result: [] })
  const { data } = await finnhub.capabilities.search!.fetch({ query: 'zzzz', limit: 5 }, call)
  t.same(data, [])
})

test('finnhub: a price without a change has none, and its time is that of the last trade', async t => {
  const body = { c: 41.5, d: null, dp: null, h: 41.9, l: 40.7, o: 41, pc: 0, t: 1772571600 }
  const { data } = await finnhub.capabilities.quote!.fetch({ instruments: instruments('NOVA') }, answering(body))
  t.match(data.items.NOVA, { change: null, change_percent: null, previous_close: null, as_of: '2026-03-03T21:00:00Z' })
})
