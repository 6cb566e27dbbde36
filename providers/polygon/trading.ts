import { codeOf } from '../../errors.ts'
import { tradingDayFrom } from '../../market/calendar.ts'
import { toOption, type Instrument } from '../../market/symbols.ts'
import { addDays, NEW_YORK, toInstant, wallClock } from '../../market/time.ts'
import type { Mover, OptionContract } from '../../schemas/trading.ts'
import {
  commonOf, malformed, newestOf, toDate, toDay, toFields, toNumber, toPrice, toRows, type Fields
} from '../parse.ts'
import type { Answer, Capabilities, ProviderCall } from '../types.ts'
import {
  fromUpstreamSymbol, toClose, toCurrencyOf, toDelay, toResults, toTimeframeDelay, toUpstreamSymbol
} from './normalise.ts'
import { knowsNo, notOffered, pagesOf } from './pages.ts'

/** When the last trades of a day, those after hours, are over. */
const END_OF_DAY = '20:00'
const CHAIN_PAGE = 250
const MAX_CHAIN_PAGES = 40

type MoversInput = Capabilities['market_movers']['input']
type ChainInput = Capabilities['options_chain']['input']

export function fetchMarketMovers (input: MoversInput, call: ProviderCall): Promise<Answer<Mover[]>> {
  return input.list === 'most_active' ? fetchMostActive(input, call) : fetchGainersOrLosers(input, call)
}

async function fetchGainersOrLosers ({ list, asset_class: kind, limit }: MoversInput,
  call: ProviderCall): Promise<Answer<Mover[]>> {
  const market = kind === 'stock' ? 'us/markets/stocks' : 'global/markets/crypto'
  const body = toFields(await call.request({ path: `/v2/snapshot/locale/${market}/${list}` }))
  if (!Array.isArray(body.tickers)) throw malformed('polygon', 'a list of tickers')
  const rows = toRows(body.tickers).flatMap(row => {
    const instrument = fromUpstreamSymbol(row.ticker)
    if (instrument?.asset_class !== kind) return []
    return [{ instrument, mover: toMover(row, instrument), at: toStamp(row.updated) }]
  })
  const direction = list === 'gainers' ? 1 : -1
  const sorted = rows
    .sort((a, b) => ((b.mover.change_percent ?? 0) - (a.mover.change_percent ?? 0)) * direction)
    .slice(0, limit)
  return {
    data: sorted.map(({ mover }) => mover),
    as_of: newestOf(sorted.map(({ at }) => at)),
    delayed_by_seconds: toDelay(body),
    currency: commonOf(sorted.map(({ instrument }) => toCurrencyOf(instrument)))
  }
}

/** Before the opening the day's bar is all zeros: then the minute's has the price, and the volume so far. */
function toMover (row: Fields, { symbol }: Instrument): Mover {
  const [trade, day, minute] = [toFields(row.lastTrade), toFields(row.day), toFields(row.min)]
  return {
    symbol,
    name: null,
    price: toPrice(trade.p) ?? toPrice(day.c) ?? toPrice(minute.c),
    change: toNumber(row.todaysChange),
    change_percent: toNumber(row.todaysChangePerc),
    volume: toPrice(day.v) ?? toPrice(day.dv) ?? toPrice(minute.av),
    trades: null
  }
}

/** Polygon has no such list: it is made of all stocks' bars of the last whole trading day. */
async function fetchMostActive ({ asset_class: kind, limit }: MoversInput,
  call: ProviderCall): Promise<Answer<Mover[]>> {
  if (kind !== 'stock') throw notOffered('Polygon has no list of the most active crypto pairs.')
  const [today = '', clock = ''] = wallClock(call.now, NEW_YORK).split(' ')
  const latest = tradingDayFrom(clock >= END_OF_DAY ? today : addDays(today, -1), -1)
  for (const day of [latest, tradingDayFrom(addDays(latest, -1), -1)]) {
    const rows = await fetchGrouped(day, day === today, call)
    if (rows.length === 0) continue
    const movers = rows.map(({ mover }) => mover).sort((a, b) => (b.volume ?? 0) - (a.volume ?? 0))
    return { data: movers.slice(0, limit), as_of: newestOf(rows.map(({ at }) => at)), currency: 'USD' }
  }
  return { data: [], as_of: null, currency: 'USD' }
}

