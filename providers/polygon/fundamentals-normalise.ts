import type { Instrument } from '../../market/symbols.ts'
import { instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type {
  BalanceSheet, CashFlow, Earnings, FinancialStatement, IncomeStatement, KeyMetrics, Period, StatementKind
} from '../../schemas/fundamentals.ts'
import { commonOf, toDate, toDay, toFields, toNumber, toPrice, type Fields } from '../parse.ts'
import { fromUpstreamSymbol, toCurrencyOf } from './normalise.ts'

/** Something with the instant at which its provider made it. */
export interface Dated<T> { data: T, as_of: string | null }

export interface StatementOf { instrument: Instrument, statement: StatementKind, period: Period }

type Values<T> = Omit<T, keyof PeriodOf>
interface PeriodOf {
  symbol: string
  period_end: string | null
  fiscal_year: number | null
  fiscal_period: string | null
  filed_at: string | null
  currency: string | null
}
/** The first of some fields that has a number. */
type Pick = (...names: string[]) => number | null

const PARTS: Record<StatementKind, string> = {
  income: 'income_statement', balance: 'balance_sheet', cash_flow: 'cash_flow_statement'
}

/**
 * One statement out of either answer: the standardised one, whose fields stand in the row, or the older one, which
 * wraps them (`financials.income_statement.revenues.value`) and names them otherwise. Null where it holds none.
 */
export function toStatement (row: Fields, { instrument, statement, period }: StatementOf): FinancialStatement | null {
  const filed = row.financials === undefined ? null : toFields(toFields(row.financials)[PARTS[statement]])
  const pick: Pick = (...names) => names.reduce<number | null>((found, name) =>
    found ?? toNumber(filed ? toFields(filed[name]).value : row[name]), null)
  const end = toDay(row.period_end) ?? toDay(row.end_date)
  if (end === null || (filed && Object.keys(filed).length === 0)) return null
  const of: PeriodOf = {
    symbol: instrument.symbol,
    period_end: end,
    fiscal_year: toYear(row.fiscal_year),
    fiscal_period: toFiscalPeriod(row, period),
    filed_at: toDay(row.filing_date),
    currency: filed && commonOf(Object.values(filed).flatMap(cell => toUnit(toFields(cell).unit) ?? []))
  }
  if (statement === 'income') return { ...of, ...toIncome(pick) }
  return statement === 'balance' ? { ...of, ...toBalance(pick) } : { ...of, ...toCashFlow(pick) }
}

function toYear (value: unknown): number | null {
  const year = toNumber(value)
  return year !== null && Number.isInteger(year) && year > 1900 ? year : null
}

/** What the row says of itself, else what was asked for. */
function toFiscalPeriod (row: Fields, period: Period): string | null {
  if (typeof row.fiscal_period === 'string') return /^(FY|Q[1-4]|TTM)$/.exec(row.fiscal_period)?.[0] ?? null
  const timeframe = typeof row.timeframe === 'string' ? row.timeframe : period
  if (timeframe.startsWith('t')) return 'TTM'
  return timeframe === 'annual' ? 'FY' : /^Q[1-4]$/.exec(`Q${toNumber(row.fiscal_quarter)}`)?.[0] ?? null
}

/** The money of a field; of `USD / shares`, too. */
function toUnit (unit: unknown): string | null {
  return /^([A-Z]{3})(?: \/ shares)?$/.exec(String(unit))?.[1] ?? null
}

function toIncome (pick: Pick): Values<IncomeStatement> {
  const gross = pick('gross_profit')
  const operating = pick('operating_income', 'operating_income_loss')
  return {
    revenue: pick('revenue', 'revenues'),
    cost_of_revenue: pick('cost_of_revenue'),
    gross_profit: gross,
    research_and_development: pick('research_development', 'research_and_development'),
    selling_general_admin: pick('selling_general_administrative', 'selling_general_and_administrative_expenses'),
    // The total is documented with the cost of revenue in it and sent without: the difference is without.
    operating_expenses: plus(gross, negative(operating)) ?? pick('total_operating_expenses', 'operating_expenses'),
    operating_income: operating,
    interest_expense: pick('interest_expense', 'interest_expense_operating'),
    pretax_income: pick('income_before_income_taxes', 'income_loss_from_continuing_operations_before_tax'),
    income_tax: pick('income_taxes', 'income_tax_expense_benefit'),
    net_income: pick('net_income_loss_attributable_common_shareholders', 'net_income_loss_attributable_to_parent',
      'consolidated_net_income_loss', 'net_income_loss'),
    eps_basic: pick('basic_earnings_per_share'),
    eps_diluted: pick('diluted_earnings_per_share'),
    shares_basic: pick('basic_shares_outstanding', 'basic_average_shares'),
    shares_diluted: pick('diluted_shares_outstanding', 'diluted_average_shares'),
    ebitda: pick('ebitda')
  }
}

function toBalance (pick: Pick): Values<BalanceSheet> {
  const short = pick('debt_current')
  const long = pick('long_term_debt_and_capital_lease_obligations', 'long_term_debt')
  return {
    cash: pick('cash_and_equivalents', 'cash'),
    short_term_investments: pick('short_term_investments'),
    receivables: pick('receivables', 'accounts_receivable'),
    inventory: pick('inventories', 'inventory'),
    current_assets: pick('total_current_assets', 'current_assets'),
    property_plant_equipment: pick('property_plant_equipment_net', 'fixed_assets'),
    goodwill: pick('goodwill'),
    intangible_assets: pick('intangible_assets_net', 'intangible_assets'),
    total_assets: pick('total_assets', 'assets'),
    accounts_payable: pick('accounts_payable'),
    short_term_debt: short,
    current_liabilities: pick('total_current_liabilities', 'current_liabilities'),
    long_term_debt: long,
    total_debt: plus(short, long),
    total_liabilities: pick('total_liabilities', 'liabilities'),
    retained_earnings: pick('retained_earnings_deficit'),
    equity: pick('total_equity_attributable_to_parent', 'equity_attributable_to_parent', 'total_equity', 'equity')
  }
}

/** Debt issued and repaid are told as one net figure, acquisitions and buybacks among "other": so they are null. */
function toCashFlow (pick: Pick): Values<CashFlow> {
  const operating = pick('net_cash_from_operating_activities', 'net_cash_flow_from_operating_activities')
  const capital = toOutflow(pick('purchase_of_property_plant_and_equipment'))
  return {
    net_income: pick('net_income'),
    depreciation: pick('depreciation_depletion_and_amortization'),
    stock_compensation: null,
    operating_cash_flow: operating,
    capital_expenditure: capital,
    free_cash_flow: plus(operating, capital),
    acquisitions: null,
    investing_cash_flow: pick('net_cash_from_investing_activities', 'net_cash_flow_from_investing_activities'),
    debt_issued: null,
    debt_repaid: null,
    dividends_paid: toOutflow(pick('dividends')),
    shares_repurchased: null,
    financing_cash_flow: pick('net_cash_from_financing_activities', 'net_cash_flow_from_financing_activities'),
    net_change_in_cash: pick('change_in_cash_and_equivalents', 'net_cash_flow')
  }
}

function plus (a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b
}

function negative (value: number | null): number | null {
  return value === null ? null : -value
}

/** "Typically" negative, as it is documented; here always. */
function toOutflow (value: number | null): number | null {
  return value === null ? null : 0 - Math.abs(value)
}

/** Newest first, one a period: of a report and its correction, the one filed last. */
export function toStatements (rows: readonly FinancialStatement[]): FinancialStatement[] {
  const keyOf = ({ period_end: end, fiscal_period: period }: FinancialStatement) => `${end} ${period}`
  const oldestFirst = [...rows].sort((a, b) => (a.filed_at ?? '') < (b.filed_at ?? '') ? -1 : 1)
  const unique = new Map(oldestFirst.map(row => [keyOf(row), row]))
  return [...unique.values()].sort((a, b) => keyOf(a) < keyOf(b) ? 1 : -1)
}

/** The ratios of a company on a day; prices in them are that day's close. */
export function toKeyMetrics (row: Fields, instrument: Instrument, now: Date): Dated<KeyMetrics> {
  const day = toDay(row.date)
  const close = day === null ? null : Math.min(instantAt(`${day} 16:00`, NEW_YORK).getTime(), now.getTime())
  return {
    data: {
      symbol: instrument.symbol,
      currency: toCurrencyOf(instrument),
      market_cap: toPrice(row.market_cap),
      enterprise_value: toPrice(row.enterprise_value),
      pe: toPrice(row.price_to_earnings),
      forward_pe: null,
      peg: null,
      pb: toPrice(row.price_to_book),
      ps: toPrice(row.price_to_sales),
      ev_to_ebitda: toPrice(row.ev_to_ebitda),
      ev_to_sales: toPrice(row.ev_to_sales),
      eps: toNumber(row.earnings_per_share),
      book_value_per_share: null,
      dividend_yield: toNumber(row.dividend_yield),
      dividend_per_share: null,
      payout_ratio: null,
      gross_margin: null,
      operating_margin: null,
      net_margin: null,
      roe: toNumber(row.return_on_equity),
      roa: toNumber(row.return_on_assets),
      roic: null,
      current_ratio: toNumber(row.current),
      quick_ratio: toNumber(row.quick),
      debt_to_equity: toNumber(row.debt_to_equity),
      interest_coverage: null,
      revenue_growth: null,
      eps_growth: null,
      beta: null,
      high_52w: null,
      low_52w: null
    },
    as_of: close === null ? null : toInstant(close)
  }
}

/** Null where the company has no canonical symbol. */
export function toEarnings (row: Fields): Dated<Earnings> | null {
  const instrument = fromUpstreamSymbol(row.ticker)
  if (instrument?.asset_class !== 'stock') return null
  const estimate = toNumber(row.estimated_eps)
  const actual = toNumber(row.actual_eps)
  const updated = toDate(row.last_updated)
  return {
    data: {
      symbol: instrument.symbol,
      date: toDay(row.date),
      time: toTimeOfDay(row.time),
      period_end: null,
      fiscal_year: toYear(row.fiscal_year),
      fiscal_quarter: toNumber(/^Q([1-4])$/.exec(String(row.fiscal_period))?.[1]),
      eps_estimate: estimate,
      eps_actual: actual,
      // Computed, for the unit of the provider's own figure is not certain.
      eps_surprise_percent: toSurprise(actual, estimate),
      revenue_estimate: toNumber(row.estimated_revenue),
      revenue_actual: toNumber(row.actual_revenue),
      currency: typeof row.currency === 'string' && /^[A-Z]{3}$/.test(row.currency) ? row.currency : null
    },
    as_of: updated && toInstant(updated)
  }
}

function toSurprise (actual: number | null, estimate: number | null): number | null {
  if (actual === null || !estimate) return null
  return Math.round((actual - estimate) / Math.abs(estimate) * 1e6) / 1e4 + 0
}

/** Out of New York's wall clock; midnight stands for "not known". */
function toTimeOfDay (clock: unknown): Earnings['time'] {
  const time = typeof clock === 'string' && /^\d{2}:\d{2}(:\d{2})?$/.test(clock) ? clock.padEnd(8, ':00') : '00:00:00'
  if (time === '00:00:00') return null
  return time < '09:30:00' ? 'bmo' : time >= '16:00:00' ? 'amc' : 'dmh'
}
