import { problem } from '../../errors.ts'
import { toOption, type Instrument } from '../../market/symbols.ts'
import { NEW_YORK, toInstant } from '../../market/time.ts'
import type { AssetClass } from '../../schemas/market.ts'
import type { Mover, OptionContract } from '../../schemas/trading.ts'
import {
  commonOf, currencyOf, malformed, newestOf, toDate, toFields, toInstrument, toNumber, toPrice, toRows, type Fields
} from '../parse.ts'
import type { Answer, Capabilities, OptionsChainInput, ProviderCall } from '../types.ts'
import { optionFeeds, type Feed } from './feeds.ts'
import { isLaterDay, toSides } from './normalise.ts'
import { askEntitled, pagesOf } from './requests.ts'

/** The most rows that each screener gives. */
const MAX_MOVERS = 50
const MAX_ACTIVES = 100
const CONTRACTS_PER_PAGE = 1000

export async function fetchMarketMovers (input: Capabilities['market_movers']['input'],
  call: ProviderCall): Promise<Answer<Mover[]>> {
  const { list, asset_class: assetClass, limit } = input
  const stocks = assetClass === 'stock'
  const actives = list === 'most_active'
  if (actives && !stocks) {
    const detail = 'Alpaca lists the most active stocks, not crypto. Ask another provider.'
    throw problem('PROVIDER_NOT_ENTITLED', detail, { provider: 'alpaca' })
  }
  const market = stocks ? 'stocks' : 'crypto'
  const body = toFields(await call.request({
    host: 'data',
    path: `/v1beta1/screener/${market}/${actives ? 'most-actives' : 'movers'}`,
    query: actives ? { by: 'volume', top: Math.min(limit, MAX_ACTIVES) } : { top: Math.min(limit, MAX_MOVERS) }
  }))
  if (typeof body.market_type === 'string' && body.market_type !== market) {
    throw malformed('alpaca', 'keeping to the market asked for')
  }
  const rows = body[actives ? 'most_actives' : list]
  if (!Array.isArray(rows)) throw malformed('alpaca', 'a list of movers')
  const movers = toRows(rows).flatMap(row => toMover(row, assetClass) ?? []).slice(0, limit)
  const at = toDate(body.last_updated)
  return {
    data: movers,
    as_of: at && toInstant(at),
    // Screened over the consolidated feed, whatever the plan.
    ...(stocks ? { feed: 'sip', delayed_by_seconds: 0 } : {}),
    currency: actives ? null : commonOf(movers.map(({ symbol }) => stocks ? 'USD' : symbol.split('/')[1]!))
  }
}

function toMover (row: Fields, assetClass: AssetClass): Mover | null {
  const instrument = toInstrument(String(row.symbol))
  if (instrument?.asset_class !== assetClass) return null
  return {
    symbol: instrument.symbol,
    name: null,
    price: toPrice(row.price),
    change: toNumber(row.change),
    change_percent: toNumber(row.percent_change),
    volume: toNumber(row.volume),
    trades: toNumber(row.trade_count)
  }
}

export async function fetchOptionsChain (input: OptionsChainInput,
  call: ProviderCall): Promise<Answer<OptionContract[]>> {
  if (input.underlying.asset_class !== 'stock') {
    // `I:COMP` without its prefix is a stock.
    const detail = 'Alpaca has options of stocks only. Ask another provider.'
    throw problem('PROVIDER_NOT_ENTITLED', detail, { provider: 'alpaca' })
  }
  return askEntitled(optionFeeds(call.settings), async feed => {
    const contracts = await fetchContracts(input, feed, call)
    if (contracts.length === 0 && !isPlausiblyEmpty(input)) {
      const detail = `alpaca knows no option contracts of ${input.underlying.symbol}.`
      throw problem('SYMBOL_NOT_FOUND', detail, { provider: 'alpaca' })
    }
    const data = contracts.sort(byTerms).slice(0, input.limit)
    return {
      data,
      as_of: newestOf(data.map(contract => contract.as_of)),
      feed: feed.feed,
      delayed_by_seconds: feed.delayed_by_seconds,
      currency: 'USD'
    }
  })
}

