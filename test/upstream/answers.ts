/** Every provider sees the same market: the same symbol and day have the same prices. Symbols in ZZ are unknown. */
const DAY = 86_400_000
const known = (symbol: string) => !symbol.includes('ZZ')
const seed = (symbol: string) => [...symbol.replace(/[^A-Z]/g, '')].reduce((sum, c) => sum + c.charCodeAt(0), 0)

interface Candle { t: number, o: number, h: number, l: number, c: number, v: number }

/** Daily candles at New York midnight (05:00Z, winter), weekdays only. */
function candles (symbol: string, from: number, to: number): Candle[] {
  const days: Candle[] = []
  for (let t = Math.floor(from / DAY) * DAY + 5 * 3_600_000; t < to; t += DAY) {
    if (t < from || [0, 6].includes(new Date(t).getUTCDay())) continue
    const c = 100 + (seed(symbol) + t / DAY) % 50
    days.push({ t, o: c - 1, h: c + 2, l: c - 2, c, v: 1000 + t / DAY % 1000 })
  }
  return days
}

const list = (text: string | null) => (text ?? '').split(',').filter(Boolean)
const iso = (t: number) => new Date(t).toISOString()

function weekdays (from: string, to: string): string[] {
  const days: string[] = []
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY) {
    if (new Date(at).getUTCDay() % 6 !== 0) days.push(iso(at).slice(0, 10))
  }
  return days
}

export function answerAlpaca (path: string, query: URLSearchParams): unknown {
  const symbols = list(query.get('symbols')).filter(known)
  const now = Date.now()
  const snapshot = (symbol: string) => {
    const [previous, last] = candles(symbol, now - 7 * DAY, now).slice(-2)
    const bar = ({ t, ...rest }: Candle) => ({ t: iso(t), ...rest, n: 10, vw: rest.c })
    return {
      latestTrade: { t: iso(now - 1000), p: last!.c, s: 100, x: 'V' },
      latestQuote: { t: iso(now - 1000), bp: last!.c - 0.01, bs: 1, ap: last!.c + 0.01, as: 2 },
      dailyBar: bar(last!),
      prevDailyBar: bar(previous!)
    }
  }
  switch (path) {
    case '/v2/stocks/snapshots': return Object.fromEntries(symbols.map(symbol => [symbol, snapshot(symbol)]))
    case '/v1beta3/crypto/us/snapshots': return { snapshots: Object.fromEntries(symbols.map(symbol => [symbol, snapshot(symbol)])) }
    case '/v2/stocks/bars': {
      const bars = symbols.map(symbol => {
        const rows = candles(symbol, Date.parse(query.get('start')!), Date.parse(query.get('end') ?? iso(now)))
          .map(({ t, ...rest }) => ({ t: iso(t), ...rest, n: 10, vw: rest.c }))
        return [symbol, query.get('sort') === 'desc' ? rows.reverse() : rows]
      })
      return { bars: Object.fromEntries(bars), next_page_token: null }
    }
    case '/v2/clock': return { timestamp: iso(now), is_open: false, next_open: iso(now + DAY), next_close: iso(now + DAY + 23_400_000) }
    case '/v2/calendar': return weekdays(query.get('start')!, query.get('end')!)
      .map(date => ({ date, open: '09:30', close: '16:00', session_open: '0400', session_close: '2000' }))
    case '/v2/assets': return [{ symbol: 'AAPL', name: 'Apple Inc. Common Stock', exchange: 'NASDAQ', class: 'us_equity', status: 'active', tradable: true }]
    case '/v1beta1/news': return { news: [], next_page_token: null }
    default: return undefined
  }
}

