/** A made-up market: every price is a pure function of symbol and instant, so that any two reads agree. */
import { problem } from '../../errors.ts'
import type { AssetClass } from '../../schemas/market.ts'
import { notFound } from '../parse.ts'
import { fixed, unit } from './random.ts'

export interface SampleListing {
  symbol: string
  name: string
  asset_class: AssetClass
  type: string
  exchange: string
  currency: string | null
  level: number
  volume: number
}

function row (
  symbol: string,
  name: string,
  kind: AssetClass,
  type: string,
  level: number,
  volume: number,
  currency: string | null = 'USD'
): SampleListing {
  return { symbol, name, asset_class: kind, type, exchange: 'SAMPLE', currency, level, volume }
}

export const LISTINGS: readonly SampleListing[] = [
  row('AAPL', 'Apple Inc. (sample)', 'stock', 'Common Stock', 230, 5e7),
  row('MSFT', 'Microsoft Corporation (sample)', 'stock', 'Common Stock', 430, 2e7),
  row('NVDA', 'NVIDIA Corporation (sample)', 'stock', 'Common Stock', 140, 2e8),
  row('AMZN', 'Amazon.com, Inc. (sample)', 'stock', 'Common Stock', 200, 4e7),
  row('GOOGL', 'Alphabet Inc. Class A (sample)', 'stock', 'Common Stock', 180, 3e7),
  row('TSLA', 'Tesla, Inc. (sample)', 'stock', 'Common Stock', 280, 9e7),
  row('BRK.B', 'Berkshire Hathaway Inc. Class B (sample)', 'stock', 'Common Stock', 460, 4e6),
  row('SPY', 'S&P 500 ETF Trust (sample)', 'stock', 'ETF', 590, 6e7),
  row('I:SPX', 'S&P 500 Index (sample)', 'index', 'Index', 5900, 0, null),
  row('BTC/USD', 'Bitcoin (sample)', 'crypto', 'Cryptocurrency', 90_000, 2e4),
  row('ETH/USD', 'Ether (sample)', 'crypto', 'Cryptocurrency', 3200, 3e5),
  row('EUR/USD', 'Euro (sample)', 'forex', 'Currency Pair', 1.08, 0),
  row('USD/JPY', 'US Dollar (sample)', 'forex', 'Currency Pair', 151, 0, 'JPY')
]

export function listingOf (symbol: string): SampleListing | undefined {
  return LISTINGS.find(listing => listing.symbol === symbol)
}

/** @throws SYMBOL_NOT_FOUND */
export function assertListing (symbol: string): SampleListing {
  const listing = listingOf(symbol)
  if (!listing) throw notFound('The sample market', symbol)
  return listing
}

export const COMPANIES = LISTINGS.filter(({ type }) => type === 'Common Stock')

/** @throws SYMBOL_NOT_FOUND, also where the symbol is listed and no company */
export function assertCompany (symbol: string): SampleListing {
  const listing = assertListing(symbol)
  if (COMPANIES.includes(listing)) return listing
  throw problem('SYMBOL_NOT_FOUND', `${symbol} is no company of the sample market (${listing.type}). Ask for one that ` +
    `reports: ${COMPANIES.map(company => company.symbol).join(', ')}.`, { provider: 'sample' })
}

/** Shares outstanding, on today's basis: the number never changes. */
export const sharesOf = ({ type, volume }: SampleListing) => volume * (type === 'ETF' ? 15 : 200)

export const YEAR_MS = 365.25 * 86_400_000

/** Length in years and size of each. */
const WAVES = [
  [4, 0.25],
  [1, 0.12],
  [0.25, 0.05],
  [0.06, 0.025],
  [0.011, 0.012],
  [0.0019, 0.005],
  [0.0004, 0.002]
] as const

const phases = new Map<string, number[]>()

function phasesOf (symbol: string): number[] {
  let list = phases.get(symbol)
  if (!list) {
    list = WAVES.map((_, i) => unit(`${symbol}:${i}`) * 2 * Math.PI)
    phases.set(symbol, list)
  }
  return list
}

/** The price at an instant: waves of seven lengths around the level; currencies move a tenth as much. */
export function priceAt (listing: SampleListing, at: number): number {
  const scale = listing.asset_class === 'forex' ? 0.1 : 1
  const phase = phasesOf(listing.symbol)
  const log = WAVES.reduce((sum, [years, size], i) => {
    const angle = 2 * Math.PI * at / (years * YEAR_MS) + phase[i]!
    return sum + size * scale * Math.sin(angle)
  }, 0)
  return round(listing.level * Math.exp(log), listing)
}

export function round (price: number, { asset_class: kind }: SampleListing): number {
  return fixed(price, kind === 'forex' ? 5 : 2)
}

/** Units traded from one instant to another: a whole number, 0 for what has no volume. */
export function volumeBetween ({ symbol, volume }: SampleListing, from: number, to: number, openMs: number): number {
  return Math.round(volume * (to - from) / openMs * (0.6 + 0.8 * unit(`${symbol}:${from}`)))
}
