import { Type } from 'typebox'
import { problem } from '../errors.ts'
import { parseSymbol } from '../market/symbols.ts'
import { CompanyProfileSchema } from '../schemas/market.ts'
import { defineTool } from './define.ts'
import { PinnedProviderSchema, SymbolSchema } from './inputs.ts'
import { receiptOf } from './receipt.ts'

export const getCompanyProfile = defineTool({
  name: 'get_company_profile',
  title: 'Company profile',
  description: 'What a listed company does: sector, industry, market cap, shares, employees, website, listing date and peers. ' +
    'For prices use get_quote.',
  input: Type.Object({ symbol: SymbolSchema, provider: PinnedProviderSchema }, { additionalProperties: false }),
  output: CompanyProfileSchema,
  ttl: () => 6 * 3600,
  async fetch ({ symbol, provider }, call) {
    const instrument = parseSymbol(symbol)
    if (instrument.asset_class !== 'stock') {
      throw problem('INVALID_INPUT', `${instrument.symbol} is not a company (${instrument.asset_class}). Use get_quote for its price.`)
    }
    const answer = await call.route.one('profile', { instrument }, { ...call, provider })
    return {
      data: answer.data,
      meta: { ...receiptOf(answer), currency: answer.data.currency, untrusted_fields: ['name', 'description', 'ceo'] },
    }
  },
  present: profile => ({ data: profile })
})
