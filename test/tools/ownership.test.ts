import { test } from 'tap'
import {
  EtfHoldingSchema, IndexConstituentSchema, InsiderTradeSchema, InstitutionalHolderSchema, RatingChangeSchema,
  type AnalystRatings, type EtfHolding, type IndexConstituent, type InsiderTrade, type InstitutionalHolder
} from '../../schemas/ownership.ts'
import {
  getAnalystRatings, getEtfHoldings, getIndexConstituents, getInsiderTrades, getInstitutionalHolders
} from '../../tools/ownership.ts'
import { ask, toRow } from './fake-tool-call.ts'

type Change = AnalystRatings['changes'][number]

const ratingsWith = (changes: number, trend: number): AnalystRatings => ({
  symbol: 'AAPL',
  consensus: 'buy',
  currency: 'USD',
  price_target: { high: 350, low: 210, mean: 281.5, median: null, analysts: 41 },
  trend: Array.from({ length: trend }, (_, i) => ({ period: `2026-${11 - i}`, strong_buy: 13, buy: 24, hold: 7, sell: 1, strong_sell: 0 })),
  changes: Array.from({ length: changes }, (_, i) => toRow<Change>(RatingChangeSchema, { date: `2026-10-${31 - i}`, firm: `Firm ${i}`, action: 'maintain' }))
})

test('ratings show half a year of counts, and as many changes as the limit says', async t => {
  const { asked, fetched, shown, text } = await ask(getAnalystRatings, { symbol: 'AAPL' }, { analyst_ratings: () => ({ data: ratingsWith(14, 9) }) })
  t.equal(asked[0]!.input['limit'], 50)
  t.equal(shown.data.trend.length, 6)
  t.equal(shown.data.changes.length, 10)
  t.same(shown.rows, { shown: 10, fetched: 14 })
  t.equal(fetched.meta.currency, 'USD')
  const lines = text.split('\n')
  t.same(lines.slice(0, 3), [
    'Analyst ratings, symbol AAPL, consensus buy',
    'price target: high 350, low 210, mean 281.5, analysts 41, currency USD',
    'period 2026-11, strong_buy 13, buy 24, hold 7, sell 1, strong_sell 0'
  ])
  t.same(lines.slice(8, 11), ['changes', 'date,firm,action', '2026-10-31,Firm 0,maintain'])

  const second = getAnalystRatings.present(ratingsWith(14, 9), { symbol: 'AAPL', limit: 10 }, { offset: 10, limit: 10 })
  t.match(second, { data: { changes: [{ firm: 'Firm 10' }] }, rows: { shown: 4, fetched: 14 } })
})

test('ratings without changes or a target say so', async t => {
  const bare = { ...ratingsWith(0, 0), consensus: null, price_target: null }
  const { text } = await ask(getAnalystRatings, { symbol: 'AAPL' }, { analyst_ratings: () => ({ data: bare }) })
  t.match(text, /^Analyst ratings, symbol AAPL, consensus not known\nchanges: no rows\ndate,firm,action,from,to,price_target\nsource fmp/)
})

test('insider trades are those of the last 12 months; their links stand in fields', async t => {
  const trade = toRow<InsiderTrade>(InsiderTradeSchema, { symbol: 'AAPL', name: 'DOE JANE', shares: -500, is_derivative: false, url: 'https://www.sec.gov/x' })
  const answers = { insider_trades: () => ({ data: [trade] }) }
  const { asked, shown } = await ask(getInsiderTrades, { symbol: 'AAPL' }, answers)
  t.match(asked[0]!.input, { instrument: { symbol: 'AAPL' }, from: '2025-11-20', to: '2026-11-20', limit: 50 })
  t.same(shown.data, {
    symbol: 'AAPL',
    from: '2025-11-20',
    to: '2026-11-20',
    columns: { name: ['DOE JANE'], shares: [-500], is_derivative: [false] }
  })
  const { shown: linked } = await ask(getInsiderTrades, { symbol: 'AAPL', fields: ['url'], start: '2026-01-01', end: '2026-02-01' }, answers)
  t.same(linked.data.columns, { url: ['https://www.sec.gov/x'] })
  t.match(linked.data, { from: '2026-01-01', to: '2026-02-01' })
})

test('an answer without rows names its window and its columns', async t => {
  const { shown, text } = await ask(getInsiderTrades, { symbol: 'AAPL' }, { insider_trades: () => ({ data: [] }) })
  t.same(shown.data.columns.shares, [])
  t.match(text, /^Insider trades, symbol AAPL, from 2025-11-20, to 2026-11-20: no rows\nfiled_at,transaction_date,name,.*\nsource fmp/)
  t.equal(text.split('\n').length, 3)
})

test('holders, holdings and members state whose they are once', async t => {
  const holder = toRow<InstitutionalHolder>(InstitutionalHolderSchema, { symbol: 'AAPL', holder: 'A Fund', shares: 9 })
  const held = await ask(getInstitutionalHolders, { symbol: 'AAPL' }, { institutional_holders: () => ({ data: [holder] }) })
  t.same(held.shown.data, { symbol: 'AAPL', columns: { holder: ['A Fund'], shares: [9] } })

  const holding = toRow<EtfHolding>(EtfHoldingSchema, { symbol: 'AAPL', weight_percent: 6.5 })
  const fund = await ask(getEtfHoldings, { symbol: 'SPY' }, { etf_holdings: () => ({ data: [holding] }) })
  t.same(fund.shown.data, { fund: 'SPY', columns: { symbol: ['AAPL'], weight_percent: [6.5] } })

  const member = toRow<IndexConstituent>(IndexConstituentSchema, { symbol: 'AAPL', name: 'Apple' })
  const index = await ask(getIndexConstituents, {}, { index_constituents: () => ({ data: [member] }) })
  t.match(index.asked, [{ capability: 'index_constituents', input: { index: 'I:SPX', limit: 200 } }])
  t.same(index.shown.data, { index: 'I:SPX', columns: { symbol: ['AAPL'], name: ['Apple'] } })
  await t.rejects(ask(getIndexConstituents, { index: 'I:RUT' }, {}), { message: /must be one of I:SPX, I:NDX, I:DJI/ })
})
