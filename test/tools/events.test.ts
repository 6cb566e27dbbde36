import { test } from 'tap'
import { problem } from '../../errors.ts'
import {
  CorporateActionSchema, FilingSchema, MarketHolidaySchema, type CorporateAction, type Filing, type MarketHoliday
} from '../../schemas/events.ts'
import { EarningsSchema, type Earnings } from '../../schemas/fundamentals.ts'
import { getCorporateActions, getEarningsCalendar, getFilings, getMarketCalendar } from '../../tools/events.ts'
import { ask, toRow } from './fake-tool-call.ts'

test('the earnings calendar looks a week ahead, and no more than a month at once', async t => {
  const answers = { earnings_calendar: () => ({ data: [] }) }
  const { asked } = await ask(getEarningsCalendar, {}, answers)
  t.match(asked[0]!.input, { from: '2026-11-20', to: '2026-11-27', limit: 200 })
  const { asked: [later] } = await ask(getEarningsCalendar, { start: '2027-01-10' }, answers)
  t.match(later!.input, { from: '2027-01-10', to: '2027-01-17' })
  await t.rejects(ask(getEarningsCalendar, { start: '2026-10-01' }, answers),
    { code: 'FMS_INVALID_INPUT', message: /2026-10-01 to 2026-11-27 are 58 days; at most 31 .* Send start and end nearer/ })
})

test('the earnings of some symbols are looked for in the whole window', async t => {
  const report = (symbol: string) => toRow<Earnings>(EarningsSchema, { symbol, date: '2026-11-24' })
  const { asked, shown } = await ask(getEarningsCalendar, { symbols: ['nvda', 'BRK.B'] }, {
    earnings_calendar: () => ({ data: ['AAPL', 'NVDA', 'BRK.A', 'BRK.B'].map(report) })
  })
  t.equal(asked[0]!.input['limit'], 10_000)
  t.same(shown.data.columns.symbol, ['NVDA', 'BRK.B'])
  t.same(shown.rows, { shown: 2, fetched: 2 })
  await t.rejects(ask(getEarningsCalendar, { symbols: ['EUR/USD'] }, {}), { message: /not a company/ })
})

test('dividends and splits are asked for together, or one of them', async t => {
  const action = (fields: Partial<CorporateAction>) => toRow<CorporateAction>(CorporateActionSchema, { symbol: 'NVDA', ...fields })
  const data = [
    action({ type: 'dividend', ex_date: '2026-09-11', amount: 0.01, currency: 'USD', special: false }),
    action({ type: 'split', ex_date: '2024-11-25', split_from: 1, split_to: 10 })
  ]
  const answers = { corporate_actions: () => ({ data }) }
  const { asked, fetched, shown } = await ask(getCorporateActions, { symbol: 'NVDA' }, answers)
  t.match(asked[0]!.input, { types: ['dividend', 'split'], from: '2024-11-20', to: '2027-02-18', limit: 50 })
  t.same(shown.data, {
    symbol: 'NVDA',
    currency: 'USD',
    from: '2024-11-20',
    to: '2027-02-18',
    columns: {
      type: ['dividend', 'split'],
      ex_date: ['2026-09-11', '2024-11-25'],
      amount: [0.01, null],
      special: [false, null],
      split_from: [null, 1],
      split_to: [null, 10]
    }
  })
  t.equal(fetched.meta.currency, 'USD')
  const { asked: [splits] } = await ask(getCorporateActions, { symbol: 'NVDA', types: 'split,split', start: '2000-01-01' }, answers)
  t.match(splits!.input, { types: ['split'], from: '2000-01-01', to: '2027-02-18' })
  await t.rejects(ask(getCorporateActions, { symbol: 'NVDA', types: ['merger'] }, answers), { message: /must be one of dividend, split/ })
})

test('filings of one form are asked for as the SEC spells it', async t => {
  const filing = toRow<Filing>(FilingSchema, { symbol: 'AAPL', form: '10-K', cik: '0000320193', filed_at: '2026-10-30' })
  const answers = { filings: () => ({ data: [filing] }) }
  const { asked, shown } = await ask(getFilings, { symbol: 'AAPL', form: 'def 14a' }, answers)
  t.match(asked[0]!.input, { form: 'DEF 14A', from: '2025-11-20', to: '2026-11-20', limit: 50 })
  t.same(shown.data, {
    symbol: 'AAPL', cik: '0000320193', from: '2025-11-20', to: '2026-11-20', columns: { form: ['10-K'], filed_at: ['2026-10-30'] }
  })
  const { asked: [any] } = await ask(getFilings, { symbol: 'AAPL' }, answers)
  t.notOk('form' in any!.input)
})

