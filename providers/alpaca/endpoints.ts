import { codeOf, isProblem, problem } from '../../errors.ts'
import { isIntraday, zoneOf } from '../../market/bars.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays, DAY_MS, dayIn, instantAt, NEW_YORK, toInstant, wallClock, weekdayOf } from '../../market/time.ts'
import type {
  AssetClass, BarSeries, MarketStatus, NewsArticle, Quote, SymbolMatch, Timeframe
} from '../../schemas/market.ts'
import {
  assertAnswered, commonOf, malformed, newestBar, newestOf, noBars, notFound, NO_MATCH, toDays, toFields, toRanked,
  toRows, type Fields
} from '../parse.ts'
import type { Answer, BarsInput, Capabilities, CapabilityAdapter, PerSymbol, ProviderCall, ProviderSettings } from '../types.ts'
import {
  newsAsOf, toClock, toIndexQuote, toMarketStatus, toNews, toNewsSymbol, toRateQuote, toSeries, toSession,
  toSnapshotQuote, toSymbolMap, toSymbolMatch, toUpstreamSymbol
} from './normalise.ts'

const DELAY_SECONDS = 900
const MAX_POINTS = 10_000
const MAX_PAGES = 20
const TIMEFRAMES: Record<Timeframe, { name: string, spanMs: number }> = {
  '1min': { name: '1Min', spanMs: 60_000 },
  '5min': { name: '5Min', spanMs: 300_000 },
  '15min': { name: '15Min', spanMs: 900_000 },
  '30min': { name: '30Min', spanMs: 1_800_000 },
  '1hour': { name: '1Hour', spanMs: 3_600_000 },
  '1day': { name: '1Day', spanMs: DAY_MS },
  '1week': { name: '1Week', spanMs: 7 * DAY_MS },
  '1month': { name: '1Month', spanMs: 28 * DAY_MS }
}

/** What answers for a kind of instrument: where it is asked, and how its part of the answer reads. */
const QUOTES = {
  stock: { path: '/v2/stocks/snapshots', parameter: 'symbols', member: null, read: toSnapshotQuote },
  crypto: { path: '/v1beta3/crypto/us/snapshots', parameter: 'symbols', member: 'snapshots', read: toSnapshotQuote },
  forex: { path: '/v1beta1/forex/latest/rates', parameter: 'currency_pairs', member: 'rates', read: toRateQuote },
  index: { path: '/v1beta1/indices/latest/values', parameter: 'symbols', member: 'values', read: toIndexQuote }
} as const

export async function fetchQuotes ({ instruments }: Capabilities['quote']['input'],
  call: ProviderCall): Promise<Answer<PerSymbol<Quote>>> {
  const data = await settleParts(byAssetClass(instruments), part => fetchQuotePart(part, call))
  const quotes = Object.values(data.items)
  return {
    data,
    as_of: newestOf(quotes.map(quote => quote.as_of)),
    feed: commonOf(quotes.map(quote => quote.feed)),
    delayed_by_seconds: commonOf(quotes.map(quote => quote.delayed_by_seconds))
  }
}

async function fetchQuotePart (part: Instrument[], call: ProviderCall): Promise<PerSymbol<Quote>> {
  const assetClass = part[0]!.asset_class
  const { path, parameter, member, read } = QUOTES[assetClass]
  const source = sourceOf(assetClass, call.settings)
  return askWithoutInvalid(part, async known => {
    const feed = assetClass === 'stock' ? call.settings.alpaca_feed : undefined
    const body = await call.request({ host: 'data', path, query: { [parameter]: listOf(known), feed } })
    if (member && !(member in toFields(body))) throw malformed('alpaca', member)
    const rows = toSymbolMap(member ? toFields(body)[member] : body, known)
    const answer: PerSymbol<Quote> = { items: {}, failures: {} }
    for (const instrument of known) {
      const quote = read(toFields(rows.get(instrument.symbol)), instrument, source)
      if (quote) answer.items[instrument.symbol] = quote
      else answer.failures[instrument.symbol] = notFound('alpaca', instrument.symbol)
    }
    return answer
  })
}

