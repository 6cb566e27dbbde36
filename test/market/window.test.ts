import { test } from 'tap'
import { isTradingDay } from '../../market/calendar.ts'
import { addDays, dayIn, NEW_YORK } from '../../market/time.ts'
import { resolveWindow } from '../../market/window.ts'

const now = new Date('2026-11-20T15:00:00Z')
const resolve = (request: { start?: string, end?: string, lookback?: string, limit?: number }) => {
  const { start, end } = resolveWindow({ timeframe: '1day', limit: 100, ...request }, now)
  return [start.toISOString(), end.toISOString()]
}

test('days are New York days, and the last one is included', async t => {
  t.same(resolve({ start: '2026-03-02', end: '2026-03-13' }), ['2026-03-02T05:00:00.000Z', '2026-03-14T04:00:00.000Z'])
  t.same(resolve({ start: '2026-03-02T14:30:00Z', end: '2026-03-02T10:00:00-05:00' }), ['2026-03-02T14:30:00.000Z', '2026-03-02T15:00:00.000Z'])
})

test('an end in the future is now', async t => {
  t.equal(resolve({ start: '2026-11-02', end: '2027-01-01' })[1], now.toISOString())
})

test('a look-back counts back from the end, in the exchange\'s days', async t => {
  t.equal(resolve({ lookback: '90d' })[0], '2026-08-22T04:00:00.000Z')
  t.equal(resolve({ lookback: '2w' })[0], '2026-11-06T05:00:00.000Z')
  t.equal(resolve({ lookback: '6mo' })[0], '2026-05-20T04:00:00.000Z')
  t.equal(resolve({ lookback: '1y' })[0], '2025-11-20T05:00:00.000Z')
  t.equal(resolve({ lookback: '6h' })[0], '2026-11-20T09:00:00.000Z')
  t.equal(resolve({ lookback: '1mo', end: '2026-03-31' })[0], '2026-03-01T05:00:00.000Z', 'from the instant after the last day')
})

test('without a start the window surely holds the limit', async t => {
  const { start } = resolveWindow({ timeframe: '1day', limit: 250 }, now)
  t.ok(now.getTime() - start.getTime() > 250 * 1.4 * 86_400_000)
})

test('what is not a window is refused with the argument\'s name', async t => {
  const refuse = (request: Parameters<typeof resolve>[0], message: RegExp) => t.throws(() => resolve(request), { code: 'FMS_INVALID_INPUT', message })
  refuse({ start: '2026-03-13', end: '2026-03-02' }, /end \(2026-03-02\) is not after start/)
  refuse({ start: '2026-12-01' }, /in the future/)
  refuse({ start: 'yesterday' }, /start is not a date/)
  refuse({ end: '2026-02-30' }, /end is not a date/)
  refuse({ lookback: '90' }, /lookback is a number and/)
  refuse({ lookback: '0d' }, /lookback/)
  refuse({ start: '2026-01-01', lookback: '5d' }, /not both/)
})

test('a window of so many bars holds that many, holidays included', async t => {
  for (const limit of [1, 5, 20, 250, 1000, 10_000]) {
    const now = new Date('2026-11-22T18:00:00Z')
    const { start } = resolveWindow({ timeframe: '1day', limit }, now)
    let held = 0
    for (let day = dayIn(NEW_YORK, start); day <= '2026-11-22'; day = addDays(day, 1)) held += isTradingDay(day) ? 1 : 0
    t.ok(held >= limit, `${held} of ${limit}`)
  }
})
