import type { Instrument } from '../../market/symbols.ts'
import { NEW_YORK } from '../../market/time.ts'
import type {
  BalanceSheet, CashFlow, Earnings, FinancialStatement, IncomeStatement, KeyMetrics, Period, StatementKind
} from '../../schemas/fundamentals.ts'
import { newestOf, toDay, toNumber, toPrice, toText, type Fields } from '../parse.ts'
import type { DayWindow } from '../types.ts'
import { clockReader, fromUpstreamSymbol, nothingOf, rowsAbout } from './normalise.ts'

/** A line of a statement: FMP writes 0 where a report has no such line. */
const toLine = toPrice

const NAMES: Record<StatementKind, string> = {
  income: 'income statements', balance: 'balance sheets', cash_flow: 'cash flow statements'
}

/**
 * Statements, newest first; those without a period or without any number are left out.
 * @returns with them, when the newest one was accepted by the SEC
 * @throws SYMBOL_NOT_FOUND where none is left; PROVIDER_MALFORMED, also where all are about another company
 */
export function toStatements (body: unknown, instrument: Instrument, kind: StatementKind, period: Period):
{ statements: FinancialStatement[], accepted_at: string | null } {
  const rows = rowsAbout(body, instrument, NAMES[kind])
    .filter(row => toDay(row.date) !== null && hasNumbers(NUMBERS[kind](row)))
    .sort((a, b) => String(a.date) > String(b.date) ? -1 : 1)
  if (rows.length === 0) throw nothingOf(NAMES[kind], instrument)
  const statements = rows.map(row =>
    ({ ...toPeriod(row, instrument, period), ...NUMBERS[kind](row) }) as FinancialStatement)
  return { statements, accepted_at: newestOf(rows.slice(0, 1).map(row => clockReader(NEW_YORK)(row.acceptedDate))) }
}

function toPeriod (row: Fields, { symbol }: Instrument, period: Period) {
  const fiscalPeriod = toText(row.period, 10)
  return {
    symbol,
    period_end: toDay(row.date),
    fiscal_year: toYear(row.fiscalYear),
    fiscal_period: period === 'ttm' ? 'TTM' : /^(FY|Q[1-4])$/.test(fiscalPeriod ?? '') ? fiscalPeriod : null,
    filed_at: toDay(row.filingDate),
    currency: toText(row.reportedCurrency, 10)
  }
}

function toYear (value: unknown): number | null {
  const year = toNumber(value)
  return Number.isInteger(year) ? year : null
}

type Numbers<T> = Omit<T, keyof ReturnType<typeof toPeriod>>

const NUMBERS = { income: toIncome, balance: toBalance, cash_flow: toCashFlow }

function toIncome (row: Fields): Numbers<IncomeStatement> {
  return {
    revenue: toNumber(row.revenue),
    cost_of_revenue: toLine(row.costOfRevenue),
    gross_profit: toNumber(row.grossProfit),
    research_and_development: toLine(row.researchAndDevelopmentExpenses),
    selling_general_admin: toLine(row.sellingGeneralAndAdministrativeExpenses),
    operating_expenses: toLine(row.operatingExpenses),
    operating_income: toNumber(row.operatingIncome),
    interest_expense: toLine(row.interestExpense),
    pretax_income: toNumber(row.incomeBeforeTax),
    income_tax: toNumber(row.incomeTaxExpense),
    net_income: toNumber(row.netIncome),
    eps_basic: toLine(row.eps),
    eps_diluted: toLine(row.epsDiluted),
    shares_basic: toLine(row.weightedAverageShsOut),
    shares_diluted: toLine(row.weightedAverageShsOutDil),
    ebitda: toLine(row.ebitda)
  }
}

function toBalance (row: Fields): Numbers<BalanceSheet> {
  return {
    cash: toLine(row.cashAndCashEquivalents),
    short_term_investments: toLine(row.shortTermInvestments),
    receivables: toLine(row.netReceivables),
    inventory: toLine(row.inventory),
    current_assets: toLine(row.totalCurrentAssets),
    property_plant_equipment: toLine(row.propertyPlantEquipmentNet),
    goodwill: toLine(row.goodwill),
    intangible_assets: toLine(row.intangibleAssets),
    total_assets: toLine(row.totalAssets),
    accounts_payable: toLine(row.accountPayables),
    short_term_debt: toLine(row.shortTermDebt),
    current_liabilities: toLine(row.totalCurrentLiabilities),
    long_term_debt: toLine(row.longTermDebt),
    // A sum: 0 is a company without debt.
    total_debt: toNumber(row.totalDebt),
    total_liabilities: toLine(row.totalLiabilities),
    retained_earnings: toLine(row.retainedEarnings),
    equity: toLine(row.totalStockholdersEquity)
  }
}

function toCashFlow (row: Fields): Numbers<CashFlow> {
  return {
    net_income: toNumber(row.netIncome),
    depreciation: toLine(row.depreciationAndAmortization),
    stock_compensation: toLine(row.stockBasedCompensation),
    operating_cash_flow: toNumber(row.netCashProvidedByOperatingActivities ?? row.operatingCashFlow),
    capital_expenditure: toLine(row.capitalExpenditure),
    free_cash_flow: toNumber(row.freeCashFlow),
    acquisitions: toLine(row.acquisitionsNet),
    investing_cash_flow: toNumber(row.netCashProvidedByInvestingActivities),
    // FMP tells only the difference of the two.
    debt_issued: null,
    debt_repaid: null,
    dividends_paid: toLine(row.netDividendsPaid),
    shares_repurchased: toLine(row.commonStockRepurchased),
    financing_cash_flow: toNumber(row.netCashProvidedByFinancingActivities),
    net_change_in_cash: toNumber(row.netChangeInCash)
  }
}

