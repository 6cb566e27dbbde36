import { test } from 'tap'
import { problem } from '../../errors.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { alpaca } from '../../providers/alpaca/index.ts'
import type { Capabilities } from '../../providers/types.ts'
import { CorporateActionSchema, MarketHolidaySchema, type ActionKind } from '../../schemas/events.ts'
import { ask, codeThrown, faults, fixture } from '../fixtures/alpaca/world.ts'

const { corporate_actions: corporateActions, market_calendar: marketCalendar } = alpaca.capabilities

function actionsInput (input: Partial<Capabilities['corporate_actions']['input']> = {}) {
  const types: readonly ActionKind[] = ['dividend', 'split']
  return { instrument: parseSymbol('ACME'), types, from: '2024-01-01', to: '2026-03-04', limit: 100, ...input }
}

test('corporate actions are looked up by their booking, and come newest first by ex-date', async t => {
  const { call, requests } = ask(() => fixture('corporate-actions'))
  const { data, as_of: asOf } = await corporateActions!.fetch(actionsInput(), call)
  t.same(requests, [{
    host: 'data',
    path: '/v1/corporate-actions',
    query: {
      symbols: 'ACME',
      types: 'cash_dividend,forward_split,reverse_split,stock_dividend',
      start: '2023-11-02',
      end: '2027-03-05',
      sort: 'desc',
      limit: 1000,
      page_token: undefined
    }
  }])
  t.same(data.map(({ type, ex_date: day }) => [type, day]), [
    ['dividend', '2026-02-09'], ['dividend', '2025-12-16'], ['dividend', '2025-11-10'], ['split', '2025-09-02'],
    ['dividend', '2025-08-11'], ['split', '2025-06-16'], ['split', '2024-03-04']
  ])
  t.same(data[0], {
    type: 'dividend',
    symbol: 'ACME',
    ex_date: '2026-02-09',
    record_date: '2026-02-09',
    pay_date: '2026-02-27',
    declaration_date: null,
    amount: 0.26,
    currency: 'USD',
    frequency: null,
    special: false,
    split_from: null,
    split_to: null
  })
  t.same(faults(CorporateActionSchema, data), [])
  t.equal(asOf, null)
})

test('a dividend counts by its ex-date, wherever in the window it was booked', async t => {
  const { call } = ask(() => fixture('corporate-actions'))
  const between = (from: string, to: string) =>
    corporateActions!.fetch(actionsInput({ types: ['dividend'], from, to }), call).then(({ data }) => data.map(({ ex_date: day }) => day))
  t.same(await between('2025-11-10', '2025-11-10'), ['2025-11-10'], 'paid two months later')
  t.same(await between('2025-12-16', '2025-12-16'), ['2025-12-16'], 'paid the day before')
  t.same(await between('2026-01-08', '2026-01-08'), [], 'only paid in the window')
})

test('what is not known of a dividend is null', async t => {
  const { call } = ask(() => fixture('corporate-actions'))
  const { data } = await corporateActions!.fetch(actionsInput({ types: ['dividend'] }), call)
  t.match(data.map(({ amount, currency, special }) => [amount, currency, special]),
    [[0.26, 'USD', false], [2.5, 'USD', true], [0.31, 'CAD', false], [null, null, false]])
})

test('splits say how many shares become how many; units that come apart are none', async t => {
  const { call, requests } = ask(() => fixture('corporate-actions'))
  const { data } = await corporateActions!.fetch(actionsInput({ types: ['split'] }), call)
  t.equal(requests[0]?.query?.types, 'forward_split,reverse_split,stock_dividend')
  t.same(data.map(row => [row.symbol, row.split_from, row.split_to, row.amount]),
    [['ACME', 1, 1.05, null], ['ACME', 1, 4, null], ['ACME', 50, 1, null]])
})