const holiday = (fields: Partial<MarketHoliday>) => toRow<MarketHoliday>(MarketHolidaySchema, fields)

test('the market calendar is the provider\'s where it speaks, and the exchange\'s rules where it is silent', async t => {
  const args = { start: '2025-01-01', end: '2025-07-04', format: 'records' }
  const { asked, fetched, shown } = await ask(getMarketCalendar, args, {
    market_calendar: () => ({
      data: [
        holiday({ date: '2025-01-09', name: 'National Day of Mourning', status: 'closed' }),
        holiday({ date: '2025-07-03', status: 'early_close', open: '09:30', close: '13:15' }),
        holiday({ date: '2025-07-04', name: 'July 4th', status: 'closed' })
      ]
    })
  })
  t.same(asked, [{ capability: 'market_calendar', input: { from: '2025-01-01', to: '2025-07-04' } }])
  t.match(fetched.meta, { provider: 'fmp', time_zone: 'America/New_York' })
  type Day = MarketHoliday & { source: string }
  t.same(shown.data.days.map(({ date, name, close, source }: Day) => [date, name, close, source]), [
    ['2025-01-01', "New Year's Day", null, 'rules'],
    ['2025-01-09', 'National Day of Mourning', null, 'fmp'],
    ['2025-01-20', 'Martin Luther King, Jr. Day', null, 'rules'],
    ['2025-02-17', "Washington's Birthday", null, 'rules'],
    ['2025-04-18', 'Good Friday', null, 'rules'],
    ['2025-05-26', 'Memorial Day', null, 'rules'],
    ['2025-06-19', 'Juneteenth', null, 'rules'],
    ['2025-07-03', 'Eve of Independence Day', '13:15', 'fmp'],
    ['2025-07-04', 'July 4th', null, 'fmp']
  ])
})

test('without a provider the market calendar is that of the rules, and the receipt says who was asked in vain', async t => {
  const failing = (code: Parameters<typeof problem>[0]) => ({
    market_calendar: () => { throw problem(code, 'no', { tried: [{ provider: 'fmp', outcome: 'x' }] }) }
  })
  const { fetched, shown } = await ask(getMarketCalendar, {}, failing('PROVIDER_UNAVAILABLE'))
  t.match(fetched, { meta: { provider: null, as_of: null, tried: [{ provider: 'fmp', outcome: 'x' }] }, cacheable: false })
  t.match(shown.data, { from: '2026-01-01', to: '2026-12-31' })
  t.equal(shown.data.columns.date.length, 12)
  const early = shown.data.columns.date.indexOf('2026-11-27')
  t.same(['name', 'status', 'open', 'close', 'source'].map(name => shown.data.columns[name][early]),
    ['Day after Thanksgiving', 'early_close', '09:30', '13:00', 'rules'])

  const unset = await ask(getMarketCalendar, {}, { market_calendar: () => { throw problem('PROVIDER_NOT_CONFIGURED', 'no key') } })
  t.match(unset.fetched, { meta: { provider: null, tried: [] }, cacheable: true })

  await t.rejects(ask(getMarketCalendar, {}, failing('PROVIDER_UNAVAILABLE'), { provider: 'fmp' }), { code: 'FMS_PROVIDER_UNAVAILABLE' })
  await t.rejects(ask(getMarketCalendar, {}, { market_calendar: () => { throw new TypeError('a defect') } }), TypeError)
  const gone = AbortSignal.abort(new Error('the caller went'))
  await t.rejects(ask(getMarketCalendar, {}, failing('PROVIDER_UNAVAILABLE'), { signal: gone }), { message: 'the caller went' })
})

test('the market calendar begins where its rules do, and is not read for decades', async t => {
  await t.rejects(ask(getMarketCalendar, { start: '1995-01-01', end: '1995-12-31' }, {}), { message: /begins in 2000/ })
  await t.rejects(ask(getMarketCalendar, { start: '2000-01-01', end: '2026-12-31' }, {}), { message: /at most 3660/ })
})
