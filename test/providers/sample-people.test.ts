import { test } from 'tap'
import { isTradingDay, tradingDayFrom } from '../../market/calendar.ts'
import { parseSymbol } from '../../market/symbols.ts'
import { addDays } from '../../market/time.ts'
import { ALWAYS, ask, COMPANIES, NOON } from './sample-call.ts'

const GRADES = ['strong_buy', 'buy', 'hold', 'sell', 'strong_sell'] as const
/** The nth trading day after a day. */
const tradingDays = (day: string, n: number): string => n ? tradingDays(tradingDayFrom(addDays(day, 1), 1), n - 1) : day
const about = (symbol: string) => ({ instrument: parseSymbol(symbol) })

test('analysts\' counts, consensus and targets are what each said last', async t => {
  for (const symbol of COMPANIES) {
    const { data } = await ask('analyst_ratings', { ...about(symbol), limit: 200 })
    const last = new Map(data.changes.toReversed().map(change => [change.firm!, change]))
    const targets = [...last.values()].map(change => change.price_target!).sort((a, b) => a - b)
    const counts = Object.fromEntries(GRADES.map(grade =>
      [grade, [...last.values()].filter(({ to }) => to === grade).length]))
    const most = Math.max(...Object.values(counts))
    t.equal(data.price_target!.analysts, 10)
    t.match(data.trend[0], { period: '2026-11-01', ...counts })
    t.equal(counts[data.consensus!], most)
    t.match(data.price_target, { high: targets.at(-1), low: targets[0], median: (targets[4]! + targets[5]!) / 2 })
    t.ok(Math.abs(data.price_target!.mean! - targets.reduce((a, b) => a + b) / 10) < 0.006)
    t.same(data.trend.map(({ period }) => period), [11, 10, 9, 8, 7, 6].map(month => `2026-${String(month).padStart(2, '0')}-01`))
  }
})

test('an analyst\'s changes follow on one another and are called what they are', async t => {
  const { data: { changes } } = await ask('analyst_ratings', { ...about('AAPL'), limit: 10_000 })
  t.equal(changes.filter(({ action }) => action === 'initiate').length, 10)
  t.ok(['upgrade', 'downgrade', 'maintain'].every(name => changes.some(({ action }) => action === name)))
  const standing = new Map<string, string>()
  const faults = changes.toReversed().filter(({ firm, action, from, to, date, price_target: target }) => {
    const before = standing.get(firm!)
    standing.set(firm!, to!)
    const step = GRADES.indexOf(from as typeof GRADES[number]) - GRADES.indexOf(to as typeof GRADES[number])
    const expected = before === undefined ? 'initiate' : step > 0 ? 'upgrade' : step < 0 ? 'downgrade' : 'maintain'
    return (before ?? null) !== from || action !== expected || !isTradingDay(date!) || !(target! > 0)
  })
  t.same(faults, [])
  t.same(changes.map(({ date }) => date), changes.map(({ date }) => date!).sort().reverse())
})

test('insider trades carry their sign, their holdings add up, and they are known once filed', async t => {
  for (const symbol of COMPANIES) {
    const { data } = await ask('insider_trades', { ...about(symbol), ...ALWAYS, limit: 10_000 })
    t.ok(data.length > 200, symbol)
    t.same(data.map(row => row.transaction_date), data.map(row => row.transaction_date!).sort().reverse())
    const acquired = new Set(['P', 'A', 'M'])
    const held = new Map<string, number>()
    t.same(data.toReversed().filter(row => {
      const before = held.get(row.name!) ?? row.shares_after! - row.shares!
      held.set(row.name!, row.shares_after!)
      const isFree = ['A', 'G'].includes(row.code!)
      return (row.shares! > 0) !== acquired.has(row.code!) || row.shares_after !== before + row.shares! ||
        row.shares_after! <= 0 || row.filed_at !== tradingDays(row.transaction_date!, 2) || row.filed_at! > '2026-11-20' ||
        (row.price === null) !== isFree || (row.value === null) !== isFree ||
        Math.abs(row.value! - Math.abs(row.shares!) * row.price!) > 0.01
    }), [], symbol)
    t.equal(held.size, 4)
    const window = { from: '2026-05-01', to: '2026-06-30', limit: 100 }
    t.same((await ask('insider_trades', { ...about(symbol), ...window })).data,
      data.filter(({ transaction_date: day }) => day! >= window.from && day! <= window.to))
  }
})

