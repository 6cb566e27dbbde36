import { test } from 'tap'
import { closingsOf, isTradingDay } from '../../market/calendar.ts'
import { marketClock } from '../../market/clock.ts'
import { addDays, instantAt, NEW_YORK, wallClock } from '../../market/time.ts'

test('the exchange closes on the days that it published', async t => {
  const closed = (year: number) => closingsOf(year).filter(({ kind }) => kind === 'closed').map(({ day }) => day.slice(5))
  t.same(closed(2024), ['01-01', '01-15', '02-19', '03-29', '05-27', '06-19', '07-04', '09-02', '11-28', '12-25'])
  t.same(closed(2025), ['01-01', '01-20', '02-17', '04-18', '05-26', '06-19', '07-04', '09-01', '11-27', '12-25'])
  t.same(closed(2026), ['01-01', '01-19', '02-16', '04-03', '05-25', '06-19', '07-03', '09-07', '11-26', '12-25'])
  t.same(closed(2022), ['01-17', '02-21', '04-15', '05-30', '06-20', '07-04', '09-05', '11-24', '12-26'], 'a Saturday New Year is not kept')
})

test('the exchange closes early on the days that it published', async t => {
  const early = (year: number) => closingsOf(year).filter(({ kind }) => kind === 'early_close').map(({ day }) => day.slice(5))
  t.same(early(2024), ['07-03', '11-29', '12-24'])
  t.same(early(2025), ['07-03', '11-28', '12-24'])
  t.same(early(2026), ['11-27', '12-24'], 'July 3 is the holiday itself')
})

test('the clock follows the sessions of a day, in summer and in winter', async t => {
  const at = (instant: string) => marketClock(new Date(instant))
  t.match(at('2026-11-20T08:59:59Z'), { session: 'closed', next_open: '2026-11-20T14:30:00Z', next_close: '2026-11-20T21:00:00Z' })
  t.match(at('2026-11-20T09:00:00Z'), { session: 'pre' })
  t.match(at('2026-11-20T14:30:00Z'), { session: 'regular', next_open: '2026-11-23T14:30:00Z', next_close: '2026-11-20T21:00:00Z' })
  t.match(at('2026-11-20T21:00:00Z'), { session: 'post', next_open: '2026-11-23T14:30:00Z', next_close: '2026-11-23T21:00:00Z' })
  t.match(at('2026-11-21T01:00:00Z'), { session: 'closed' })
  t.match(at('2026-07-06T13:30:00Z'), { session: 'regular', next_close: '2026-07-06T20:00:00Z' })
})

test('a holiday, a weekend and an early close are told apart', async t => {
  t.match(marketClock(new Date('2026-11-26T16:00:00Z')), { session: 'closed', holiday: 'Thanksgiving Day', next_open: '2026-11-27T14:30:00Z' })
  t.match(marketClock(new Date('2026-11-27T17:59:59Z')), { session: 'regular', next_close: '2026-11-27T18:00:00Z', holiday: 'Day after Thanksgiving' })
  t.match(marketClock(new Date('2026-11-27T18:00:00Z')), { session: 'post', next_open: '2026-11-30T14:30:00Z' })
  t.match(marketClock(new Date('2026-11-22T16:00:00Z')), { session: 'closed', holiday: null })
  t.notOk(isTradingDay('2026-11-22'))
})

test('a wall clock becomes an instant and back on every day of a year, clock changes included', async t => {
  for (let day = '2026-01-01'; day < '2027-01-01'; day = addDays(day, 1)) {
    for (const time of ['00:00:00', '04:00:00', '09:30:00', '23:59:59']) {
      t.equal(wallClock(instantAt(`${day} ${time}`, NEW_YORK), NEW_YORK), `${day} ${time}`)
    }
  }
  t.equal(instantAt('2026-03-08 02:30:00', NEW_YORK).toISOString(), '2026-03-08T07:30:00.000Z', 'a skipped hour is read as the next')
  t.equal(instantAt('2026-11-01 01:30:00', NEW_YORK).toISOString(), '2026-11-01T05:30:00.000Z', 'of a repeated hour, the first')
})
