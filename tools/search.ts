import { Type } from 'typebox'
import { SymbolMatchSchema, type SymbolMatch } from '../schemas/market.ts'
import { DAY } from './freshness.ts'
import { defineList } from './list.ts'
import { receiptOf } from './receipt.ts'

export const searchSymbols = defineList({
  name: 'search_symbols',
  title: 'Symbol search',
  description: 'Finds symbols by name or part of a symbol. Use it first when the symbol is not certain.',
  input: {
    query: Type.String({ minLength: 1, maxLength: 60, examples: ['berkshire'] }),
    asset_class: Type.Optional(Type.Enum(['stock', 'crypto', 'forex', 'index']))
  },
  capability: 'search',
  key: 'matches',
  row: SymbolMatchSchema,
  limit: { usual: 10, most: 50 },
  format: 'records',
  untrusted: ['name'],
  ttl: () => DAY,
  async fetch ({ query, asset_class: assetClass }, call) {
    const wanted = { query: query.trim(), limit: call.reach, ...(assetClass && { asset_class: assetClass }) }
    const answer = await call.route.one('search', wanted, call)
    return { data: { rows: answer.data satisfies SymbolMatch[] }, meta: receiptOf(answer) }
  }
})