/** One row a list; undefined where the list is empty, null where it was refused. */
type Part = Fields | null | undefined

/** One company's metrics out of `key-metrics-ttm`, `ratios-ttm` and `profile`; null where the first two have none. */
export function toKeyMetrics ({ symbol }: Instrument, metrics: Part, ratios: Part, profile: Part): KeyMetrics | null {
  if (!hasNumbers(metrics) && !hasNumbers(ratios)) return null
  const m = metrics ?? {}
  const r = ratios ?? {}
  const p = profile ?? {}
  const [low, high] = toRange(p.range)
  return {
    symbol,
    // Of a depositary receipt some numbers are in the money that its company reports in.
    currency: p.isAdr === true ? null : toText(p.currency, 10),
    market_cap: toPrice(m.marketCap) ?? toPrice(p.marketCap),
    enterprise_value: toPrice(m.enterpriseValueTTM) ?? toPrice(r.enterpriseValueTTM),
    pe: toPrice(r.priceToEarningsRatioTTM),
    forward_pe: null,
    peg: toPrice(r.priceToEarningsGrowthRatioTTM),
    pb: toPrice(r.priceToBookRatioTTM),
    ps: toPrice(r.priceToSalesRatioTTM),
    ev_to_ebitda: toPrice(m.evToEBITDATTM) ?? toPrice(r.enterpriseValueMultipleTTM),
    ev_to_sales: toPrice(m.evToSalesTTM),
    eps: toPrice(r.netIncomePerShareTTM),
    book_value_per_share: toPrice(r.bookValuePerShareTTM),
    // 0 is a company that pays none.
    dividend_yield: toNumber(r.dividendYieldTTM),
    dividend_per_share: toNumber(r.dividendPerShareTTM),
    payout_ratio: toNumber(r.dividendPayoutRatioTTM),
    gross_margin: toPrice(r.grossProfitMarginTTM),
    operating_margin: toPrice(r.operatingProfitMarginTTM),
    net_margin: toPrice(r.netProfitMarginTTM),
    roe: toPrice(m.returnOnEquityTTM),
    roa: toPrice(m.returnOnAssetsTTM),
    roic: toPrice(m.returnOnInvestedCapitalTTM),
    current_ratio: toPrice(r.currentRatioTTM) ?? toPrice(m.currentRatioTTM),
    quick_ratio: toPrice(r.quickRatioTTM),
    debt_to_equity: toNumber(r.debtToEquityRatioTTM),
    interest_coverage: toPrice(r.interestCoverageRatioTTM),
    revenue_growth: null,
    eps_growth: null,
    beta: toPrice(p.beta),
    high_52w: high,
    low_52w: low
  }
}

/** All zero is nothing. */
function hasNumbers (row: Part): boolean {
  return Object.values(row ?? {}).some(value => toPrice(value) !== null)
}

/** `169.21-288.62` */
function toRange (value: unknown): [low: number | null, high: number | null] {
  const [, low, high] = /^([\d.]+)\s*-\s*([\d.]+)$/.exec(String(value)) ?? []
  return [toPrice(low), toPrice(high)]
}

/**
 * One company's reports of earnings, the next ones included, newest first.
 * @throws SYMBOL_NOT_FOUND where there are none; PROVIDER_MALFORMED, also where all are about another company
 */
export function toEarnings (body: unknown, instrument: Instrument): Earnings[] {
  const reports = rowsAbout(body, instrument, 'earnings').flatMap(row => toReport(row, instrument.symbol) ?? [])
  if (reports.length === 0) throw nothingOf('earnings', instrument)
  return reports.sort((a, b) => a.date! > b.date! ? -1 : 1)
}

/** Reports of all companies in the window, earliest first. */
export function toCalendar (rows: readonly Fields[], { from, to }: DayWindow): Earnings[] {
  return rows
    .flatMap(row => {
      const upstream = toText(row.symbol, 40)
      return upstream === null ? [] : toReport(row, fromUpstreamSymbol(upstream)) ?? []
    })
    .filter(({ date }) => date! >= from && date! <= to)
    .sort((a, b) => a.date! < b.date! || (a.date === b.date && a.symbol < b.symbol) ? -1 : 1)
}

/** Undefined where it has no day. */
function toReport (row: Fields, symbol: string): Earnings | undefined {
  const date = toDay(row.date)
  if (date === null) return undefined
  const estimate = toNumber(row.epsEstimated)
  const actual = toNumber(row.epsActual)
  return {
    symbol,
    date,
    time: null,
    period_end: null,
    fiscal_year: null,
    fiscal_quarter: null,
    eps_estimate: estimate,
    eps_actual: actual,
    eps_surprise_percent: toSurprise(actual, estimate),
    revenue_estimate: toPrice(row.revenueEstimated),
    revenue_actual: toPrice(row.revenueActual),
    // FMP does not say: of some foreign companies it is not the money of the price.
    currency: null
  }
}

function toSurprise (actual: number | null, estimate: number | null): number | null {
  if (actual === null || !estimate) return null
  return Math.round((actual - estimate) / Math.abs(estimate) * 1e6) / 1e4 + 0
}
