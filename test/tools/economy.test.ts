import { test } from 'tap'
import { EconomicEventSchema, type EconomicEvent, type EconomicSeries } from '../../schemas/events.ts'
import { getEconomicCalendar, getEconomicIndicator } from '../../tools/economy.ts'
import { ask, toRow } from './fake-tool-call.ts'

const release = (event: string, impact: string | null) =>
  toRow<EconomicEvent>(EconomicEventSchema, { time: '2026-11-24T13:30:00Z', country: 'US', event, impact, estimate: 2.1 })

test('the economic calendar looks a week ahead, in one country where asked', async t => {
  const answers = { economic_calendar: () => ({ data: [release('GDP', 'high')] }) }
  const { asked, shown } = await ask(getEconomicCalendar, { country: 'us' }, answers)
  t.same(asked[0]!.input, { from: '2026-11-20', to: '2026-11-27', country: 'US', limit: 200 })
  t.same(shown.data, {
    from: '2026-11-20',
    to: '2026-11-27',
    country: 'US',
    columns: { time: ['2026-11-24T13:30:00Z'], event: ['GDP'], impact: ['high'], estimate: [2.1] }
  })
  const { asked: [world] } = await ask(getEconomicCalendar, {}, answers)
  t.notOk('country' in world!.input)
  await t.rejects(ask(getEconomicCalendar, { country: 'USA' }, answers), { code: 'FMS_INVALID_INPUT', message: /country/ })
  await t.rejects(ask(getEconomicCalendar, { start: '2026-01-01', end: '2026-06-30' }, answers), { message: /at most 90/ })
})

test('an impact is the least: what has none is left out, and the whole window is looked through', async t => {
  const data = [release('a', 'low'), release('b', 'medium'), release('c', null), release('d', 'high')]
  const answers = { economic_calendar: () => ({ data }) }
  const eventsFrom = async (impact: string) => {
    const { asked, shown } = await ask(getEconomicCalendar, { impact }, answers)
    t.equal(asked[0]!.input['limit'], 10_000)
    return shown.data.columns.event
  }
  t.same(await eventsFrom('low'), ['a', 'b', 'd'])
  t.same(await eventsFrom('medium'), ['b', 'd'])
  t.same(await eventsFrom('high'), ['d'])
})

const seriesOf = (indicator: EconomicSeries['indicator'], points: EconomicSeries['points']): EconomicSeries =>
  ({ indicator, unit: 'percent', country: 'US', points })

test('an indicator is five years of one value a date', async t => {
  const { asked, shown, text } = await ask(getEconomicIndicator, { indicator: 'cpi' }, {
    economic_indicator: () => ({ data: seriesOf('cpi', [{ date: '2026-10-01', value: 330.1 }, { date: '2026-09-01', value: null }]) })
  })
  t.same(asked[0]!.input, { indicator: 'cpi', from: '2021-11-19', to: '2026-11-20', limit: 200 })
  t.same(shown.data, {
    indicator: 'cpi',
    unit: 'percent',
    country: 'US',
    from: '2021-11-19',
    to: '2026-11-20',
    columns: { date: ['2026-10-01', '2026-09-01'], value: [330.1, null] }
  })
  t.match(text, /^Economic indicator, indicator cpi, unit percent, country US, from 2021-11-19, to 2026-11-20\ndate,value\n/)
})

test('treasury rates have a column a maturity, and no value', async t => {
  const answers = { economic_indicator: () => ({ data: seriesOf('treasury_rates', [{ date: '2026-11-19', '1m': 3.9, '10y': 4.1, '30y': null }]) }) }
  const { shown } = await ask(getEconomicIndicator, { indicator: 'treasury_rates' }, answers)
  t.same(shown.data.columns, { date: ['2026-11-19'], '1m': [3.9], '10y': [4.1] })
  await t.rejects(ask(getEconomicIndicator, { indicator: 'treasury_rates', fields: ['value'] }, answers), { message: /It has date, 1m, 2m/ })
  await t.rejects(ask(getEconomicIndicator, { indicator: 'cpi', fields: ['10y'] }, answers), { message: /It has date, value\./ })
})