test('pages of corporate actions are followed, no action comes twice, and the limit takes the newest', async t => {
  const { corporate_actions: all } = fixture('corporate-actions')
  const { call, requests } = ask(({ query }) => query?.page_token
    ? { corporate_actions: { cash_dividends: all.cash_dividends.slice(1) }, next_page_token: null }
    : { corporate_actions: { cash_dividends: all.cash_dividends.slice(0, 2) }, next_page_token: 'two' })
  const { data } = await corporateActions!.fetch(actionsInput(), call)
  t.same(requests.map(({ query }) => query?.page_token), [undefined, 'two'])
  t.equal(data.length, 4)
  t.same((await corporateActions!.fetch(actionsInput({ limit: 1 }), call)).data.map(({ ex_date: day }) => day), ['2026-02-09'])
})

test('no actions are a fact of a US stock, and no knowledge of another', async t => {
  const { call } = ask(() => ({ corporate_actions: {}, next_page_token: null }))
  t.same((await corporateActions!.fetch(actionsInput(), call)).data, [])
  t.same((await corporateActions!.fetch(actionsInput({ instrument: parseSymbol('BRK.B') }), call)).data, [])
  t.equal(await codeThrown(corporateActions!.fetch(actionsInput({ instrument: parseSymbol('SAP.DE') }), call)), 'SYMBOL_NOT_FOUND')
})

test('corporate actions of another symbol, or none at all, are malformed', async t => {
  const { call } = ask(() => fixture('corporate-actions'))
  t.equal(await codeThrown(corporateActions!.fetch(actionsInput({ instrument: parseSymbol('AAPL') }), call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(corporateActions!.fetch(actionsInput(), ask(() => ({})).call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(corporateActions!.fetch(actionsInput(), ask(() => ({ corporate_actions: [] })).call)), 'PROVIDER_MALFORMED')
})

test('the closings of a window are the weekdays that the calendar lacks, and its short days', async t => {
  const { call, requests } = ask(() => fixture('calendar'))
  const { data, as_of: asOf } = await marketCalendar!.fetch({ from: '2026-11-24', to: '2026-12-01' }, call)
  t.same(requests, [{ host: 'trading', path: '/v2/calendar', query: { start: '2026-11-10', end: '2026-12-15' } }])
  t.same(data, [
    { date: '2026-11-26', name: 'Thanksgiving Day', status: 'closed', open: null, close: null },
    { date: '2026-11-27', name: 'Day after Thanksgiving', status: 'early_close', open: '09:30', close: '13:00' },
    { date: '2026-12-01', name: null, status: 'closed', open: null, close: null }
  ])
  t.same(faults(MarketHolidaySchema, data), [])
  t.equal(asOf, null)
})

test('days beyond the calendar are not known, so not closed', async t => {
  const { call } = ask(() => fixture('calendar'))
  const daysOf = (from: string, to: string) =>
    marketCalendar!.fetch({ from, to }, call).then(({ data }) => data.map(({ date }) => date))
  t.same(await daysOf('2026-11-16', '2026-12-31'), ['2026-11-26', '2026-11-27', '2026-12-01'])
  t.same(await daysOf('2026-11-28', '2026-11-29'), [], 'a weekend')
  t.equal(await codeThrown(marketCalendar!.fetch({ from: '2035-01-01', to: '2035-12-31' }, call)), 'PROVIDER_NOT_ENTITLED')
  t.equal(await codeThrown(marketCalendar!.fetch({ from: '2035-01-01', to: '2035-12-31' }, ask(() => []).call)), 'PROVIDER_NOT_ENTITLED')
})

test('what is no calendar is malformed, and refusals pass through', async t => {
  const window = { from: '2026-11-24', to: '2026-12-01' }
  t.equal(await codeThrown(marketCalendar!.fetch(window, ask(() => ({})).call)), 'PROVIDER_MALFORMED')
  t.equal(await codeThrown(marketCalendar!.fetch(window, ask(() => [{ day: 'x' }]).call)), 'PROVIDER_MALFORMED')
  const { call } = ask(() => { throw problem('PROVIDER_REJECTED_KEY', 'refused') })
  t.equal(await codeThrown(marketCalendar!.fetch(window, call)), 'PROVIDER_REJECTED_KEY')
  t.equal(await codeThrown(corporateActions!.fetch(actionsInput(), call)), 'PROVIDER_REJECTED_KEY')
})
