/** A company's books as statements: of a quarter, or of the four that end with it. */
import type { BalanceSheet, CashFlow, IncomeStatement, Period } from '../../schemas/fundamentals.ts'
import { addFlows, booksOf } from './books.ts'
import { sharesOf, type SampleListing } from './listings.ts'
import { quarterEnd } from './quarters.ts'
import { fixed } from './random.ts'
import { dilutedOf, filedOn } from './reports.ts'

const headOf = (listing: SampleListing, period: Period, quarter: number) => ({
  symbol: listing.symbol,
  period_end: quarterEnd(quarter),
  fiscal_year: Math.floor(quarter / 4),
  fiscal_period: period === 'annual' ? 'FY' : period === 'ttm' ? 'TTM' : `Q${quarter % 4 + 1}`,
  filed_at: filedOn(listing, quarter),
  currency: listing.currency
})

function flowsOf (listing: SampleListing, period: Period, quarter: number) {
  const quarters = period === 'quarter' ? [quarter] : [quarter - 3, quarter - 2, quarter - 1, quarter]
  return addFlows(quarters.map(number => booksOf(listing, number)))
}

export function incomeOf (listing: SampleListing, period: Period, quarter: number): IncomeStatement {
  const flows = flowsOf(listing, period, quarter)
  const { revenue, cost, research, selling, operatingIncome, interest, tax, netIncome, depreciation } = flows
  return {
    ...headOf(listing, period, quarter),
    revenue,
    cost_of_revenue: cost,
    gross_profit: revenue - cost,
    research_and_development: research,
    selling_general_admin: selling,
    operating_expenses: research + selling,
    operating_income: operatingIncome,
    interest_expense: interest,
    pretax_income: operatingIncome - interest,
    income_tax: tax,
    net_income: netIncome,
    eps_basic: fixed(netIncome / sharesOf(listing), 2),
    eps_diluted: fixed(netIncome / dilutedOf(listing), 2),
    shares_basic: sharesOf(listing),
    shares_diluted: dilutedOf(listing),
    ebitda: operatingIncome + depreciation
  }
}

/** What stands at the end of the quarter, whatever the period. */
export function balanceOf (listing: SampleListing, period: Period, quarter: number): BalanceSheet {
  const { position } = booksOf(listing, quarter)
  const { cash, investments, receivables, inventory, plant, goodwill, intangibles } = position
  const { payables, shortDebt, longDebt, paidIn } = position
  const currentAssets = cash + investments + receivables + inventory
  const assets = currentAssets + plant + goodwill + intangibles
  const liabilities = payables + shortDebt + longDebt
  return {
    ...headOf(listing, period, quarter),
    cash,
    short_term_investments: investments,
    receivables,
    inventory,
    current_assets: currentAssets,
    property_plant_equipment: plant,
    goodwill,
    intangible_assets: intangibles,
    total_assets: assets,
    accounts_payable: payables,
    short_term_debt: shortDebt,
    current_liabilities: payables + shortDebt,
    long_term_debt: longDebt,
    total_debt: shortDebt + longDebt,
    total_liabilities: liabilities,
    retained_earnings: assets - liabilities - paidIn,
    equity: assets - liabilities
  }
}

export function cashFlowOf (listing: SampleListing, period: Period, quarter: number): CashFlow {
  const flows = flowsOf(listing, period, quarter)
  const { operating, capital, investing, issued, repaid, dividends, repurchased } = flows
  const financing = issued + repaid + dividends + repurchased
  return {
    ...headOf(listing, period, quarter),
    net_income: flows.netIncome,
    depreciation: flows.depreciation,
    stock_compensation: flows.stockCompensation,
    operating_cash_flow: operating,
    capital_expenditure: capital,
    free_cash_flow: operating + capital,
    acquisitions: 0,
    investing_cash_flow: investing,
    debt_issued: issued,
    debt_repaid: repaid,
    dividends_paid: dividends,
    shares_repurchased: repurchased,
    financing_cash_flow: financing,
    net_change_in_cash: operating + investing + financing
  }
}
