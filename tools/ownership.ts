import { Type } from 'typebox'
import { addDays } from '../market/time.ts'
import { daysOf, type DayRules } from '../market/window.ts'
import {
  AnalystRatingsSchema, EtfHoldingSchema, INDICES, IndexConstituentSchema, InsiderTradeSchema,
  InstitutionalHolderSchema, RatingChangeSchema, type AnalystRatings
} from '../schemas/ownership.ts'
import { defineTool } from './define.ts'
import { dropEmptyColumns, toTable } from './format.ts'
import { DAY, HOUR } from './freshness.ts'
import { CursorSchema, DAYS, limitOf, MaxAgeSchema, pinnable, StockSchema, toInstrumentOf, WindowSchema } from './inputs.ts'
import { defineList } from './list.ts'
import { reachOf } from './page.ts'
import { receiptOf } from './receipt.ts'

/** Counts of analysts: half a year of them. */
const TREND_ROWS = 6

export const getAnalystRatings = defineTool({
  name: 'get_analyst_ratings',
  title: 'Analyst ratings',
  description: 'What analysts say of a stock: consensus, price target, counts by month, and the latest up- and downgrades, of which `limit` are shown. ' +
    'For estimates of earnings use get_earnings.',
  input: Type.Object({
    symbol: StockSchema,
    limit: limitOf(200, 10),
    cursor: CursorSchema,
    provider: pinnable('analyst_ratings'),
    max_age_seconds: MaxAgeSchema
  }, { additionalProperties: false }),
  output: AnalystRatingsSchema,
  ttl: () => 6 * HOUR,
  presentation: ['limit', 'cursor'],
  reach: reachOf,
  untrusted: ['firm', 'action', 'from', 'to'],
  async fetch ({ symbol }, call) {
    const instrument = toInstrumentOf(symbol, 'a stock')
    const answer = await call.route.one('analyst_ratings', { instrument, limit: call.reach }, call)
    return { data: answer.data, meta: receiptOf({ ...answer, currency: answer.data.currency }) }
  },
  present (ratings, _, { offset, limit }) {
    const changes = ratings.changes.slice(offset, offset + limit)
    const trend = ratings.trend.slice(0, TREND_ROWS)
    return {
      data: { ...ratings, trend, changes },
      table: dropEmptyColumns(toTable(changes, Object.keys(RatingChangeSchema.properties))),
      caption: captionOf({ ...ratings, trend, changes }),
      rows: { shown: changes.length, fetched: ratings.changes.length }
    }
  }
})

/** What the table of changes does not say: a line each for the target and the counts. */
function captionOf ({ symbol, consensus, currency, price_target: target, trend, changes }: AnalystRatings): string {
  const toWords = (fields: object) => Object.entries(fields).filter(([, value]) => value !== null).map(field => field.join(' ')).join(', ')
  return [
    `Analyst ratings, symbol ${symbol}, consensus ${consensus ?? 'not known'}`,
    ...(target ? [`price target: ${toWords({ ...target, currency })}`] : []),
    ...trend.map(toWords),
    `changes${changes.length ? '' : ': no rows'}`
  ].join('\n')
}

const LAST_YEAR: DayRules = { usual: today => ({ from: addDays(today, -365), to: today }) }

export const getInsiderTrades = defineList({
  name: 'get_insider_trades',
  title: 'Insider trades',
  description: 'Trades of a company\'s directors, officers and large owners (SEC forms 3 to 5), newest first; 12 months unless start and end say otherwise. ' +
    'For funds\' stakes use get_institutional_holders.',
  input: { symbol: StockSchema, ...DAYS },
  capability: 'insider_trades',
  key: 'trades',
  row: InsiderTradeSchema,
  header: { symbol: Type.String(), ...WindowSchema },
  columns: () => Object.keys(InsiderTradeSchema.properties).filter(name => name !== 'symbol'),
  // A link costs more than the rest of its row.
  lean: Object.keys(InsiderTradeSchema.properties).filter(name => name !== 'url'),
  limit: { usual: 20 },
  untrusted: ['name', 'role'],
  ttl: () => HOUR,
  async fetch ({ symbol, ...days }, call) {
    const instrument = toInstrumentOf(symbol, 'a company')
    const window = daysOf(days, LAST_YEAR, call.now)
    const answer = await call.route.one('insider_trades', { instrument, ...window, limit: call.reach }, call)
    return { data: { rows: answer.data, header: { symbol: instrument.symbol, ...window } }, meta: receiptOf(answer) }
  }
})

export const getInstitutionalHolders = defineList({
  name: 'get_institutional_holders',
  title: 'Institutional holders',
  description: 'Institutions that hold a stock, largest first, from quarterly reports that are up to 45 days late. ' +
    'For what a fund holds use get_etf_holdings.',
  input: { symbol: StockSchema },
  capability: 'institutional_holders',
  key: 'holders',
  row: InstitutionalHolderSchema,
  header: { symbol: Type.String() },
  columns: () => Object.keys(InstitutionalHolderSchema.properties).filter(name => name !== 'symbol'),
  limit: { usual: 20 },
  untrusted: ['holder'],
  ttl: () => DAY,
  async fetch ({ symbol }, call) {
    const instrument = toInstrumentOf(symbol, 'a company')
    const answer = await call.route.one('institutional_holders', { instrument, limit: call.reach }, call)
    return { data: { rows: answer.data, header: { symbol: instrument.symbol } }, meta: receiptOf(answer) }
  }
})

export const getEtfHoldings = defineList({
  name: 'get_etf_holdings',
  title: 'ETF holdings',
  description: 'What an ETF holds and with which weight, largest first. For the members of an index use get_index_constituents.',
  input: { symbol: Type.String({ examples: ['SPY'] }) },
  capability: 'etf_holdings',
  key: 'holdings',
  row: EtfHoldingSchema,
  // `symbol` is that of each holding.
  header: { fund: Type.String() },
  limit: { usual: 25 },
  untrusted: ['name'],
  ttl: () => DAY,
  async fetch ({ symbol }, call) {
    const instrument = toInstrumentOf(symbol, 'a fund')
    const answer = await call.route.one('etf_holdings', { instrument, limit: call.reach }, call)
    return { data: { rows: answer.data, header: { fund: instrument.symbol } }, meta: receiptOf(answer) }
  }
})

export const getIndexConstituents = defineList({
  name: 'get_index_constituents',
  title: 'Index constituents',
  description: 'Companies of the S&P 500 (I:SPX), Nasdaq 100 (I:NDX) or Dow Jones (I:DJI), without weights: for those use get_etf_holdings of SPY, QQQ or DIA.',
  input: { index: Type.Enum([...INDICES], { default: 'I:SPX', examples: ['I:NDX'] }) },
  capability: 'index_constituents',
  key: 'constituents',
  row: IndexConstituentSchema,
  header: { index: Type.Enum([...INDICES]) },
  limit: { usual: 50 },
  untrusted: ['name', 'headquarters'],
  ttl: () => DAY,
  async fetch ({ index }, call) {
    const answer = await call.route.one('index_constituents', { index, limit: call.reach }, call)
    return { data: { rows: answer.data, header: { index } }, meta: receiptOf(answer) }
  }
})
