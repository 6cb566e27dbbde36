import { test } from 'tap'
import { parseSymbol } from '../../market/symbols.ts'
import { isTradingDay } from '../../market/calendar.ts'
import type { BalanceSheet, CashFlow, IncomeStatement, Period } from '../../schemas/fundamentals.ts'
import { ALWAYS, ask, COMPANIES, NOON, toInstruments } from './sample-call.ts'

const LATER = '2035-06-15T15:00:00Z'

async function statements<T> (symbol: string, statement: 'income' | 'balance' | 'cash_flow', period: Period,
  now = LATER, limit = 1000): Promise<T[]> {
  const { data } = await ask('financials', { instrument: parseSymbol(symbol), statement, period, limit }, now)
  return data as T[]
}

/** Every row of a statement that the sample market will have had by 2035, of every company. */
async function everyRow<T> (statement: 'income' | 'balance' | 'cash_flow'): Promise<T[]> {
  return (await Promise.all(COMPANIES.flatMap(symbol => (['annual', 'quarter', 'ttm'] as const)
    .map(period => statements<T>(symbol, statement, period))))).flat()
}

test('an income statement adds up from revenue to earnings a share', async t => {
  const rows = await everyRow<IncomeStatement>('income')
  t.ok(rows.length > 7 * 2 * 140)
  t.same(rows.filter(row =>
    row.gross_profit !== row.revenue! - row.cost_of_revenue! ||
    row.operating_expenses !== row.research_and_development! + row.selling_general_admin! ||
    row.operating_income !== row.gross_profit - row.operating_expenses ||
    row.pretax_income !== row.operating_income - row.interest_expense! ||
    row.net_income !== row.pretax_income - row.income_tax! ||
    Math.abs(row.eps_basic! - row.net_income / row.shares_basic!) > 0.005001 ||
    Math.abs(row.eps_diluted! - row.net_income / row.shares_diluted!) > 0.005001 ||
    row.net_income <= 0 || row.shares_diluted! <= row.shares_basic!), [])
})

test('a balance sheet balances', async t => {
  t.same((await everyRow<BalanceSheet>('balance')).filter(row =>
    row.total_assets !== row.total_liabilities! + row.equity! ||
    row.current_assets !== row.cash! + row.short_term_investments! + row.receivables! + row.inventory! ||
    row.total_assets !== row.current_assets + row.property_plant_equipment! + row.goodwill! + row.intangible_assets! ||
    row.current_liabilities !== row.accounts_payable! + row.short_term_debt! ||
    row.total_debt !== row.short_term_debt! + row.long_term_debt! ||
    row.total_liabilities !== row.current_liabilities + row.long_term_debt! ||
    Object.values(row).some(value => typeof value === 'number' && value <= 0)), [])
})

const plantOf = (sheet: BalanceSheet) => sheet.property_plant_equipment!

test('cash flows add up, go out where they should, and explain the balance sheet', async t => {
  for (const symbol of COMPANIES) {
    const flows = await statements<CashFlow>(symbol, 'cash_flow', 'quarter')
    const sheets = await statements<BalanceSheet>(symbol, 'balance', 'quarter')
    const incomes = await statements<IncomeStatement>(symbol, 'income', 'quarter')
    t.same(flows.map(row => row.period_end), sheets.map(row => row.period_end))
    t.same(flows.slice(0, -1).filter((flow, i) => {
      const [now, before, income] = [sheets[i]!, sheets[i + 1]!, incomes[i]!]
      const paidOut = flow.dividends_paid! + flow.shares_repurchased!
      return flow.free_cash_flow !== flow.operating_cash_flow! + flow.capital_expenditure! ||
        flow.net_income !== income.net_income || income.ebitda !== income.operating_income! + flow.depreciation! ||
        flow.financing_cash_flow !== flow.debt_issued! + flow.debt_repaid! + paidOut ||
        flow.net_change_in_cash !== flow.operating_cash_flow! + flow.investing_cash_flow! + flow.financing_cash_flow ||
        now.cash !== before.cash! + flow.net_change_in_cash ||
        now.total_debt !== before.total_debt! + flow.debt_issued! + flow.debt_repaid! ||
        plantOf(now) - plantOf(before) !== -flow.capital_expenditure! - flow.depreciation! ||
        now.equity !== before.equity! + flow.net_income! + flow.stock_compensation! + paidOut ||
        now.retained_earnings! - before.retained_earnings! !== now.equity! - before.equity! ||
        flow.capital_expenditure! >= 0 || flow.debt_repaid! >= 0 || flow.debt_issued! < 0 ||
        flow.dividends_paid! > 0 || flow.shares_repurchased! > 0
    }), [], symbol)
  }
})