test('a price of an insider\'s sale was traded on that day', async t => {
  const { data } = await ask('insider_trades', { ...about('MSFT'), from: '2026-01-01', to: '2026-11-20', limit: 50 })
  const sale = data.find(({ code }) => code === 'S')!
  const { data: bars } = await ask('bars', {
    instruments: [parseSymbol('MSFT')],
    timeframe: '1day',
    start: new Date(`${sale.transaction_date}T04:00:00Z`),
    end: new Date(`${sale.transaction_date}T20:00:00Z`),
    adjustment: 'split',
    limit: 1
  })
  t.equal(sale.price, bars.items.MSFT!.bars[0]!.close)
})

test('filings are the statements, the news of earnings and the insiders\' forms, each told when accepted', async t => {
  for (const symbol of COMPANIES) {
    const window = { from: '2025-01-01', to: '2026-12-31' }
    const { data } = await ask('filings', { ...about(symbol), ...window, limit: 1000 })
    t.same(data.map(row => row.accepted_at), data.map(row => row.accepted_at!).sort().reverse())
    const ofForm = (form: string) => data.filter(row => row.form === form)
    for (const [form, period] of [['10-K', 'annual'], ['10-Q', 'quarter']] as const) {
      const { data: rows } = await ask('financials', { ...about(symbol), statement: 'income', period, limit: 20 })
      const filed = rows.filter(row => row.filed_at! >= window.from && (period === 'annual' || row.fiscal_period !== 'Q4'))
      t.same(ofForm(form).map(row => [row.period_end, row.filed_at]), filed.map(row => [row.period_end, row.filed_at]))
    }
    const { data: reports } = await ask('earnings', { ...about(symbol), limit: 9 })
    t.same(ofForm('8-K').map(row => row.filed_at), reports.map(row => row.date).filter(day => day! >= window.from && day! <= '2026-11-20'))
    const { data: trades } = await ask('insider_trades', { ...about(symbol), ...ALWAYS, limit: 1000 })
    const recent = trades.filter(({ filed_at: filed }) => filed! >= window.from)
    t.same(new Set(ofForm('4').map(row => row.url)), new Set(recent.map(row => row.url)))
    const told = new Map(reports.map(row => [row.period_end, row.date!]))
    t.ok(ofForm('10-Q').every(row => row.filed_at === tradingDays(told.get(row.period_end)!, 1)))
    t.ok(ofForm('10-K').every(row => row.filed_at! > addDays(told.get(row.period_end)!, 7)))
    t.equal(new Set(data.map(row => row.accession)).size, data.length)
    t.ok(data.every(row => row.url === `https://example.com/filings/${symbol}/${row.accession}`))
    t.same((await ask('filings', { ...about(symbol), ...window, form: '10-q', limit: 3 })).data, ofForm('10-Q').slice(0, 3))
  }
})

test('institutional holders report the last quarter whose deadline has passed, largest first', async t => {
  for (const symbol of [...COMPANIES, 'SPY']) {
    const { data } = await ask('institutional_holders', { ...about(symbol), limit: 50 })
    const { data: profile } = await ask('profile', about(symbol))
    t.ok(data.every(row => row.report_date === '2026-09-30' && row.filed_at! > '2026-10-01' && row.filed_at! <= '2026-11-16'))
    t.same(data.map(row => row.shares), data.map(row => row.shares!).sort((a, b) => b - a))
    t.ok(data.every(row => Math.abs(row.shares! / profile.shares_outstanding! * 100 - row.ownership_percent!) < 1e-4))
    t.ok(data.reduce((sum, row) => sum + row.ownership_percent!, 0) < 60)
    const before = await ask('institutional_holders', { ...about(symbol), limit: 50 }, '2026-11-15T12:00:00Z')
    const sharesBefore = new Map(before.data.map(row => [row.holder, row.shares!]))
    t.ok(before.data.every(row => row.report_date === '2026-06-30'))
    t.ok(data.every(row => row.shares! - sharesBefore.get(row.holder)! === row.change))
  }
})

test('a profile\'s market value is its shares at the quote\'s price', async t => {
  const { data, as_of: asOf } = await ask('profile', about('AAPL'))
  const quote = (await ask('quote', { instruments: [parseSymbol('AAPL')] })).data.items.AAPL!
  t.equal(data.market_cap, Math.round(quote.price * data.shares_outstanding! * 100) / 100)
  t.equal(asOf, NOON)
  t.match((await ask('profile', about('SPY'))).data, { description: /made-up fund/, employees: null })
})
