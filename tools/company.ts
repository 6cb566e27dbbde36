import { Type } from 'typebox'
import { CompanyProfileSchema } from '../schemas/market.ts'
import { defineTool } from './define.ts'
import { HOUR } from './freshness.ts'
import { MaxAgeSchema, pinnable, StockSchema, toInstrumentOf } from './inputs.ts'
import { receiptOf } from './receipt.ts'

export const getCompanyProfile = defineTool({
  name: 'get_company_profile',
  title: 'Company profile',
  description: 'What a listed company does: sector, industry, market cap, shares, employees, website, listing date and peers. ' +
    'For prices use get_quote.',
  input: Type.Object({ symbol: StockSchema, provider: pinnable('profile'), max_age_seconds: MaxAgeSchema }, { additionalProperties: false }),
  output: CompanyProfileSchema,
  ttl: () => 6 * HOUR,
  untrusted: ['name', 'description', 'ceo'],
  async fetch ({ symbol }, call) {
    const instrument = toInstrumentOf(symbol, 'a company')
    const answer = await call.route.one('profile', { instrument }, call)
    return { data: answer.data, meta: { ...receiptOf(answer), currency: answer.data.currency } }
  },
  present: profile => ({ data: profile })
})
