import { Type } from 'typebox'
import { AssetClassSchema, SymbolMatchSchema } from '../schemas/market.ts'
import { defineTool } from './define.ts'
import { dropEmptyColumns, toTable } from './format.ts'
import { PinnedProviderSchema } from './inputs.ts'
import { receiptOf } from './receipt.ts'

export const searchSymbols = defineTool({
  name: 'search_symbols',
  title: 'Symbol search',
  description: 'Finds symbols by name or part of a symbol. Use it first when the symbol is not certain.',
  input: Type.Object({
    query: Type.String({ minLength: 1, maxLength: 60, description: 'Company name or symbol', examples: ['berkshire'] }),
    asset_class: Type.Optional(AssetClassSchema),
    limit: Type.Integer({ default: 10, minimum: 1, maximum: 50 }),
    provider: PinnedProviderSchema
  }, { additionalProperties: false }),
  output: Type.Object({ matches: Type.Array(SymbolMatchSchema) }),
  ttl: () => 86_400,
  async fetch ({ query, limit, asset_class: assetClass, provider }, call) {
    const answer = await call.route.one('search', { query: query.trim(), limit, ...(assetClass && { asset_class: assetClass }) }, { ...call, provider })
    return { data: answer.data.slice(0, limit), meta: { ...receiptOf(answer), untrusted_fields: ['matches[].name'] } }
  },
  present: matches => ({
    data: { matches },
    table: dropEmptyColumns(toTable(matches, Object.keys(SymbolMatchSchema.properties)))
  })
})
