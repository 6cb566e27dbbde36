/** What companies report. Money in units of `currency` (never thousands or millions), a ratio as a fraction. */
import { Type, type Static } from 'typebox'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const text = Nullable(Type.String())
const number = Nullable(Type.Number())

export const STATEMENTS = ['income', 'balance', 'cash_flow'] as const
export type StatementKind = typeof STATEMENTS[number]
export const PERIODS = ['annual', 'quarter', 'ttm'] as const
export type Period = typeof PERIODS[number]

const periodOfStatement = {
  symbol: Type.String(),
  /** Last day of the period. */
  period_end: text,
  fiscal_year: Nullable(Type.Integer()),
  /** `FY`, `Q1` to `Q4`, or `TTM`. */
  fiscal_period: text,
  /** The day on which it was filed: before it nobody knew these numbers. */
  filed_at: text,
  currency: text
}

export const IncomeStatementSchema = Type.Object({
  ...periodOfStatement,
  revenue: number,
  cost_of_revenue: number,
  gross_profit: number,
  research_and_development: number,
  selling_general_admin: number,
  operating_expenses: number,
  operating_income: number,
  interest_expense: number,
  pretax_income: number,
  income_tax: number,
  net_income: number,
  eps_basic: number,
  eps_diluted: number,
  shares_basic: number,
  shares_diluted: number,
  ebitda: number
}, strict)
export type IncomeStatement = Static<typeof IncomeStatementSchema>

export const BalanceSheetSchema = Type.Object({
  ...periodOfStatement,
  cash: number,
  short_term_investments: number,
  receivables: number,
  inventory: number,
  current_assets: number,
  property_plant_equipment: number,
  goodwill: number,
  intangible_assets: number,
  total_assets: number,
  accounts_payable: number,
  short_term_debt: number,
  current_liabilities: number,
  long_term_debt: number,
  total_debt: number,
  total_liabilities: number,
  retained_earnings: number,
  equity: number
}, strict)
export type BalanceSheet = Static<typeof BalanceSheetSchema>

/** Money that leaves the company is negative. */
export const CashFlowSchema = Type.Object({
  ...periodOfStatement,
  net_income: number,
  depreciation: number,
  stock_compensation: number,
  operating_cash_flow: number,
  capital_expenditure: number,
  free_cash_flow: number,
  acquisitions: number,
  investing_cash_flow: number,
  debt_issued: number,
  debt_repaid: number,
  dividends_paid: number,
  shares_repurchased: number,
  financing_cash_flow: number,
  net_change_in_cash: number
}, strict)
export type CashFlow = Static<typeof CashFlowSchema>

/** The rows of each statement; one list holds rows of one kind. */
export const STATEMENT_SCHEMAS = {
  income: IncomeStatementSchema, balance: BalanceSheetSchema, cash_flow: CashFlowSchema
}
export type FinancialStatement = IncomeStatement | BalanceSheet | CashFlow

/** The latest known ratios of one company. Margins, growth, yields and returns are fractions: 0.25 is 25 %. */
export const KeyMetricsSchema = Type.Object({
  symbol: Type.String(),
  currency: text,
  market_cap: number,
  enterprise_value: number,
  pe: number,
  forward_pe: number,
  peg: number,
  pb: number,
  ps: number,
  ev_to_ebitda: number,
  ev_to_sales: number,
  eps: number,
  book_value_per_share: number,
  dividend_yield: number,
  dividend_per_share: number,
  payout_ratio: number,
  gross_margin: number,
  operating_margin: number,
  net_margin: number,
  roe: number,
  roa: number,
  roic: number,
  current_ratio: number,
  quick_ratio: number,
  debt_to_equity: number,
  interest_coverage: number,
  /** Against the same period a year before. */
  revenue_growth: number,
  eps_growth: number,
  beta: number,
  high_52w: number,
  low_52w: number
}, strict)
export type KeyMetrics = Static<typeof KeyMetricsSchema>

/** When on the day: before the market opens, after it closes, during it. */
export const EarningsTimeSchema = Nullable(Type.Enum(['bmo', 'amc', 'dmh']))

/** One report of earnings; the next one has estimates and no actuals. */
export const EarningsSchema = Type.Object({
  symbol: Type.String(),
  /** The day of the report; null where only the period is known. */
  date: text,
  time: EarningsTimeSchema,
  period_end: text,
  fiscal_year: Nullable(Type.Integer()),
  fiscal_quarter: Nullable(Type.Integer()),
  eps_estimate: number,
  eps_actual: number,
  eps_surprise_percent: number,
  revenue_estimate: number,
  revenue_actual: number,
  currency: text
}, strict)
export type Earnings = Static<typeof EarningsSchema>
