import { toInstant } from '../../market/time.ts'
import type { Mover, MoverList, OptionContract } from '../../schemas/trading.ts'
import { newestOf } from '../parse.ts'
import type { CapabilityAdapter } from '../types.ts'
import { tradesOfVolume } from './bars.ts'
import { assertListing, LISTINGS } from './listings.ts'
import { expirationsOf, strikesOf, termsOf, toContract } from './options.ts'
import { lastSessionsOf, quoteOf } from './quotes.ts'

const RANKS: Record<MoverList, { isIn: (mover: Mover) => boolean, rank: (mover: Mover) => number }> = {
  gainers: { isIn: mover => mover.change! > 0, rank: mover => -mover.change_percent! },
  losers: { isIn: mover => mover.change! < 0, rank: mover => mover.change_percent! },
  most_active: { isIn: () => true, rank: mover => -mover.volume! }
}

export const marketMovers: CapabilityAdapter<'market_movers'> = {
  fetch: async ({ list, asset_class: kind, limit }, { now }) => {
    const quotes = LISTINGS.filter(listing => listing.asset_class === kind)
      .map(listing => ({ name: listing.name, ...quoteOf(listing, now) }))
    const { isIn, rank } = RANKS[list]
    const data = quotes
      .map(({ symbol, name, price, change, change_percent: percent, volume }): Mover =>
        ({ symbol, name, price, change, change_percent: percent, volume, trades: tradesOfVolume(volume) }))
      .filter(isIn)
      .sort((a, b) => rank(a) - rank(b))
    return {
      data: data.slice(0, limit),
      as_of: newestOf(quotes.map(quote => quote.as_of)),
      delayed_by_seconds: 0,
      currency: 'USD'
    }
  }
}

export const optionsChain: CapabilityAdapter<'options_chain'> = {
  asset_classes: ['stock', 'index'],
  fetch: async (input, { now }) => {
    const listing = assertListing(input.underlying.symbol)
    const { type, limit } = input
    const { expiration_from: first = '', expiration_to: last = '9999', strike_min: min = 0, strike_max: max = Infinity } = input
    const sessions = lastSessionsOf(listing, now)
    const { price, previous_close: previousClose } = quoteOf(listing, now)
    const strikes = strikesOf(listing, previousClose ?? price).filter(strike => strike >= min && strike <= max)
    const terms = termsOf(listing, sessions.day, price)
    const types = (['call', 'put'] as const).filter(name => !type || name === type)
    const data: OptionContract[] = []
    for (const expiration of expirationsOf(listing, now).filter(day => day >= first && day <= last)) {
      for (const strike of strikes) {
        if (data.length >= limit) break
        data.push(...types.map(name => toContract(listing, { expiration, strike, type: name }, sessions, terms)))
      }
    }
    return {
      data: data.slice(0, limit),
      as_of: toInstant(sessions.until),
      delayed_by_seconds: 0,
      currency: listing.currency
    }
  }
}