test('four quarters make the year, the last four the trailing year, and a balance is the last quarter\'s', async t => {
  const valueOf = (row: object, name: string) => (row as Record<string, number>)[name]!
  const sumOf = (rows: object[], name: string) => rows.reduce((sum, row) => sum + valueOf(row, name), 0)
  for (const symbol of COMPANIES) {
    for (const kind of ['income', 'cash_flow', 'balance'] as const) {
      type Row = IncomeStatement | CashFlow | BalanceSheet
      const quarters = await statements<Row>(symbol, kind, 'quarter')
      const faults: unknown[] = []
      for (const period of ['annual', 'ttm'] as const) {
        for (const row of await statements<Row>(symbol, kind, period)) {
          const last = quarters.findIndex(({ period_end: end }) => end === row.period_end)
          const part = quarters.slice(last, kind === 'balance' ? last + 1 : last + 4)
          const sums = Object.keys(row).filter(name => !/^(symbol|currency|fiscal|period|filed|eps|shares_(b|d))/.test(name))
          faults.push(...sums.filter(name => valueOf(row, name) !== sumOf(part, name)))
          if (row.filed_at !== quarters[last]!.filed_at) faults.push(row)
        }
      }
      t.same(faults, [], `${symbol} ${kind}`)
    }
  }
})

test('statements are told on the day they are filed, newest first, and never change', async t => {
  const now = await statements<IncomeStatement>('AAPL', 'income', 'quarter', NOON)
  t.same(now[0], { ...now[0], period_end: '2026-09-30', fiscal_year: 2026, fiscal_period: 'Q3' })
  t.ok(now[0]!.filed_at! > '2026-10-20' && now[0]!.filed_at! < '2026-11-15')
  t.equal(now.at(-1)!.period_end, '2000-03-31')
  t.same((await statements<IncomeStatement>('AAPL', 'income', 'quarter')).slice(-now.length), now, 'nine years later')
  const before = await statements<IncomeStatement>('AAPL', 'income', 'quarter', `${now[0]!.filed_at}T20:00:00Z`)
  t.same(before, now.slice(1), 'half an hour before it is filed')
  const labels = async (period: Period) => (await statements<IncomeStatement>('AAPL', 'income', period, NOON, 2))
    .map(row => `${row.fiscal_year} ${row.fiscal_period} ${row.period_end}`)
  t.same(await labels('annual'), ['2025 FY 2025-12-31', '2024 FY 2024-12-31'])
  t.same(await labels('ttm'), ['2026 TTM 2026-09-30', '2026 TTM 2026-06-30'])
  t.same((await ask('financials', {
    instrument: parseSymbol('AAPL'), statement: 'income', period: 'annual', limit: 5
  }, '2000-12-01T12:00:00Z')), { data: [], as_of: null, currency: 'USD' }, 'before the first')
})

