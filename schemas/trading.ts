/** What trades: lists of movers and chains of options. */
import { Type, type Static } from 'typebox'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const text = Nullable(Type.String())
const number = Nullable(Type.Number())

export const MOVER_LISTS = ['gainers', 'losers', 'most_active'] as const
export type MoverList = typeof MOVER_LISTS[number]

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

/** One contract. Prices are a share, for 100 shares a contract as a rule; volatility and greeks as fractions. */
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
  implied_volatility: number,
  delta: number,
  gamma: number,
  theta: number,
  vega: number,
  rho: number,
  /** When the newest of its prices was made. */
  as_of: text
}, strict)
export type OptionContract = Static<typeof OptionContractSchema>
