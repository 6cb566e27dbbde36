/** A made-up options market: European, monthly, priced after Black and Scholes from the listing's own quote. */
import { problem } from '../../errors.ts'
import { tradingDayFrom } from '../../market/calendar.ts'
import type { OptionTerms } from '../../market/symbols.ts'
import { addDays, dayIn, monthOf, NEW_YORK, toInstant, weekdayOf } from '../../market/time.ts'
import type { Quote } from '../../schemas/market.ts'
import type { OptionContract } from '../../schemas/trading.ts'
import { notFound, toChange } from '../parse.ts'
import { payoutsBetween } from './actions.ts'
import { valueOption, type OptionValue } from './black-scholes.ts'
import { sessionOf } from './bars.ts'
import { curveOf } from './economy.ts'
import { LISTINGS, priceAt, YEAR_MS, type SampleListing } from './listings.ts'
import { lastSessionsOf, type LastSessions } from './quotes.ts'
import { between, fixed, unit } from './random.ts'

const EXPIRATIONS = 12
/** On either side of the money. */
const STRIKES = 12

/** Of which options a contract is: the underlying's letters alone. */
const rootOf = (symbol: string) => symbol.replace(/^I:|\./g, '')

const UNDERLYINGS = new Map(LISTINGS.filter(({ asset_class: kind }) => kind === 'stock' || kind === 'index')
  .map(listing => [rootOf(listing.symbol), listing]))

export function contractOf (symbol: string, { expiration, type, strike }: Contract): string {
  const days = expiration.slice(2).replaceAll('-', '')
  return `${rootOf(symbol)}${days}${type === 'call' ? 'C' : 'P'}${String(Math.round(strike * 1000)).padStart(8, '0')}`
}

/** The third Friday of a month, or the trading day before it. */
function expirationIn (month: string): string {
  return tradingDayFrom(addDays(month, (5 - weekdayOf(month) + 7) % 7 + 14), -1)
}

/** When a contract expires: at the close, in ms. */
const expiryOf = (listing: SampleListing, day: string) => sessionOf(listing, day)![1]

/** The expirations that are to come, nearest first. */
export function expirationsOf (listing: SampleListing, now: Date): string[] {
  const days: string[] = []
  for (let month = monthOf(dayIn(NEW_YORK, now)); days.length < EXPIRATIONS; month = monthOf(addDays(month, 32))) {
    const day = expirationIn(month)
    if (expiryOf(listing, day) > now.getTime()) days.push(day)
  }
  return days
}

/** How far strikes lie apart: by the usual price, so that contracts live on when prices move. */
export function stepOf ({ level }: SampleListing): number {
  return level < 50 ? 1 : level < 200 ? 2.5 : level < 500 ? 5 : level < 1000 ? 10 : 50
}

/** Strikes around the close of the session before, lowest first. */
export function strikesOf (listing: SampleListing, previousClose: number): number[] {
  const step = stepOf(listing)
  const middle = Math.round(previousClose / step)
  return Array.from({ length: 2 * STRIKES + 1 }, (_, i) => (middle - STRIKES + i) * step).filter(strike => strike > 0)
}

/** What options on a listing are priced with on a day; the rate is the Treasury's of the day before, as a fraction. */
export interface Terms { rate: number, dividendYield: number, volatility: number }
type Contract = Omit<OptionTerms, 'root'>

export function termsOf (listing: SampleListing, day: string, spot: number): Terms {
  const payouts = payoutsBetween(listing, addDays(day, -364), day)
  const isBroad = ['ETF', 'Index'].includes(listing.type)
  return {
    rate: curveOf(tradingDayFrom(addDays(day, -1), -1))['3m'] / 100,
    dividendYield: payouts.reduce((sum, { amount }) => sum + amount, 0) / spot,
    volatility: isBroad ? 0.16 : between(`${listing.symbol}:volatility`, 0.22, 0.5)
  }
}

interface Valued extends OptionValue { volatility: number }

