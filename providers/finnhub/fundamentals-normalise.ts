import type { Instrument } from '../../market/symbols.ts'
import { DAY_MS } from '../../market/time.ts'
import type {
  BalanceSheet, CashFlow, Earnings, FinancialStatement, IncomeStatement, KeyMetrics, Period, StatementKind
} from '../../schemas/fundamentals.ts'
import { malformed, toDay, toFields, toNumber, toPrice, toText, type Fields } from '../parse.ts'
import type { Capabilities } from '../types.ts'
import { assertAbout, newestFirst, noneKnown, toList, toOwnRows } from './common.ts'
import { FINNHUB, fromUpstreamSymbol } from './normalise.ts'

const MILLION = 1_000_000

/** What every statement begins with. */
export type Head = Pick<IncomeStatement, 'symbol' | 'period_end' | 'fiscal_year' | 'fiscal_period' | 'filed_at' | 'currency'>
/** Reads what a statement says behind its head. */
export interface Readers<T> {
  income: (figures: T) => Omit<IncomeStatement, keyof Head>
  balance: (figures: T) => Omit<BalanceSheet, keyof Head>
  cash_flow: (figures: T) => Omit<CashFlow, keyof Head>
}

export const STATEMENT_NAMES: Record<StatementKind, string> = {
  income: 'income statements', balance: 'balance sheets', cash_flow: 'cash flow statements'
}

/**
 * Standardised statements, newest first.
 * @throws SYMBOL_NOT_FOUND where there are none; PROVIDER_MALFORMED, also for those of another company
 */
export function toStatements (body: unknown, input: Capabilities['financials']['input']): FinancialStatement[] {
  const { instrument, statement, period, limit } = input
  const fields = toFields(body)
  const what = STATEMENT_NAMES[statement]
  assertAbout(fields.symbol, instrument, what)
  const rows = toOwnRows(fields.financials, instrument, what).flatMap(row => {
    const figures = READERS[statement](row)
    const head = toHead(row, instrument, period)
    return head.period_end === null || !hasFigures(figures) ? [] : { ...head, ...figures }
  })
  if (rows.length === 0) throw noneKnown(what, instrument)
  return rows.sort(newestFirst(row => row.period_end)).slice(0, limit)
}

/** Whether anything is known; an unknown symbol is answered with zeros. */
export function hasFigures (figures: object): boolean {
  return Object.values(figures).some(Boolean)
}

function toHead (row: Fields, { symbol }: Instrument, period: Period): Head {
  const quarter = toNumber(row.quarter)
  return {
    symbol,
    period_end: toDay(row.period),
    fiscal_year: toInteger(row.year),
    fiscal_period: period === 'annual' ? 'FY' : period === 'ttm' ? 'TTM' : quarter ? `Q${quarter}` : null,
    filed_at: null,
    currency: toText(row.currency, 10)
  }
}

export function toInteger (value: unknown): number | null {
  const number = toNumber(value)
  return number !== null && Number.isInteger(number) && number > 0 ? number : null
}

/** Out of millions; rounded, because the product of a binary fraction is not whole. */
function inUnits (value: unknown): number | null {
  const millions = toNumber(value)
  return millions === null ? null : Math.round(millions * MILLION)
}

/** Money that leaves, whatever sign it comes with. */
export function toOutflow (amount: number | null): number | null {
  return amount === null ? null : 0 - Math.abs(amount)
}

/** The sum of what is known; null where nothing is. */
export function sumOf (...amounts: (number | null)[]): number | null {
  const known = amounts.filter(amount => amount !== null)
  return known.length === 0 ? null : known.reduce((sum, amount) => sum + amount, 0)
}