/** Filters may leave nothing of a US stock's contracts; of what is listed elsewhere it has none. */
function isPlausiblyEmpty ({ underlying, limit, ...filters }: OptionsChainInput): boolean {
  return currencyOf(underlying) !== null && Object.values(filters).some(value => value !== undefined)
}

/** At least the first `limit` contracts by expiration, in no order. */
async function fetchContracts (input: OptionsChainInput, { feed, plan_line: planLine }: Feed,
  call: ProviderCall): Promise<OptionContract[]> {
  const query = {
    feed: feed ?? undefined,
    type: input.type,
    expiration_date_gte: input.expiration_from,
    expiration_date_lte: input.expiration_to,
    strike_price_gte: input.strike_min,
    strike_price_lte: input.strike_max,
    limit: CONTRACTS_PER_PAGE
  }
  const path = `/v1beta1/options/snapshots/${encodeURIComponent(input.underlying.symbol)}`
  const contracts = new Map<string, OptionContract>()
  for await (const body of pagesOf({ host: 'data', path, query, plan_line: planLine }, call)) {
    const page = toContracts(body, input.underlying)
    for (const contract of page) contracts.set(contract.contract, contract)
    if (isEnough([...contracts.values()], page.at(-1), input)) break
  }
  return [...contracts.values()]
}

/**
 * Alpaca sends contracts by their symbol, so by root and expiration: those that expire before the last one sent are
 * complete, once the roots of adjusted contracts (`AAPL1`, which come first) are through.
 */
function isEnough (contracts: readonly OptionContract[], last: OptionContract | undefined,
  { underlying, limit }: OptionsChainInput): boolean {
  if (!last || toOption(last.contract)?.root !== toRoot(underlying)) return false
  return contracts.filter(({ expiration }) => expiration < last.expiration).length >= limit
}

/** The root of an instrument's standard contracts: `BRKB` of `BRK.B`. */
function toRoot (underlying: Instrument): string {
  return underlying.symbol.replace('.', '')
}

/** @throws PROVIDER_MALFORMED where it has no map of contracts, or contracts of other underlyings only */
function toContracts ({ snapshots }: Fields, underlying: Instrument): OptionContract[] {
  if (typeof snapshots !== 'object' || Array.isArray(snapshots)) throw malformed('alpaca', 'its map of contracts')
  const contracts = Object.entries(snapshots ?? {})
    .flatMap(([symbol, row]) => toContract(symbol, toFields(row), underlying) ?? [])
  const fits = ({ contract }: OptionContract) => toOption(contract)?.root.replace(/\d$/, '') === toRoot(underlying)
  if (contracts.length > 0 && !contracts.some(fits)) throw malformed('alpaca', 'keeping to the symbol asked for')
  return contracts
}

function toContract (contract: string, row: Fields, { symbol: underlying }: Instrument): OptionContract | null {
  const terms = toOption(contract)
  if (!terms) return null
  const trade = toFields(row.latestTrade)
  const quote = toFields(row.latestQuote)
  const day = toFields(row.dailyBar)
  const greeks = toFields(row.greeks)
  const { bid, ask } = toSides(quote)
  const at = newestOf([trade.t, quote.t].map(value => toDate(value)).map(date => date && toInstant(date)))
  return {
    contract,
    underlying,
    type: terms.type,
    strike: terms.strike,
    expiration: terms.expiration,
    bid,
    ask,
    last: toPrice(trade.p),
    // Without a trade today, the bar is that of an earlier day.
    volume: isLaterDay(toDate(at), toDate(day.t), NEW_YORK) ? null : toNumber(day.v),
    open_interest: null,
    implied_volatility: toPrice(row.impliedVolatility),
    delta: toNumber(greeks.delta),
    gamma: toNumber(greeks.gamma),
    theta: toNumber(greeks.theta),
    vega: toNumber(greeks.vega),
    rho: toNumber(greeks.rho),
    as_of: at
  }
}

function byTerms (a: OptionContract, b: OptionContract): number {
  return inOrder(a.expiration, b.expiration) || a.strike - b.strike || inOrder(a.type, b.type)
}

function inOrder (a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
