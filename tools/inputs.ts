/** Arguments that several tools share, and how they are read. */
import { Type } from 'typebox'
import { problem } from '../errors.ts'
import { parseSymbol, type Instrument } from '../market/symbols.ts'
import { PROVIDERS } from '../providers/index.ts'
import type { Capability } from '../providers/types.ts'
import type { AssetClass } from '../schemas/market.ts'

const SPELLINGS = 'AAPL, BRK.B, BTC/USD, EUR/USD, I:SPX'

export const SymbolsSchema = Type.Array(Type.String(), {
  minItems: 1, maxItems: 50, description: SPELLINGS, examples: [['AAPL', 'BTC/USD']]
})

export const SymbolSchema = Type.String({ description: SPELLINGS, examples: ['AAPL'] })

/** A listed company or fund. */
export const StockSchema = Type.String({ examples: ['AAPL'] })

/** A window of calendar days; see `daysOf` of market/window.ts. */
export const DAYS = {
  start: Type.Optional(Type.String({ description: 'YYYY-MM-DD' })),
  end: Type.Optional(Type.String())
}
/** The window that was asked about, as an answer states it. */
export const WindowSchema = { from: Type.String(), to: Type.String() }

/** `provider`, out of those that can be asked for the capability. */
export function pinnable (capability: Capability) {
  const names = Object.values(PROVIDERS).filter(({ name, capabilities }) => name !== 'sample' && capabilities[capability]).map(({ name }) => name)
  return Type.Optional(Type.Enum([...names, 'sample']))
}

export const FieldsSchema = Type.Optional(Type.Array(Type.String(), { minItems: 1 }))
export const CursorSchema = Type.Optional(Type.String({ maxLength: 40 }))

/** Of every tool that asks a provider; the gate reads it. */
export const MaxAgeSchema = Type.Optional(Type.Integer({ minimum: 0, description: 'Of a cached answer; 0: fetch anew' }))

export const limitOf = (most: number, usual: number) => Type.Integer({ default: usual, minimum: 1, maximum: most })

/** Canonical instruments, each once. */
export function toInstruments (symbols: readonly string[]): Instrument[] {
  const bySymbol = new Map(symbols.map(parseSymbol).map(instrument => [instrument.symbol, instrument]))
  return [...bySymbol.values()]
}

/**
 * The instrument of a question that can be asked of some kinds only.
 * @param subject what the question is about, for the sentence: `a company`
 * @throws INVALID_INPUT
 */
export function toInstrumentOf (symbol: string, subject: string, kinds: readonly AssetClass[] = ['stock']): Instrument {
  const instrument = parseSymbol(symbol)
  if (kinds.includes(instrument.asset_class)) return instrument
  throw problem('INVALID_INPUT', `${instrument.symbol} is not ${subject} (${instrument.asset_class}). Use get_quote or get_bars for its price.`)
}
