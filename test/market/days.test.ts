import { test } from 'tap'
import { addDays } from '../../market/time.ts'
import { daysOf, type DayRules } from '../../market/window.ts'

/** Saturday in New York, Sunday in UTC. */
const now = new Date('2026-11-22T03:00:00Z')
const back: DayRules = { usual: today => ({ from: addDays(today, -365), to: today }) }
const ahead: DayRules = { usual: today => ({ from: today, to: addDays(today, 7) }), most: 31 }
const read = (rules: DayRules, start?: string, end?: string) => Object.values(daysOf({ start, end }, rules, now))

test('without arguments the days are the usual ones, counted from today in New York', t => {
  t.same(read(back), ['2025-11-21', '2026-11-21'])
  t.same(read(ahead), ['2026-11-21', '2026-11-28'])
  t.end()
})

test('a missing side is the usual one; where that leaves no day, the window keeps its usual length', t => {
  t.same(read(back, '2020-02-29'), ['2020-02-29', '2026-11-21'])
  t.same(read(back, undefined, '2026-01-31'), ['2025-11-21', '2026-01-31'])
  t.same(read(back, undefined, '2020-12-31'), ['2020-01-01', '2020-12-31'])
  t.same(read(ahead, '2027-01-10'), ['2027-01-10', '2027-01-17'])
  t.same(read(ahead, undefined, '2026-11-10'), ['2026-11-03', '2026-11-10'])
  t.same(read(back, '2026-03-02', '2026-03-02'), ['2026-03-02', '2026-03-02'], 'one day is a window')
  t.end()
})

test('what is not a window of days is refused, with the argument\'s name and what to send', t => {
  const refuse = (rules: DayRules, start: string | undefined, end: string | undefined, message: RegExp) =>
    t.throws(() => read(rules, start, end), { code: 'FMS_INVALID_INPUT', message })
  refuse(back, 'yesterday', undefined, /^start is not a day: send YYYY-MM-DD, such as 2026-11-21\.$/)
  refuse(back, undefined, '2026-02-30', /^end is not a day/)
  refuse(back, '2026-03-02T14:30:00Z', undefined, /^start is not a day/)
  refuse(back, '', undefined, /^start is not a day/)
  refuse(back, '2026-03-02', '2026-03-01', /end \(2026-03-01\) is before start \(2026-03-02\)\. Swap them/)
  refuse(ahead, '2026-10-28', undefined, /^2026-10-28 to 2026-11-28 are 32 days; at most 31 /)
  refuse({ ...back, names: ['expiration_from', 'expiration_to'] }, undefined, 'x', /^expiration_to is not a day/)
  t.same(read(ahead, '2026-10-29', '2026-11-28'), ['2026-10-29', '2026-11-28'], '31 days are not too many')
  t.end()
})