test('ratios follow from the statements, the quote, the payouts and the bars', async t => {
  for (const symbol of COMPANIES) {
    const instrument = parseSymbol(symbol)
    const { data: metrics } = await ask('key_metrics', { instrument })
    const [year, , , , yearBefore] = await statements<IncomeStatement>(symbol, 'income', 'ttm', NOON, 5)
    const [sheet] = await statements<BalanceSheet>(symbol, 'balance', 'quarter', NOON, 1)
    const { price } = (await ask('quote', { instruments: [instrument] })).data.items[symbol]!
    const { data: paid } = await ask('corporate_actions', {
      instrument, from: '2025-11-21', to: '2026-11-20', types: ['dividend'], limit: 10
    })
    const { data: reports } = await ask('earnings_calendar', { from: '2026-11-20', to: '2027-11-19', limit: 100 })
    const forward = reports.filter(report => report.symbol === symbol)
      .reduce((sum, { eps_estimate: eps }) => sum + eps!, 0)
    const dividend = paid.reduce((sum, { amount }) => sum + amount!, 0)
    const cap = price * year!.shares_basic!
    const value = cap + sheet!.total_debt! - sheet!.cash! - sheet!.short_term_investments!
    const expected: Record<string, number> = {
      market_cap: cap,
      enterprise_value: value,
      pe: price / year!.eps_diluted!,
      forward_pe: price / forward,
      pb: cap / sheet!.equity!,
      ps: cap / year!.revenue!,
      ev_to_ebitda: value / year!.ebitda!,
      eps: year!.eps_diluted!,
      book_value_per_share: sheet!.equity! / year!.shares_basic!,
      dividend_yield: dividend / price,
      dividend_per_share: dividend,
      payout_ratio: dividend / year!.eps_diluted!,
      gross_margin: year!.gross_profit! / year!.revenue!,
      net_margin: year!.net_income! / year!.revenue!,
      roe: year!.net_income! / sheet!.equity!,
      roa: year!.net_income! / sheet!.total_assets!,
      roic: year!.operating_income! * year!.net_income! / year!.pretax_income! / (sheet!.total_debt! + sheet!.equity!),
      current_ratio: sheet!.current_assets! / sheet!.current_liabilities!,
      debt_to_equity: sheet!.total_debt! / sheet!.equity!,
      interest_coverage: year!.operating_income! / year!.interest_expense!,
      revenue_growth: year!.revenue! / yearBefore!.revenue! - 1
    }
    const stated = metrics as unknown as Record<string, number>
    t.same(Object.entries(expected).filter(([name, value]) =>
      !(Math.abs(stated[name]! - value) <= 2e-6 * Math.max(1, Math.abs(value)))), [], symbol)
    t.equal(metrics.peg === null, metrics.eps_growth! <= 0)
    const bars = await ask('bars', {
      instruments: [instrument],
      timeframe: '1day',
      start: new Date('2025-11-21T05:00:00Z'),
      end: new Date(NOON),
      adjustment: 'split',
      limit: 400
    })
    const days = bars.data.items[symbol]!.bars
    t.equal(metrics.high_52w, Math.max(...days.map(({ high }) => high)))
    t.equal(metrics.low_52w, Math.min(...days.map(({ low }) => low)))
    t.ok(metrics.low_52w! <= price && price <= metrics.high_52w!)
  }
})

test('earnings are the statements\', and the next report has estimates alone', async t => {
  for (const symbol of COMPANIES) {
    const { data: [next, ...told] } = await ask('earnings', { instrument: parseSymbol(symbol), limit: 9 })
    const income = await statements<IncomeStatement>(symbol, 'income', 'quarter', NOON, 8)
    t.match(next, { eps_actual: null, eps_surprise_percent: null, revenue_actual: null })
    t.match(next, { eps_estimate: Number, revenue_estimate: Number })
    t.ok(next!.date! > '2026-11-20')
    t.same(told.map(row =>
      [row.period_end, row.eps_actual, row.revenue_actual, `Q${row.fiscal_quarter}`, row.fiscal_year]), income.map(row => [row.period_end, row.eps_diluted, row.revenue, row.fiscal_period, row.fiscal_year]))
    t.ok(told.every((row, i) => row.date! < income[i]!.filed_at! && row.date! > row.period_end! &&
      isTradingDay(row.date!) &&
      Math.abs(row.eps_surprise_percent! - (row.eps_actual! / row.eps_estimate! - 1) * 100) < 1e-3))
    const toldAt = next!.time === 'bmo' ? '12:00:00Z' : '21:05:00Z'
    const after = await ask('earnings', { instrument: parseSymbol(symbol), limit: 2 }, `${next!.date}T${toldAt}`)
    t.match(after.data[1], { period_end: next!.period_end, eps_estimate: next!.eps_estimate, eps_actual: Number })
    const before = new Date(Date.parse(`${next!.date}T${toldAt}`) - 1).toISOString()
    t.same((await ask('earnings', { instrument: parseSymbol(symbol), limit: 1 }, before)).data, [next])
  }
})

test('the earnings calendar has every company\'s reports of the window, earliest first', async t => {
  const { data } = await ask('earnings_calendar', { from: '2026-07-01', to: '2027-06-30', limit: 100 })
  t.equal(data.length, 4 * COMPANIES.length)
  t.same(data.map(row => row.date), data.map(row => row.date).sort())
  t.ok(data.every(({ date, eps_actual: actual }) => (date! <= '2026-11-20') === (actual !== null)))
  const own = await ask('earnings', { instrument: parseSymbol('MSFT'), limit: 3 })
  t.same(data.filter(({ symbol, date }) => symbol === 'MSFT' && date! <= own.data[0]!.date!).reverse().slice(0, 3), own.data)
  const one = { from: data[5]!.date!, to: data[5]!.date!, limit: 100 }
  t.same((await ask('earnings_calendar', one)).data, data.filter(({ date }) => date === one.from))
  const far = await ask('earnings_calendar', { ...ALWAYS, limit: 10_000 })
  t.ok(far.data.at(-1)!.date! <= '2027-12-31', 'no report is known for years ahead')
})

