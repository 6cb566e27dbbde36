import { problem } from '../../errors.ts'
import type { Mover, MoverList } from '../../schemas/trading.ts'
import { toNumber, toPrice, toText } from '../parse.ts'
import { fromUpstreamSymbol, listOf } from './normalise.ts'
import type { Fetch } from './requests.ts'

const MOVER_LISTS: Record<MoverList, string> = {
  gainers: '/biggest-gainers', losers: '/biggest-losers', most_active: '/most-actives'
}

export const fetchMovers: Fetch<'market_movers'> = async ({ list, asset_class: assetClass, limit }, call) => {
  if (assetClass !== 'stock') {
    throw problem('PROVIDER_NOT_ENTITLED', 'FMP lists the movers of the stock market only. Ask another provider.', { provider: 'fmp' })
  }
  const data = toMovers(await call.request({ path: MOVER_LISTS[list] }))
  return { data: data.slice(0, limit), as_of: null, currency: 'USD' }
}

/** In FMP's order; it tells no volume. */
function toMovers (body: unknown): Mover[] {
  return listOf(body, 'a list of movers').flatMap(row => {
    const upstream = toText(row.symbol, 40)
    if (upstream === null) return []
    return {
      symbol: fromUpstreamSymbol(upstream, row.exchange),
      name: toText(row.name),
      price: toPrice(row.price),
      change: toNumber(row.change),
      change_percent: toNumber(row.changesPercentage),
      volume: null,
      trades: null
    }
  })
}