/** Shares are in millions too; issues of debt and shares are net of repayments and repurchases, which we have apart. */
const READERS: Readers<Fields> = {
  income: row => ({
    revenue: inUnits(row.revenue),
    cost_of_revenue: inUnits(row.costOfGoodsSold),
    gross_profit: inUnits(row.grossIncome),
    research_and_development: inUnits(row.researchDevelopment),
    selling_general_admin: inUnits(row.sgaExpense),
    operating_expenses: inUnits(row.totalOperatingExpense),
    operating_income: inUnits(row.ebit),
    interest_expense: inUnits(row.interestExpense),
    pretax_income: inUnits(row.pretaxIncome),
    income_tax: inUnits(row.provisionforIncomeTaxes),
    net_income: inUnits(row.netIncome ?? row.netIncomeAfterTaxes),
    eps_basic: null,
    eps_diluted: toNumber(row.dilutedEPS),
    shares_basic: null,
    shares_diluted: inUnits(toPrice(row.dilutedAverageSharesOutstanding)),
    ebitda: null
  }),
  balance: row => {
    const [both, investments] = [inUnits(row.cashShortTermInvestments), inUnits(row.shortTermInvestments)]
    return {
      cash: both !== null && investments !== null ? both - investments : inUnits(row.cashEquivalents ?? row.cash),
      short_term_investments: investments,
      receivables: inUnits(row.totalReceivables ?? row.accountsReceivables),
      inventory: inUnits(row.inventory),
      current_assets: inUnits(row.currentAssets),
      property_plant_equipment: inUnits(row.propertyPlantEquipment),
      goodwill: inUnits(row.goodwill),
      intangible_assets: inUnits(row.intangiblesAssets),
      total_assets: inUnits(row.totalAssets),
      accounts_payable: inUnits(row.accountsPayable),
      short_term_debt: sumOf(inUnits(row.shortTermDebt), inUnits(row.currentPortionLongTermDebt)),
      current_liabilities: inUnits(row.currentLiabilities),
      long_term_debt: inUnits(row.longTermDebt),
      total_debt: inUnits(row.totalDebt),
      total_liabilities: inUnits(row.totalLiabilities),
      retained_earnings: inUnits(row.retainedEarnings),
      equity: inUnits(row.totalEquity)
    }
  },
  cash_flow: row => {
    const [operating, capital] = [inUnits(row.netOperatingCashFlow), toOutflow(inUnits(row.capex))]
    return {
      net_income: inUnits(row.netIncomeStartingLine),
      depreciation: inUnits(row.depreciationAmortization),
      stock_compensation: inUnits(row.stockBasedCompensation),
      operating_cash_flow: operating,
      capital_expenditure: capital,
      free_cash_flow: inUnits(row.fcf) ?? (operating === null || capital === null ? null : operating + capital),
      acquisitions: null,
      investing_cash_flow: inUnits(row.netInvestingCashFlow),
      debt_issued: null,
      debt_repaid: null,
      dividends_paid: toOutflow(inUnits(row.cashDividendsPaid)),
      shares_repurchased: null,
      financing_cash_flow: inUnits(row.netCashFinancingActivities),
      net_change_in_cash: inUnits(row.changeinCash)
    }
  }
}

/** A percentage as a fraction; rounded to hide binary fractions. */
function toFraction (percent: number | null): number | null {
  return percent === null ? null : Number((percent / 100).toPrecision(12))
}

/**
 * Of twelve months where it is offered, otherwise of the last quarter or year.
 * @throws SYMBOL_NOT_FOUND where no metric is known; PROVIDER_MALFORMED
 */
export function toKeyMetrics (body: unknown, instrument: Instrument): KeyMetrics {
  const { metric, symbol } = toFields(body)
  if (typeof body !== 'object' || Array.isArray(body)) throw malformed(FINNHUB, `metrics of ${instrument.symbol}`)
  assertAbout(symbol, instrument, 'metrics')
  const fields = toFields(metric)
  const first = (...names: string[]) => names.map(name => toNumber(fields[name])).find(value => value !== null) ?? null
  const multiple = (...names: string[]) => first(...names) || null
  const fraction = (...names: string[]) => toFraction(first(...names))
  const metrics = {
    market_cap: inUnits(multiple('marketCapitalization')),
    enterprise_value: inUnits(multiple('enterpriseValue')),
    pe: multiple('peTTM', 'peBasicExclExtraTTM', 'peExclExtraTTM', 'peAnnual'),
    forward_pe: multiple('forwardPE'),
    peg: multiple('pegTTM'),
    pb: multiple('pb', 'pbQuarterly', 'pbAnnual'),
    ps: multiple('psTTM', 'psAnnual'),
    ev_to_ebitda: multiple('evEbitdaTTM'),
    ev_to_sales: multiple('evRevenueTTM'),
    eps: first('epsTTM', 'epsAnnual'),
    book_value_per_share: multiple('bookValuePerShareQuarterly', 'bookValuePerShareAnnual'),
    dividend_yield: fraction('currentDividendYieldTTM', 'dividendYieldIndicatedAnnual'),
    dividend_per_share: first('dividendPerShareTTM', 'dividendPerShareAnnual'),
    payout_ratio: fraction('payoutRatioTTM', 'payoutRatioAnnual'),
    gross_margin: fraction('grossMarginTTM', 'grossMarginAnnual'),
    operating_margin: fraction('operatingMarginTTM', 'operatingMarginAnnual'),
    net_margin: fraction('netProfitMarginTTM', 'netProfitMarginAnnual'),
    roe: fraction('roeTTM', 'roeRfy'),
    roa: fraction('roaTTM', 'roaRfy'),
    roic: fraction('roiTTM', 'roiAnnual'),
    current_ratio: multiple('currentRatioQuarterly', 'currentRatioAnnual'),
    quick_ratio: multiple('quickRatioQuarterly', 'quickRatioAnnual'),
    debt_to_equity: first('totalDebt/totalEquityQuarterly', 'totalDebt/totalEquityAnnual'),
    interest_coverage: multiple('netInterestCoverageTTM', 'netInterestCoverageAnnual'),
    revenue_growth: fraction('revenueGrowthTTMYoy'),
    eps_growth: fraction('epsGrowthTTMYoy'),
    beta: multiple('beta'),
    high_52w: multiple('52WeekHigh'),
    low_52w: multiple('52WeekLow')
  }
  if (!hasFigures(metrics)) throw noneKnown('key metrics', instrument)
  return { symbol: instrument.symbol, currency: null, ...metrics }
}