export function answerPolygon (path: string, query: URLSearchParams): unknown {
  const aggs = /^\/v2\/aggs\/ticker\/([^/]+)\/range\/1\/day\/([^/]+)\/([^/]+)$/.exec(decodeURIComponent(path))
  if (aggs) {
    const [, symbol = '', from = '', to = ''] = aggs
    const at = (text: string) => /^\d+$/.test(text) ? Number(text) : Date.parse(text)
    const results = candles(symbol, at(from), at(to) + DAY).map(candle => ({ ...candle, vw: candle.c, n: 10 }))
    if (query.get('sort') === 'desc') results.reverse()
    return { ticker: symbol, status: 'OK', adjusted: true, request_id: 'r', ...(known(symbol) && { results }) }
  }
  if (path === '/v3/snapshot') {
    const now = Date.now()
    return {
      status: 'OK',
      request_id: 'r',
      results: list(query.get('ticker.any_of')).map(ticker => {
        const last = candles(ticker, now - 7 * DAY, now).at(-1)!
        return known(ticker)
          ? { ticker, type: 'stocks', session: { close: last.c, previous_close: last.c - 1, open: last.o, high: last.h, low: last.l, volume: last.v, price: last.c }, last_trade: { price: last.c, last_updated: now * 1e6 } }
          : { ticker, error: 'NOT_FOUND', message: 'Ticker not found.' }
      })
    }
  }
  if (path === '/v1/marketstatus/now') return { market: 'closed', serverTime: iso(Date.now()), exchanges: { nyse: 'closed', nasdaq: 'closed', otc: 'closed' }, currencies: {}, earlyHours: false, afterHours: false }
  if (path.startsWith('/v3/reference/tickers/')) return { status: 'OK', results: { ticker: path.split('/').at(-1), name: 'Apple Inc.', market_cap: 3e12, currency_name: 'usd' } }
  if (path === '/v3/reference/tickers') return { status: 'OK', results: [{ ticker: 'AAPL', name: 'Apple Inc.', market: 'stocks', type: 'CS', active: true }] }
  return undefined
}

export function answerFmp (path: string, query: URLSearchParams): unknown {
  const symbol = query.get('symbol') ?? ''
  const now = Date.now()
  const quote = (one: string) => {
    const last = candles(one, now - 7 * DAY, now).at(-1)!
    return {
      symbol: one,
      name: one,
      price: last.c,
      change: 1,
      changePercentage: 1,
      previousClose: last.c - 1,
      open: last.o,
      dayHigh: last.h,
      dayLow: last.l,
      volume: last.v,
      timestamp: Math.floor(now / 1000)
    }
  }
  switch (path) {
    case '/quote': return known(symbol) ? [quote(symbol)] : []
    case '/batch-quote': return list(query.get('symbols')).filter(known).map(quote)
    case '/historical-price-eod/full': return known(symbol)
      ? candles(symbol, Date.parse(query.get('from')!), Date.parse(query.get('to')!) + DAY).map(({ t, o, h, l, c, v }) =>
        ({ symbol, date: iso(t).slice(0, 10), open: o, high: h, low: l, close: c, volume: v, vwap: c })).reverse()
      : []
    case '/profile': return [{ symbol, companyName: 'Apple Inc.', currency: 'USD', marketCap: 3e12 }]
    case '/search-symbol': return [{ symbol: 'AAPL', name: 'Apple Inc.', currency: 'USD', exchange: 'NASDAQ' }]
    case '/search-name': return []
    default: return undefined
  }
}

export function answerFinnhub (path: string, query: URLSearchParams): unknown {
  const symbol = query.get('symbol') ?? ''
  const now = Date.now()
  const last = candles(symbol, now - 7 * DAY, now).at(-1)!
  switch (path) {
    case '/quote': return known(symbol)
      ? { c: last.c, d: 1, dp: 1, h: last.h, l: last.l, o: last.o, pc: last.c - 1, t: Math.floor(now / 1000) }
      : { c: 0, d: null, dp: null, h: 0, l: 0, o: 0, pc: 0, t: 0 }
    case '/stock/candle': {
      const rows = candles(symbol, Number(query.get('from')) * 1000, Number(query.get('to')) * 1000)
      if (!known(symbol) || !rows.length) return { s: 'no_data' }
      const column = (of: (candle: Candle) => number) => rows.map(of)
      return { s: 'ok', t: column(row => row.t / 1000), o: column(row => row.o), h: column(row => row.h), l: column(row => row.l), c: column(row => row.c), v: column(row => row.v) }
    }
    case '/stock/market-status': return { exchange: 'US', isOpen: false, session: null, holiday: null, timezone: 'America/New_York', t: Math.floor(now / 1000) }
    case '/search': return { count: 1, result: [{ description: 'APPLE INC', displaySymbol: 'AAPL', symbol: 'AAPL', type: 'Common Stock' }] }
    default: return undefined
  }
}