function sourceOf (assetClass: AssetClass, { alpaca_feed: feed }: ProviderSettings): Pick<Quote, 'feed' | 'delayed_by_seconds'> {
  if (assetClass === 'stock') return { feed, delayed_by_seconds: feed === 'delayed_sip' ? DELAY_SECONDS : 0 }
  return assetClass === 'crypto' ? { feed: 'us', delayed_by_seconds: 0 } : { feed: null, delayed_by_seconds: null }
}

function byAssetClass (instruments: readonly Instrument[]): Instrument[][] {
  const groups = new Map<AssetClass, Instrument[]>()
  for (const instrument of instruments) {
    groups.set(instrument.asset_class, [...groups.get(instrument.asset_class) ?? [], instrument])
  }
  return [...groups.values()]
}

function listOf (instruments: readonly Instrument[]): string {
  return instruments.map(toUpstreamSymbol).join(',')
}

/** Asks for the parts of a request side by side: the failure of one fails its symbols only. */
async function settleParts<T> (parts: readonly Instrument[][],
  ask: (part: Instrument[]) => Promise<PerSymbol<T>>): Promise<PerSymbol<T>> {
  const joined: PerSymbol<T> = { items: {}, failures: {} }
  await Promise.all(parts.map(async part => {
    try {
      const { items, failures } = await ask(part)
      Object.assign(joined.items, items)
      Object.assign(joined.failures, failures)
    } catch (error) {
      if (!isProblem(error)) throw error
      for (const { symbol } of part) joined.failures[symbol] = error
    }
  }))
  return assertAnswered(joined)
}

/** One symbol that Alpaca calls invalid fails its whole request: it is set aside, and the rest asked for again. */
async function askWithoutInvalid<T> (part: Instrument[],
  ask: (known: Instrument[]) => Promise<PerSymbol<T>>): Promise<PerSymbol<T>> {
  try {
    return await ask(part)
  } catch (error) {
    if (!isProblem(error) || codeOf(error) !== 'SYMBOL_NOT_FOUND') throw error
    const words = new Set(error.message.toUpperCase().split(/[^A-Z0-9./]+/).map(word => word.replace(/\.+$/, '')))
    const invalid = part.filter(instrument => words.has(toUpstreamSymbol(instrument)))
    const rest = part.filter(instrument => !invalid.includes(instrument))
    if (invalid.length === 0 || rest.length === 0) throw error
    const answer = await askWithoutInvalid(rest, ask)
    for (const { symbol } of invalid) answer.failures[symbol] = notFound('alpaca', symbol)
    return answer
  }
}

export async function fetchBars (input: BarsInput, call: ProviderCall): Promise<Answer<PerSymbol<BarSeries>>> {
  const { alpaca_feed: setting } = call.settings
  const parts = byAssetClass(input.instruments).flatMap(group => {
    const window = group[0]!.asset_class === 'stock' && setting === 'delayed_sip' ? endBefore(input, call.now) : input
    return chunksOf(group, Math.max(1, Math.floor(MAX_POINTS / pointsIn(window)))).map(part => ({ part, window }))
  })
  const windows = new Map(parts.map(({ part, window }) => [part, window]))
  const data = await settleParts([...windows.keys()], part => fetchBarsPart(part, windows.get(part)!, call))
  const series = Object.values(data.items)
  const stocks = input.instruments.some(({ asset_class: assetClass }) => assetClass === 'stock')
  return {
    data,
    as_of: newestBar(series),
    feed: commonOf(series.map(({ feed }) => feed)),
    delayed_by_seconds: stocks && setting === 'delayed_sip' ? DELAY_SECONDS : 0
  }
}

