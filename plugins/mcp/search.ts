import { parseSymbol, type Instrument } from '../../market/symbols.ts'
import type { SymbolMatch } from '../../schemas/market.ts'
import type { Meta } from '../../schemas/receipt.ts'
import type { Caller, Tools } from '../tools/index.ts'

/** A listing that has a canonical spelling; columns without a value in any row are left out. */
export type Listed = Partial<SymbolMatch> & { symbol: string }

export interface Found { matches: Listed[], meta: Meta }

/** Asks for listings in the caller's name: the call is cached, counted and recorded like one of the caller's own. */
export type Search = (args: { query: string, asset_class?: string, limit: number }, caller: Caller) => Promise<Found>

export function createSearch (tools: Tools): Search {
  return async (args, caller) => {
    const { structured } = await tools.call('search_symbols', { ...args, format: 'records' }, caller)
    const { matches } = structured.data as { matches: Listed[] }
    return { matches: matches.filter(({ symbol }) => toInstrument(symbol)), meta: structured.meta }
  }
}

export function toInstrument (symbol: string): Instrument | undefined {
  try { return parseSymbol(symbol) } catch { return undefined }
}
