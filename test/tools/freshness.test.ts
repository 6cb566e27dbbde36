import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { marketClock } from '../../market/clock.ts'
import type { ProviderRouter } from '../../providers/router.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'
import type { Meta } from '../../schemas/receipt.ts'
import { createArgumentReader } from '../../tools/arguments.ts'
import { getBars } from '../../tools/bars.ts'
import { barsFreshness, closedUntil, quoteFreshness, secondsOf, type Freshness } from '../../tools/freshness.ts'
import { toFullText } from '../../tools/format.ts'
import { TOOLS } from '../../tools/index.ts'
import { policyOf } from '../../tools/policy.ts'
import { ask } from './fake-tool-call.ts'

/** Friday, 10:00 in New York, and the Sunday after it. */
const [OPEN, CLOSED] = [new Date('2026-11-20T15:00:00Z'), new Date('2026-11-22T15:00:00Z')]
const [PRE_MARKET, CLOSE] = [new Date('2026-11-23T09:00:00Z'), new Date('2026-11-23T21:00:00Z')]

const ARGUMENTS: Record<string, object> = {
  search_symbols: { query: 'apple' },
  get_quote: { symbols: 'AAPL,I:SPX' },
  get_bars: { symbols: 'AAPL' },
  get_indicators: { symbol: 'AAPL', indicators: 'rsi' },
  compare_symbols: { symbols: 'AAPL,MSFT' },
  get_economic_indicator: { indicator: 'cpi' }
}
const UNITS: Record<string, number> = { s: 1, min: 60, h: 3600, day: 86_400 }

function toFreshness (text: string): Freshness {
  if (text === 'never') return 0
  if (text === 'until they trade') return PRE_MARKET
  if (text === 'until the close') return CLOSE
  const [count, unit] = text.split(' ')
  return Number(count) * UNITS[unit!]!
}