/** Historical bars know no delayed feed: the consolidated one is free up to 15 minutes ago. */
function endBefore (input: BarsInput, now: Date): BarsInput {
  return { ...input, end: new Date(Math.min(input.end.getTime(), now.getTime() - 16 * 60_000)) }
}

/** The most bars that one symbol can have in a window. */
function pointsIn ({ start, end, timeframe }: BarsInput): number {
  return Math.max(1, Math.ceil((end.getTime() - start.getTime()) / TIMEFRAMES[timeframe].spanMs) + 1)
}

function chunksOf<T> (list: readonly T[], size: number): T[][] {
  const starts = Array.from({ length: Math.ceil(list.length / size) }, (_, index) => index * size)
  return starts.map(start => list.slice(start, start + size))
}

/**
 * Symbols whose bars fit in one page, or one symbol. Alpaca counts its `limit` over all symbols and sends one symbol
 * after the other: so a limit below the page's would leave the later symbols out.
 */
async function fetchBarsPart (part: Instrument[], input: BarsInput, call: ProviderCall): Promise<PerSymbol<BarSeries>> {
  const crypto = part[0]!.asset_class === 'crypto'
  const feed = crypto ? 'us' : call.settings.alpaca_feed === 'iex' ? 'iex' : 'sip'
  return askWithoutInvalid(part, async known => {
    const { rows, currency } = input.start < input.end
      ? await fetchBarRows(known, input, crypto ? '/v1beta3/crypto/us/bars' : '/v2/stocks/bars',
        crypto ? {} : { feed, adjustment: input.adjustment }, call)
      : { rows: new Map<string, Fields[]>(), currency: null }
    const answer: PerSymbol<BarSeries> = { items: {}, failures: {} }
    for (const instrument of known) {
      const series = toSeries(rows.get(instrument.symbol) ?? [], instrument, input, feed, currency)
      if (series) answer.items[instrument.symbol] = series
      else answer.failures[instrument.symbol] = noBars('alpaca', instrument.symbol)
    }
    return answer
  })
}

async function fetchBarRows (part: Instrument[], input: BarsInput, path: string, basis: Record<string, string>,
  call: ProviderCall): Promise<{ rows: Map<string, Fields[]>, currency: unknown }> {
  const { timeframe, end, limit } = input
  const zone = zoneOf(part[0]!.asset_class)
  const start = isIntraday(timeframe) ? input.start : instantAt(toDays(input, zone).first, zone)
  const rows = new Map<string, Fields[]>()
  let pageToken: string | undefined
  let currency: unknown
  for (let page = 0; page < MAX_PAGES; page++) {
    const body = toFields(await call.request({
      host: 'data',
      path,
      query: {
        symbols: listOf(part),
        timeframe: TIMEFRAMES[timeframe].name,
        start: toInstant(start),
        end: toInstant(end.getTime() - 1),
        ...basis,
        sort: 'desc',
        limit: part.length === 1 ? Math.min(limit, MAX_POINTS) : MAX_POINTS,
        page_token: pageToken
      }
    }))
    if (!('bars' in body)) throw malformed('alpaca', 'bars')
    for (const [symbol, page] of toSymbolMap(body.bars, part)) {
      rows.set(symbol, [...rows.get(symbol) ?? [], ...toRows(page)])
    }
    currency = body.currency
    pageToken = typeof body.next_page_token === 'string' ? body.next_page_token : undefined
    const enough = part.every(({ symbol }) => (rows.get(symbol)?.length ?? 0) >= limit)
    if (!pageToken || enough) break
  }
  return { rows, currency }
}

const LISTED = { stock: 'us_equity', crypto: 'crypto' } as const

interface AssetList { listings: Promise<SymbolMatch[]>, at: number }

/**
 * Makes a search over Alpaca's list of assets, which has no search of its own and is several megabytes: it is asked for
 * once a day, and once for all who ask meanwhile.
 */
