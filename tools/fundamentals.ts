import { Type } from 'typebox'
import { commonOf } from '../providers/parse.ts'
import {
  BalanceSheetSchema, CashFlowSchema, EarningsSchema, IncomeStatementSchema, KeyMetricsSchema,
  PERIODS, STATEMENT_SCHEMAS, STATEMENTS
} from '../schemas/fundamentals.ts'
import { defineTool } from './define.ts'
import { HOUR } from './freshness.ts'
import { MaxAgeSchema, pinnable, StockSchema, toInstrumentOf } from './inputs.ts'
import { defineList } from './list.ts'
import { receiptOf } from './receipt.ts'

const SIX_HOURS = 6 * HOUR

/** Whose rows they are, and their money where it is one for all. */
const HeaderSchema = { symbol: Type.String(), currency: Type.Optional(Type.String()) }

/** Years are few, and free plans refuse long lists: the usual four and one more are asked for as five. */
const STATEMENT_STEPS = [5, 20, 50]

export const getFinancials = defineList({
  name: 'get_financials',
  title: 'Financial statements',
  description: 'Income statement, balance sheet or cash flow of a company, newest first, in plain currency units, with the day of filing. ' +
    'For ratios use get_key_metrics, for estimates get_earnings.',
  input: {
    symbol: StockSchema,
    statement: Type.Enum([...STATEMENTS], { default: 'income' }),
    period: Type.Enum([...PERIODS], { default: 'annual' })
  },
  capability: 'financials',
  key: 'statements',
  row: Type.Object({
    ...IncomeStatementSchema.properties, ...BalanceSheetSchema.properties, ...CashFlowSchema.properties
  }),
  header: { ...HeaderSchema, statement: Type.Enum([...STATEMENTS]), period: Type.Enum([...PERIODS]) },
  columns: ({ statement }) => Object.keys(STATEMENT_SCHEMAS[statement].properties).filter(name => name !== 'symbol'),
  limit: { usual: 4, most: 100 },
  reach: needed => STATEMENT_STEPS.find(step => step >= needed) ?? 200,
  ttl: () => SIX_HOURS,
  async fetch ({ symbol, statement, period }, call) {
    const instrument = toInstrumentOf(symbol, 'a company')
    const answer = await call.route.one('financials', { instrument, statement, period, limit: call.reach }, call)
    const currency = commonOf(answer.data.map(row => row.currency))
    const header = { symbol: instrument.symbol, statement, period, ...(currency && { currency }) }
    return {
      data: { rows: answer.data, header },
      meta: receiptOf({ ...answer, currency })
    }
  }
})

export const getKeyMetrics = defineTool({
  name: 'get_key_metrics',
  title: 'Key metrics',
  description: 'Latest valuation, margins, returns, debt, growth, beta and 52-week range of a company. Margins, yields and growth are fractions. ' +
    'For the statements behind them use get_financials.',
  input: Type.Object({ symbol: StockSchema, provider: pinnable('key_metrics'), max_age_seconds: MaxAgeSchema }, { additionalProperties: false }),
  output: KeyMetricsSchema,
  ttl: () => SIX_HOURS,
  async fetch ({ symbol }, call) {
    const instrument = toInstrumentOf(symbol, 'a company')
    const answer = await call.route.one('key_metrics', { instrument }, call)
    return { data: answer.data, meta: receiptOf({ ...answer, currency: answer.data.currency }) }
  },
  present: metrics => ({ data: metrics })
})

export const getEarnings = defineList({
  name: 'get_earnings',
  title: 'Earnings',
  description: 'Earnings of one company, estimated and actual, newest first; the next report too where it is known. ' +
    'For all companies that report in some days use get_earnings_calendar.',
  input: { symbol: StockSchema },
  capability: 'earnings',
  key: 'earnings',
  row: EarningsSchema,
  header: HeaderSchema,
  columns: () => Object.keys(EarningsSchema.properties).filter(name => name !== 'symbol'),
  limit: { usual: 8, most: 200 },
  ttl: () => SIX_HOURS,
  async fetch ({ symbol }, call) {
    const instrument = toInstrumentOf(symbol, 'a company')
    const answer = await call.route.one('earnings', { instrument, limit: call.reach }, call)
    const currency = commonOf(answer.data.map(row => row.currency))
    return {
      data: { rows: answer.data, header: { symbol: instrument.symbol, ...(currency && { currency }) } },
      meta: receiptOf({ ...answer, currency })
    }
  }
})