test('docs/cache.md says how long each tool\'s answers are fresh', t => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/cache.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)`(?:, (\w+))? \| (.+) \| (.+) \|$/gm)].filter(([, name]) => name !== 'revalidating')
  for (const [, name, timeframe, open, closed] of rows) {
    const tool = TOOLS.find(tool => tool.name === name)!
    const args = createArgumentReader(tool)({
      ...(ARGUMENTS[name!] ?? ('symbol' in tool.input.properties ? { symbol: 'AAPL' } : {})),
      ...(timeframe && { timeframe })
    })
    t.same([OPEN, CLOSED].map(now => tool.ttl(args, marketClock(now), now)), [open!, closed!].map(toFreshness), `${name} ${timeframe ?? ''}`)
  }
  t.same([...new Set(rows.map(([, name]) => name))].sort(), TOOLS.map(({ name }) => name).sort())
  t.end()
})

test('quotes hold until one of the symbols trades again', t => {
  const at = (text: string) => new Date(text)
  t.same(quoteFreshness(['AAPL'], CLOSED), PRE_MARKET)
  t.equal(quoteFreshness(['AAPL', 'btc/usd'], CLOSED), 5, 'crypto always does')
  t.same(quoteFreshness(['EUR/USD'], CLOSED), at('2026-11-22T22:00:00Z'), 'currencies from Sunday 17:00 in New York')
  t.same(quoteFreshness(['AAPL', 'EUR/USD'], CLOSED), at('2026-11-22T22:00:00Z'), 'the first of them')
  t.equal(quoteFreshness(['EUR/USD'], at('2026-11-22T22:00:00Z')), 5)
  t.equal(quoteFreshness(['EUR/USD'], at('2026-11-20T22:10:00Z')), 5, 'just closed: something may come late')
  t.same(quoteFreshness(['EUR/USD'], at('2026-11-21T03:00:00Z')), at('2026-11-22T22:00:00Z'))
  t.equal(quoteFreshness(['EUR/USD'], at('2026-11-18T03:00:00Z')), 5)
  t.equal(quoteFreshness(['AAPL'], at('2026-11-23T10:00:00Z')), 5, 'before the open there is trading')
  t.end()
})

test('after the last session late prints are waited for; holidays and early closes count', t => {
  const at = (text: string) => new Date(text)
  t.equal(closedUntil(at('2026-11-21T01:10:00Z')), undefined, 'ten minutes after 20:00')
  t.same(closedUntil(at('2026-11-21T01:40:00Z')), PRE_MARKET)
  t.same(closedUntil(at('2026-11-26T15:00:00Z')), at('2026-11-27T09:00:00Z'), 'Thanksgiving')
  t.same(closedUntil(at('2026-11-27T23:00:00Z')), at('2026-11-30T09:00:00Z'), 'the day after, closed at 17:00')
  t.same(closedUntil(at('2026-03-08T15:00:00Z')), at('2026-03-09T08:00:00Z'), 'over a change of clocks')
  t.end()
})

test('bars hold until the next close where none of them can change any more', t => {
  const hold = (args: object, symbols = ['AAPL'], now = OPEN) =>
    barsFreshness({ timeframe: '1day', ...args }, symbols, marketClock(now), now)
  const close = new Date('2026-11-20T21:00:00Z')
  t.same(hold({ end: '2026-11-19' }), close)
  t.same(hold({ end: '2026-11-19T15:00:00Z', timeframe: '1min' }), close)
  t.equal(hold({ end: '2026-11-20' }), 60)
  t.equal(hold({ end: '2026-11-19' }, ['BTC/USD']), 60, 'the pair\'s day is not over')
  t.same(hold({ end: '2026-11-18' }, ['BTC/USD']), close)
  t.equal(hold({ end: '2026-11-18', timeframe: '1week' }), 300, 'the week goes on')
  t.same(hold({ end: '2026-11-13', timeframe: '1week' }), close)
  t.equal(hold({ end: '2026-11-13', timeframe: '1month' }), 300)
  t.equal(hold({ end: 'soon' }), 60, 'what is no date is refused elsewhere')
  t.equal(hold({}, ['BTC/USD'], CLOSED), 60)
  t.same(hold({}, ['EUR/USD'], CLOSED), new Date('2026-11-22T22:00:00Z'))
  t.end()
})

test('the connection\'s time goes before the configuration\'s, and that before the tool\'s', t => {
  const config = { caching: true, cacheTtlSeconds: undefined, staleIfErrorSeconds: 100 }
  const of = (freshness: Freshness) => ({ name: 'get_quote', freshness: () => freshness })
  const stale = { stale_seconds: 100 }
  t.same(policyOf(of(5), DEFAULT_SETTINGS, config, undefined, OPEN),
    { fresh_seconds: 5, fresh_age_seconds: 5, grace_seconds: 5, ...stale })
  t.same(policyOf(of(86_400), DEFAULT_SETTINGS, config, 7, OPEN),
    { fresh_seconds: 86_400, fresh_age_seconds: 86_400, grace_seconds: 600, max_age_seconds: 7, ...stale })
  t.same(policyOf(of(new Date('2026-11-20T15:01:40Z')), DEFAULT_SETTINGS, config, undefined, OPEN),
    { fresh_seconds: 100, grace_seconds: 0, ...stale })
  const set = { ...config, cacheTtlSeconds: 30 }
  t.match(policyOf(of(5), DEFAULT_SETTINGS, set, undefined, OPEN), { fresh_seconds: 30 })
  const own = { ...DEFAULT_SETTINGS, ttl_seconds: { get_quote: 9 } }
  t.match(policyOf(of(5), own, set, undefined, OPEN), { fresh_seconds: 9 })
  const off = { ...DEFAULT_SETTINGS, caching: false }
  t.match(policyOf(of(5), off, set, undefined, OPEN), { fresh_seconds: 0, grace_seconds: 0 })
  t.match(policyOf(of(5), DEFAULT_SETTINGS, { ...config, caching: false }, undefined, OPEN), { fresh_seconds: 0 })
  t.equal(secondsOf(new Date(OPEN.getTime() - 5), OPEN), 1, 'an instant that has just passed')
  t.end()
})

test('daily bars that lack the last session are asked for again soon', async t => {
  const bar = { open: 1, high: 1, low: 1, close: 1, volume: 1, vwap: null, trades: null }
  const data = (time: string) => ({
    symbol: 'AAPL', timeframe: '1day', adjustment: 'split', session: 'regular', currency: 'USD', time_zone: 'America/New_York', feed: null, bars: [{ time, ...bar }]
  })
  const freshOf = async (time: string, raw: object, now = CLOSED) => {
    const bars = async () => ({ items: { AAPL: { data: data(time), provider: 'polygon', as_of: null } }, failed: [], tried: [] })
    const route = { bars } as unknown as ProviderRouter
    const { fetched } = await ask(getBars, { symbols: ['AAPL'], ...raw }, {}, { route, now, clock: marketClock(now) })
    return fetched.fresh_seconds
  }
  t.equal(await freshOf('2026-11-20', {}), undefined)
  t.equal(await freshOf('2026-11-19', {}), 900, 'Friday\'s is missing on Sunday')
  t.equal(await freshOf('2026-11-19', { end: '2026-11-19', start: '2026-11-01' }), undefined, 'it is not asked for')
  t.equal(await freshOf('2026-11-19', {}, OPEN), undefined, 'Friday is not over')
  t.equal(await freshOf('2026-11-19', {}, new Date('2026-11-20T22:00:00Z')), 900)
})

test('the receipt in the text says that an answer is past its freshness', t => {
  const meta = { provider: 'fmp', as_of: null, tried: [], market: { session: 'closed', next_open: '', now: '' } }
  const text = (cache: Meta['cache']) => toFullText({ data: {} }, { ...meta, cache })
  t.match(text({ hit: true, age_seconds: 320, stale: 'PROVIDER_UNAVAILABLE' }), 'STALE 320 s: PROVIDER_UNAVAILABLE;')
  t.match(text({ hit: true, age_seconds: 7, stale: 'revalidating' }), 'STALE 7 s: revalidating;')
  t.match(text({ hit: true, age_seconds: 3 }), 'cached 3 s ago')
  t.notMatch(text({ hit: false, age_seconds: 0 }), /STALE|cached/)
  t.end()
})