export function createSearch (): CapabilityAdapter<'search'>['fetch'] {
  const lists = new Map<string, AssetList>()

  async function load (assetClass: keyof typeof LISTED, call: ProviderCall): Promise<SymbolMatch[]> {
    const key = `${call.settings.alpaca_environment} ${assetClass}`
    const forget = (list: AssetList) => { if (lists.get(key) === list) lists.delete(key) }
    for (let known = lists.get(key); known && call.now.getTime() - known.at < DAY_MS; known = lists.get(key)) {
      // What fails for another caller, perhaps by its key, need not fail for this one.
      try { return await known.listings } catch { forget(known) }
    }
    const list = { listings: fetchAssets(assetClass, call), at: call.now.getTime() }
    lists.set(key, list)
    try { return await list.listings } catch (error) {
      forget(list)
      throw error
    }
  }

  return async ({ query, limit, asset_class: wanted }, call) => {
    if (wanted === 'forex' || wanted === 'index') {
      throw problem('PROVIDER_NOT_ENTITLED', 'Alpaca lists stocks and crypto only. Ask another provider.', { provider: 'alpaca' })
    }
    const kinds = wanted ? [wanted] : ['stock', 'crypto'] as const
    const listings = await Promise.all(kinds.map(kind => load(kind, call)))
    const fitting = toRanked(query, listings.flat()).filter(({ rank }) => rank < NO_MATCH)
    return { data: fitting.slice(0, limit).map(({ listing }) => listing), as_of: null }
  }
}

async function fetchAssets (assetClass: keyof typeof LISTED, call: ProviderCall): Promise<SymbolMatch[]> {
  const query = { status: 'active', asset_class: LISTED[assetClass] }
  const body = await call.request({ host: 'trading', path: '/v2/assets', query })
  if (!Array.isArray(body)) throw malformed('alpaca', 'a list of assets')
  return toRows(body).flatMap(row => toSymbolMatch(row, assetClass) ?? [])
}

export async function fetchNews ({ instruments, start, end, limit }: Capabilities['news']['input'],
  call: ProviderCall): Promise<Answer<NewsArticle[]>> {
  const articles: NewsArticle[] = []
  let pageToken: string | undefined
  for (let page = 0; page < MAX_PAGES && articles.length < limit; page++) {
    const body = await call.request({
      host: 'data',
      path: '/v1beta1/news',
      query: {
        symbols: instruments.length ? instruments.map(toNewsSymbol).join(',') : undefined,
        // Left out, it would be the beginning of today.
        start: toInstant(start ?? call.now.getTime() - 365 * DAY_MS),
        end: end && toInstant(end),
        limit: Math.min(limit - articles.length, 50),
        sort: 'desc',
        include_content: false,
        page_token: pageToken
      }
    })
    articles.push(...toNews(body, instruments))
    const { next_page_token: next } = toFields(body)
    if (typeof next !== 'string' || !next) break
    pageToken = next
  }
  return { data: articles.slice(0, limit), as_of: newsAsOf(articles) }
}

export async function fetchMarketStatus (_: Capabilities['market_status']['input'],
  call: ProviderCall): Promise<Answer<MarketStatus>> {
  const clock = toClock(await call.request({ host: 'trading', path: '/v2/clock' }), call.now)
  const day = dayIn(NEW_YORK, clock.at)
  const hours = wallClock(clock.at, NEW_YORK).slice(11)
  const extended = !clock.isOpen && weekdayOf(day) % 6 !== 0 && hours >= '04:00' && hours < '20:00'
  // The clock does not tell a holiday from a day that is over.
  const calendar = extended
    ? await call.request({ host: 'trading', path: '/v2/calendar', query: { start: day, end: addDays(day, 1) } })
    : []
  return { data: toMarketStatus(clock, toSession(clock, calendar)), as_of: toInstant(clock.at) }
}