/** A contract at an instant before it expires; volatility smiles, and leans to low strikes. */
function valueAt (listing: SampleListing, { expiration, type, strike }: Contract, terms: Terms, at: number): Valued {
  const spot = priceAt(listing, at)
  const distance = Math.log(strike / spot)
  const smile = Math.max(0.5, Math.min(2.5, 1 - 0.3 * distance + 0.8 * distance ** 2))
  const volatility = fixed(terms.volatility * smile, 4)
  const years = (expiryOf(listing, expiration) - at) / YEAR_MS
  return { ...valueOption({ ...terms, type, spot, strike, years, volatility }), volatility }
}

/** What cannot be sold for a cent has no bid, and was never traded. */
function bookOf (price: number) {
  const mid = fixed(price, 2)
  const half = Math.max(0.01, fixed(mid * 0.01, 2))
  return { bid: mid > half ? fixed(mid - half, 2) : null, ask: fixed(mid + half, 2), last: mid || null }
}

/** Contracts trade most near the money; the volume grows through the session. */
function activityOf (contract: string, { delta, price }: OptionValue, { day, start, until, end }: LastSessions) {
  const nearness = Math.exp(-8 * (Math.abs(delta) - 0.4) ** 2)
  const interest = Math.round(20_000 * nearness * between(`${contract}:interest:${day}`, 0.3, 1))
  const part = (until - start) / (end - start)
  const volume = Math.round(interest * 0.3 * unit(`${contract}:volume:${day}`) * part)
  return { volume: price < 0.005 ? 0 : volume, open_interest: interest }
}

/** @param terms those of the session's day */
export function toContract (
  listing: SampleListing, option: Contract, sessions: LastSessions, terms: Terms
): OptionContract {
  const contract = contractOf(listing.symbol, option)
  const value = valueAt(listing, option, terms, sessions.until)
  return {
    contract,
    underlying: listing.symbol,
    type: option.type,
    strike: option.strike,
    expiration: option.expiration,
    ...bookOf(value.price),
    ...activityOf(contract, value, sessions),
    implied_volatility: value.volatility,
    delta: fixed(value.delta, 6),
    gamma: fixed(value.gamma, 6),
    theta: fixed(value.theta, 6),
    vega: fixed(value.vega, 6),
    rho: fixed(value.rho, 6),
    as_of: toInstant(sessions.until)
  }
}

/**
 * The quote of one contract, also beyond the strikes of the chain.
 * @throws SYMBOL_NOT_FOUND where the listing has no such expiration or strike, or the contract is worth nothing
 */
export function optionQuoteOf (symbol: string, option: OptionTerms, now: Date): Quote {
  const listing = UNDERLYINGS.get(option.root)
  if (!listing || option.strike % stepOf(listing) !== 0 || !expirationsOf(listing, now).includes(option.expiration)) {
    throw notFound('The sample market', symbol)
  }
  const sessions = lastSessionsOf(listing, now)
  const { day, start, until, previous } = sessions
  const terms = termsOf(listing, day, priceAt(listing, until))
  const contract = toContract(listing, option, sessions, terms)
  if (contract.last === null) {
    throw problem('SYMBOL_NOT_FOUND', `${symbol} has no price: it is worth less than half a cent.`, { provider: 'sample' })
  }
  const priceOn = (at: number) => fixed(valueAt(listing, option, terms, at).price, 2)
  const path = Array.from({ length: 9 }, (_, i) => priceOn(start + (until - start) * i / 8))
  const previousDay = dayIn(NEW_YORK, new Date(previous[1]))
  const previousTerms = termsOf(listing, previousDay, priceAt(listing, previous[1]))
  const previousClose = fixed(valueAt(listing, option, previousTerms, previous[1]).price, 2) || null
  return {
    symbol,
    price: contract.last,
    currency: listing.currency,
    ...toChange(contract.last, previousClose),
    open: path[0] || null,
    high: Math.max(...path),
    low: Math.min(...path) || null,
    previous_close: previousClose,
    volume: contract.volume,
    bid: contract.bid,
    ask: contract.ask,
    bid_size: null,
    ask_size: null,
    as_of: contract.as_of,
    feed: null,
    delayed_by_seconds: 0
  }
}