/** Reported quarters; the day of the report and the revenue are the calendar's. @throws PROVIDER_MALFORMED */
export function toEarningsHistory (body: unknown, instrument: Instrument): Earnings[] {
  return toOwnRows(body, instrument, 'earnings').flatMap(row => {
    const [end, actual, estimate] = [toDay(row.period), toNumber(row.actual), toNumber(row.estimate)]
    if (end === null || (actual === null && estimate === null)) return []
    return {
      ...toQuarter(row, instrument.symbol),
      date: null,
      time: null,
      period_end: end,
      eps_estimate: estimate,
      eps_actual: actual,
      eps_surprise_percent: toNumber(row.surprisePercent),
      revenue_estimate: null,
      revenue_actual: null
    }
  })
}

/**
 * Reports by day, earliest first, those without an estimate included.
 * @param instrument whose reports they are; none for the whole market
 * @throws PROVIDER_MALFORMED
 */
export function toCalendar (body: unknown, instrument?: Instrument): Earnings[] {
  const { earningsCalendar } = toFields(body)
  const rows = instrument
    ? toOwnRows(earningsCalendar, instrument, 'earnings')
    : toList(earningsCalendar, 'earnings')
  return rows.flatMap(row => {
    const [date, upstream] = [toDay(row.date), toText(row.symbol, 40)]
    const symbol = instrument?.symbol ?? (upstream && fromUpstreamSymbol(upstream))
    if (date === null || symbol === null) return []
    const [actual, estimate] = [toNumber(row.epsActual), toNumber(row.epsEstimate)]
    return {
      ...toQuarter(row, symbol),
      date,
      time: TIMES.get(row.hour) ?? null,
      period_end: null,
      eps_estimate: estimate,
      eps_actual: actual,
      eps_surprise_percent: toSurprise(actual, estimate),
      revenue_estimate: toPrice(row.revenueEstimate),
      revenue_actual: toNumber(row.revenueActual)
    }
  }).sort((a, b) => a.date === b.date ? (a.symbol < b.symbol ? -1 : 1) : a.date < b.date ? -1 : 1)
}

const TIMES = new Map<unknown, Earnings['time']>([['bmo', 'bmo'], ['amc', 'amc'], ['dmh', 'dmh']])

/** Money may be of the home market of an ADR, and none is named. */
function toQuarter (row: Fields, symbol: string) {
  return { symbol, fiscal_year: toInteger(row.year), fiscal_quarter: toInteger(row.quarter), currency: null }
}

function toSurprise (actual: number | null, estimate: number | null): number | null {
  if (actual === null || !estimate) return null
  return Math.round((actual - estimate) / Math.abs(estimate) * 1e6) / 1e4
}

/** The two lists as one, newest first: a report of the calendar lends its quarter what the history lacks. */
export function toEarnings (history: readonly Earnings[], calendar: readonly Earnings[]): Earnings[] {
  const joined = history.map(quarter => ({ quarter, report: reportOf(quarter, calendar) }))
  const used = new Set(joined.map(({ report }) => report))
  return joined
    .map(({ quarter, report }) => report ? { ...report, ...withoutNulls(quarter) } : quarter)
    .concat(calendar.filter(report => !used.has(report)))
    .sort(newestFirst(row => row.date ?? row.period_end))
}

/** Most days from the end of a quarter to its report; one by another name must come before the next quarter. */
const LATE = { same_name: 120, same_eps: 85 }

/** Some quarters are numbered by fiscal years in one list and by calendar years in the other. */
function reportOf (quarter: Earnings, calendar: readonly Earnings[]): Earnings | undefined {
  const within = (days: number) => calendar.filter(({ date }) => {
    const late = (Date.parse(date ?? '') - Date.parse(quarter.period_end ?? '')) / DAY_MS
    return late > 0 && late <= days
  })
  return within(LATE.same_name).find(report =>
    quarter.fiscal_year === report.fiscal_year && quarter.fiscal_quarter === report.fiscal_quarter) ??
    within(LATE.same_eps).find(report => report.eps_actual !== null && report.eps_actual === quarter.eps_actual)
}

function withoutNulls<T extends object> (row: T): Partial<T> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Partial<T>
}