/** Empty where the day is not there yet: some plans have it from midnight on. */
async function fetchGrouped (day: string, isToday: boolean,
  call: ProviderCall): Promise<{ mover: Mover, at: string | null }[]> {
  const body = await call.request({
    path: `/v2/aggs/grouped/locale/us/market/stocks/${day}`,
    query: { adjusted: true },
    ...(isToday && { plan_line: 'until today' })
  }).catch(error => {
    if (!isToday || codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
    return { status: 'OK' }
  })
  return toResults(body).flatMap(row => {
    const instrument = fromUpstreamSymbol(row.T)
    const at = toDate(row.t)
    if (instrument?.asset_class !== 'stock' || toPrice(row.c) === null) return []
    const mover = {
      symbol: instrument.symbol,
      name: null,
      price: toPrice(row.c),
      change: null,
      change_percent: null,
      volume: toNumber(row.v),
      trades: toNumber(row.n)
    }
    return [{ mover, at: at && toInstant(toClose(at, 'stock')) }]
  })
}

/** Polygon sorts by expiration only: the one that the limit falls into is read to its end. */
export async function fetchOptionsChain (input: ChainInput, call: ProviderCall): Promise<Answer<OptionContract[]>> {
  const { underlying, limit } = input
  if (underlying.asset_class !== 'stock' && underlying.asset_class !== 'index') {
    throw notOffered('Polygon has options on stocks and indices only.')
  }
  const contracts: Quoted[] = []
  let answered = 0
  let delay: number | null = null
  for await (const body of pagesOf(toChainRequest(input), call, '/v3/snapshot/options/', MAX_CHAIN_PAGES)) {
    const rows = toResults(body)
    answered += rows.length
    delay ??= toDelay(body)
    contracts.push(...rows.flatMap(row => toContract(row, underlying) ?? []))
    const last = contracts.at(-1)?.contract.expiration
    if (last !== undefined && contracts.filter(({ contract }) => contract.expiration < last).length >= limit) break
  }
  if (answered > 0 && contracts.length === 0) throw malformed('polygon', 'an option contract that can be read')
  if (answered === 0 && !isFiltered(input)) throw knowsNo('options', underlying)
  const found = contracts.sort(compare).slice(0, limit)
  return {
    data: found.map(({ contract }) => contract),
    as_of: newestOf(found.map(({ contract }) => contract.as_of)),
    delayed_by_seconds: commonOf(found.map(quoted => quoted.delay)) ?? delay,
    currency: 'USD'
  }
}

function toChainRequest (input: ChainInput) {
  return {
    path: `/v3/snapshot/options/${encodeURIComponent(toUpstreamSymbol(input.underlying))}`,
    query: {
      contract_type: input.type,
      'expiration_date.gte': input.expiration_from,
      'expiration_date.lte': input.expiration_to,
      'strike_price.gte': input.strike_min,
      'strike_price.lte': input.strike_max,
      sort: 'expiration_date',
      order: 'asc',
      limit: CHAIN_PAGE
    }
  }
}

function isFiltered ({ underlying: _, limit: __, ...filters }: ChainInput): boolean {
  return Object.values(filters).some(filter => filter !== undefined)
}

interface Quoted { contract: OptionContract, delay: number | null }

function compare ({ contract: a }: Quoted, { contract: b }: Quoted): number {
  if (a.expiration !== b.expiration) return a.expiration < b.expiration ? -1 : 1
  return a.strike - b.strike || (a.type < b.type ? -1 : 1)
}

/**
 * Null where its symbol is not one of the OCC.
 * @throws PROVIDER_MALFORMED where it is a contract on something else
 */
function toContract (row: Fields, underlying: Instrument): Quoted | null {
  const nameOf = (symbol: unknown) => String(symbol).replace(/^I:/, '')
  const { ticker: below } = toFields(row.underlying_asset)
  if (typeof below === 'string' && nameOf(below) !== nameOf(underlying.symbol)) {
    throw malformed('polygon', 'keeping to the symbol asked for')
  }
  const details = toFields(row.details)
  const contract = fromUpstreamSymbol(details.ticker)?.symbol
  const terms = contract === undefined ? undefined : toOption(contract)
  if (contract === undefined || !terms) return null
  const [trade, sides, day, greeks] = [row.last_trade, row.last_quote, row.day, row.greeks].map(toFields) as
    [Fields, Fields, Fields, Fields]
  const stamps = [trade.sip_timestamp, sides.last_updated].map(toStamp)
  return {
    contract: {
      contract,
      underlying: underlying.symbol,
      type: terms.type,
      strike: toPrice(details.strike_price) ?? terms.strike,
      expiration: toDay(details.expiration_date) ?? terms.expiration,
      bid: toPrice(sides.bid),
      ask: toPrice(sides.ask),
      last: toPrice(trade.price) ?? toPrice(day.close),
      volume: toNumber(day.volume),
      open_interest: toNumber(row.open_interest),
      implied_volatility: toPrice(row.implied_volatility),
      delta: toNumber(greeks.delta),
      gamma: toNumber(greeks.gamma),
      theta: toNumber(greeks.theta),
      vega: toNumber(greeks.vega),
      rho: null,
      as_of: newestOf(stamps) ?? toStamp(day.last_updated)
    },
    delay: toTimeframeDelay(trade.timeframe ?? sides.timeframe)
  }
}

function toStamp (value: unknown): string | null {
  const at = toDate(value)
  return at && toInstant(at)
}