test('payouts are quarterly, known once declared, and the cash flow is what was paid', async t => {
  for (const symbol of [...COMPANIES, 'SPY']) {
    const asked = { instrument: parseSymbol(symbol), types: ['dividend'] as const, limit: 1000 }
    const { data } = await ask('corporate_actions', { ...asked, ...ALWAYS })
    if (['AMZN', 'TSLA', 'BRK.B'].includes(symbol)) {
      t.same(data, [], symbol)
      continue
    }
    t.ok(data.length >= 106 && data[0]!.ex_date! > '2026-09', symbol)
    t.ok(data.every(row => row.declaration_date! < row.ex_date! && row.ex_date! < row.pay_date! && row.amount! > 0 &&
      [row.ex_date!, row.pay_date!, row.declaration_date!].every(isTradingDay)))
    t.same(data.map(row => row.ex_date), data.map(row => row.ex_date!).sort().reverse())
    if (symbol === 'SPY') continue
    const [flow] = await statements<CashFlow>(symbol, 'cash_flow', 'annual', NOON, 1)
    const [income] = await statements<IncomeStatement>(symbol, 'income', 'annual', NOON, 1)
    const paid = data.filter(row => row.pay_date!.startsWith('2025')).reduce((sum, { amount }) => sum + amount!, 0)
    t.equal(Math.round(paid * income!.shares_basic!), -flow!.dividends_paid!)
  }
  const window = { from: '2027-01-20', to: '2027-03-31' }
  const coming = { ...window, instrument: parseSymbol('AAPL'), types: ['dividend'] as const, limit: 5 }
  t.same((await ask('corporate_actions', coming)).data, [], 'not declared yet')
  t.equal((await ask('corporate_actions', coming, '2027-01-25T15:00:00Z')).data.length, 1, 'declared')
})

test('one company has split, and its raw bars and payouts before are on the old basis', async t => {
  const instruments = toInstruments('NVDA')
  const ofNvidia = { instrument: instruments[0]!, from: '2024-01-01', to: '2024-12-31', limit: 10 }
  const { data: splits } = await ask('corporate_actions', { ...ofNvidia, types: ['split'] })
  t.match(splits, [{ type: 'split', ex_date: '2024-06-10', split_from: 1, split_to: 10, amount: null }])
  const { data } = await ask('corporate_actions', { ...ofNvidia, types: ['dividend', 'split'] })
  t.same(data.map(({ type }) => type), ['dividend', 'dividend', 'split', 'dividend', 'dividend'])
  t.equal(data[3]!.amount, data[1]!.amount! * 10)

  const window = { start: new Date('2024-06-06T04:00:00Z'), end: new Date('2024-06-12T04:00:00Z'), timeframe: '1day', limit: 10 } as const
  const barsOf = async (adjustment: 'raw' | 'split' | 'all', asked: object = {}) =>
    (await ask('bars', { instruments, ...window, adjustment, ...asked })).data.items.NVDA!.bars
  const [raw, split] = [await barsOf('raw'), await barsOf('split')]
  const rounded = (value: number) => Math.round(value * 1e4) / 1e4
  t.same(raw.map(({ time, close, volume }, i) =>
    [time, rounded(close / split[i]!.close), rounded(split[i]!.volume! / volume!)]), [
    ['2024-06-06', 10, 10], ['2024-06-07', 10, 10], ['2024-06-10', 1, 1], ['2024-06-11', 1, 1]
  ])
  const around = { start: new Date('2024-11-04T05:00:00Z'), end: new Date('2024-11-08T05:00:00Z') }
  const [plain, all] = [await barsOf('split', around), await barsOf('all', around)]
  const ratios = plain.map(({ close }, i) => all[i]!.close / close)
  const [exDay] = data
  t.equal(plain.findIndex(({ time }) => time === exDay!.ex_date), 2)
  const step = 1 - exDay!.amount! / plain[1]!.close
  t.ok(Math.abs(ratios[1]! / ratios[2]! - step) < 1e-4 && step < 0.999, 'the payout is the step on the ex-day')
  t.same(all.map(({ volume }) => volume), plain.map(({ volume }) => volume))
})
