/** What trades: lists of movers and chains of options. */
import { Type, type Static } from 'typebox'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const text = Nullable(Type.String())
const number = Nullable(Type.Number())

export const MOVER_LISTS = ['gainers', 'losers', 'most_active'] as const
export type MoverList = typeof MOVER_LISTS[number]

/** The change is against the close before; the volume is in shares, or in units of the base currency. */
export const MoverSchema = Type.Object({
  symbol: Type.String(),
  name: text,
  price: number,
  change: number,
  change_percent: number,
  volume: number,
  trades: number
}, strict)
export type Mover = Static<typeof MoverSchema>

export const OptionTypeSchema = Type.Enum(['call', 'put'])

/** One contract. Prices are a share, for 100 shares a contract as a rule; volume and open interest count contracts. */
export const OptionContractSchema = Type.Object({
  /** The OCC symbol: `AAPL261218C00250000`. */
  contract: Type.String(),
  underlying: Type.String(),
  type: OptionTypeSchema,
  strike: Type.Number(),
  expiration: Type.String(),
  bid: number,
  ask: number,
  last: number,
  volume: number,
  open_interest: number,
  /** A year's, as a fraction: 0.31 is 31 %. */
  implied_volatility: number,
  /** How much the contract's price moves where a share moves by 1. */
  delta: number,
  /** How much delta does. */
  gamma: number,
  /** How much the price moves in a calendar day. */
  theta: number,
  /** … where the volatility moves by a percentage point, from 0.31 to 0.32. */
  vega: number,
  /** … where the interest rate moves by a percentage point. */
  rho: number,
  /** When the newest of its prices was made. */
  as_of: text
}, strict)
export type OptionContract = Static<typeof OptionContractSchema>
