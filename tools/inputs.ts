/** Arguments that several tools share. */
import { Type } from 'typebox'
import { parseSymbol, type Instrument } from '../market/symbols.ts'
import type { ProviderName } from '../schemas/market.ts'

export const SymbolsSchema = Type.Array(Type.String(), {
  minItems: 1, maxItems: 50, description: 'AAPL, BRK.B, BTC/USD, EUR/USD, I:SPX', examples: [['AAPL', 'BTC/USD']]
})

export const SymbolSchema = Type.String({ description: 'AAPL, BRK.B, BTC/USD, EUR/USD, I:SPX', examples: ['AAPL'] })

export const PinnedProviderSchema = Type.Optional(Type.Enum(['alpaca', 'polygon', 'fmp', 'finnhub', 'sample'] satisfies ProviderName[], {
  description: 'Ask only this one'
}))

/** Whether a symbol's price stands still while the US stock market is closed; pairs trade on. */
export const isExchangeTraded = (symbol: string) => !symbol.includes('/')

/** Canonical instruments, each once. */
export function toInstruments (symbols: readonly string[]): Instrument[] {
  const bySymbol = new Map(symbols.map(parseSymbol).map(instrument => [instrument.symbol, instrument]))
  return [...bySymbol.values()]
}
