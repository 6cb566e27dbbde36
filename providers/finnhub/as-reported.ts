/** Statements as US companies filed them with the SEC: XBRL concepts, in plain units of money. */
import { DAY_MS } from '../../market/time.ts'
import type { FinancialStatement, Period, StatementKind } from '../../schemas/fundamentals.ts'
import { toDay, toFields, toNumber, toRows, toText, type Fields } from '../parse.ts'
import type { Capabilities } from '../types.ts'
import { assertAbout, newestFirst, noneKnown, notEntitled, toOwnRows } from './common.ts'
import { hasFigures, STATEMENT_NAMES, sumOf, toInteger, toOutflow, type Head, type Readers } from './fundamentals-normalise.ts'

const PARTS = { income: 'ic', balance: 'bs', cash_flow: 'cf' } as const

/** Of several reports of a period, the one of the parent company has the largest of these. */
const SIZES: Record<StatementKind, string> = {
  income: 'revenue', balance: 'total_assets', cash_flow: 'operating_cash_flow'
}

/**
 * Statements of filings, newest first. Quarterly reports after the first of a year have the income and the cash flow
 * of the year to date: those of the quarter are not known then, and null.
 * @throws SYMBOL_NOT_FOUND where there are none; PROVIDER_NOT_ENTITLED where all are of the year to date;
 * PROVIDER_MALFORMED, also for those of another company
 */
export function toReportedStatements (body: unknown, input: Capabilities['financials']['input']): FinancialStatement[] {
  const { instrument, statement, period, limit } = input
  const what = STATEMENT_NAMES[statement]
  const { symbol, data } = toFields(body)
  assertAbout(symbol, instrument, what)
  const reports = toOwnRows(data, instrument, what).flatMap(row => toReport(row, input) ?? [])
  const byPeriod = new Map<string | null, Report>()
  for (const report of reports.sort(smallestFirst).sort(oldestFirst)) byPeriod.set(report.row.period_end, report)
  const newest = [...byPeriod.values()].sort(newestFirst(({ row }) => row.period_end)).slice(0, limit)
  if (newest.length === 0) throw noneKnown(`${what} (${period})`, instrument)
  if (newest.every(({ isToDate }) => isToDate)) {
    throw notEntitled(`Finnhub's free ${what} of a quarter are of the fiscal year to date. Ask for annual ones, or another provider.`)
  }
  return newest.map(({ row }) => row)
}

interface Report {
  row: FinancialStatement
  size: number
  /** It covers more than the quarter. */
  isToDate: boolean
}

const smallestFirst = (a: Report, b: Report) => a.size - b.size
const oldestFirst = (a: Report, b: Report) => newestFirst<Report>(({ row }) => row.filed_at)(b, a)

function toReport (row: Fields, { instrument, statement, period }: Capabilities['financials']['input']): Report | null {
  const figures = toFigures(toFields(row.report)[PARTS[statement]])
  const read = READERS[statement]
  const known = read(figures)
  const head = toHead(row, instrument.symbol, period, figures)
  const isWhole = statement === 'balance' || isOfPeriod(row, period)
  if (head.period_end === null || !hasFigures(known) || (!isWhole && period === 'annual')) return null
  const size = toNumber(toFields(known)[SIZES[statement]]) ?? -Infinity
  return { row: { ...head, ...isWhole ? known : read(NO_FIGURES) }, size, isToDate: !isWhole }
}

/** Days that a year of 52 or 53 weeks, or a quarter of 12 to 17 weeks, may have. */
const SPANS = { annual: [340, 390], quarter: [70, 125], ttm: [340, 390] } as const

/** Whether a report of income or cash flow covers its period: a quarterly one may begin with the fiscal year. */
function isOfPeriod ({ startDate, endDate, quarter }: Fields, period: Period): boolean {
  const days = (Date.parse(toDay(endDate) ?? '') - Date.parse(toDay(startDate) ?? '')) / DAY_MS
  const [least, most] = SPANS[period]
  return days > 0 ? days >= least && days <= most : period === 'annual' || toNumber(quarter) === 1
}

function toHead (row: Fields, symbol: string, period: Period, { currency }: Figures): Head {
  const quarter = toInteger(row.quarter)
  return {
    symbol,
    period_end: toDay(row.endDate),
    fiscal_year: toInteger(row.year),
    fiscal_period: period === 'annual' ? 'FY' : quarter === null ? null : `Q${quarter}`,
    filed_at: toDay(row.filedDate),
    currency
  }
}

interface Figures {
  /** Every value of a concept, which stands without its prefix. */
  values: Map<string, number[]>
  currency: string | null
}

const NO_FIGURES: Figures = { values: new Map(), currency: null }

/** A part of a report: concept to value, or a list of concepts with values and units. */
function toFigures (part: unknown): Figures {
  const rows = Array.isArray(part)
    ? toRows(part)
    : Object.entries(toFields(part)).map(([concept, value]) => ({ concept, value }) as Fields)
  const values = new Map<string, number[]>()
  for (const { concept, value } of rows) {
    const name = toText(concept)?.replace(/^us-gaap[_:]/, '')
    const number = toNumber(value)
    if (name && number !== null) values.set(name, [...values.get(name) ?? [], number])
  }
  const unit = rows.map(row => toText(row.unit)).find(text => text && /^[a-z]{3}$/i.test(text))
  return { values, currency: unit?.toUpperCase() ?? null }
}

/** The first concept that is there; of lines under the same concept the largest, which is their total. */
function amountOf ({ values }: Figures, ...concepts: string[]): number | null {
  const found = concepts.map(concept => values.get(concept)).find(Boolean)
  return found ? found.reduce((largest, value) => Math.abs(value) > Math.abs(largest) ? value : largest) : null
}

/** The largest of several concepts: some companies report a part of their revenue under one of them. */
function largestOf (figures: Figures, ...concepts: string[]): number | null {
  const found = concepts.map(concept => amountOf(figures, concept)).filter(value => value !== null)
  return found.length ? Math.max(...found) : null
}

/** A figure that classes of shares may have each: null where they differ. */
function singleOf ({ values }: Figures, ...concepts: string[]): number | null {
  const found = concepts.map(concept => values.get(concept)).find(Boolean) ?? []
  return found.every(value => value === found[0]) ? found[0] ?? null : null
}

function totalOf (...amounts: (number | null)[]): number | null {
  return amounts.includes(null) ? null : sumOf(...amounts)
}

const PRETAX = 'IncomeLossFromContinuingOperationsBeforeIncomeTaxes'
const CASH_CHANGE = 'CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalentsPeriodIncreaseDecrease'

const READERS: Readers<Figures> = {
  income: figures => ({
    revenue: largestOf(figures, 'RevenueFromContractWithCustomerExcludingAssessedTax', 'Revenues', 'SalesRevenueNet',
      'RevenuesNetOfInterestExpense', 'RegulatedAndUnregulatedOperatingRevenue') ??
      amountOf(figures, 'RevenueFromContractWithCustomerIncludingAssessedTax', 'SalesRevenueGoodsNet'),
    cost_of_revenue: amountOf(figures, 'CostOfRevenue', 'CostOfGoodsAndServicesSold', 'CostOfGoodsSold'),
    gross_profit: amountOf(figures, 'GrossProfit'),
    research_and_development: amountOf(figures, 'ResearchAndDevelopmentExpense',
      'ResearchAndDevelopmentExpenseExcludingAcquiredInProcessCost'),
    selling_general_admin: amountOf(figures, 'SellingGeneralAndAdministrativeExpense') ??
      totalOf(amountOf(figures, 'SellingAndMarketingExpense'), amountOf(figures, 'GeneralAndAdministrativeExpense')),
    operating_expenses: amountOf(figures, 'OperatingExpenses'),
    operating_income: amountOf(figures, 'OperatingIncomeLoss'),
    interest_expense: amountOf(figures, 'InterestExpense', 'InterestExpenseNonoperating', 'InterestAndDebtExpense',
      'InterestExpenseDebt'),
    pretax_income: amountOf(figures, `${PRETAX}ExtraordinaryItemsNoncontrollingInterest`,
      `${PRETAX}MinorityInterestAndIncomeLossFromEquityMethodInvestments`, PRETAX),
    income_tax: amountOf(figures, 'IncomeTaxExpenseBenefit'),
    net_income: amountOf(figures, 'NetIncomeLoss', 'ProfitLoss', 'NetIncomeLossAvailableToCommonStockholdersBasic'),
    eps_basic: singleOf(figures, 'EarningsPerShareBasic', 'EarningsPerShareBasicAndDiluted'),
    eps_diluted: singleOf(figures, 'EarningsPerShareDiluted', 'EarningsPerShareBasicAndDiluted'),
    shares_basic: singleOf(figures, 'WeightedAverageNumberOfSharesOutstandingBasic',
      'WeightedAverageNumberOfShareOutstandingBasicAndDiluted'),
    shares_diluted: singleOf(figures, 'WeightedAverageNumberOfDilutedSharesOutstanding',
      'WeightedAverageNumberOfShareOutstandingBasicAndDiluted'),
    ebitda: null
  }),
  balance: figures => {
    const current = amountOf(figures, 'DebtCurrent') ?? sumOf(
      amountOf(figures, 'ShortTermBorrowings', 'CommercialPaper'),
      amountOf(figures, 'LongTermDebtCurrent', 'LongTermDebtAndCapitalLeaseObligationsCurrent'))
    const later = amountOf(figures, 'LongTermDebtNoncurrent', 'LongTermDebtAndCapitalLeaseObligations')
    return {
      cash: amountOf(figures, 'CashAndCashEquivalentsAtCarryingValue', 'CashAndDueFromBanks', 'Cash',
        'CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents'),
      short_term_investments: amountOf(figures, 'ShortTermInvestments', 'MarketableSecuritiesCurrent',
        'AvailableForSaleSecuritiesDebtSecuritiesCurrent', 'AvailableForSaleSecuritiesCurrent'),
      receivables: amountOf(figures, 'AccountsReceivableNetCurrent', 'ReceivablesNetCurrent',
        'AccountsNotesAndLoansReceivableNetCurrent'),
      inventory: amountOf(figures, 'InventoryNet'),
      current_assets: amountOf(figures, 'AssetsCurrent'),
      property_plant_equipment: amountOf(figures, 'PropertyPlantAndEquipmentNet',
        'PropertyPlantAndEquipmentAndFinanceLeaseRightOfUseAssetAfterAccumulatedDepreciationAndAmortization'),
      goodwill: amountOf(figures, 'Goodwill'),
      intangible_assets: amountOf(figures, 'IntangibleAssetsNetExcludingGoodwill', 'FiniteLivedIntangibleAssetsNet'),
      total_assets: amountOf(figures, 'Assets'),
      accounts_payable: amountOf(figures, 'AccountsPayableCurrent', 'AccountsPayableTradeCurrent'),
      short_term_debt: current,
      current_liabilities: amountOf(figures, 'LiabilitiesCurrent'),
      long_term_debt: later,
      total_debt: totalOf(current, later),
      total_liabilities: amountOf(figures, 'Liabilities'),
      retained_earnings: amountOf(figures, 'RetainedEarningsAccumulatedDeficit'),
      equity: amountOf(figures, 'StockholdersEquity',
        'StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest')
    }
  },
  cash_flow: figures => {
    const flow = (activity: string) => amountOf(figures, `NetCashProvidedByUsedIn${activity}`,
      `NetCashProvidedByUsedIn${activity}ContinuingOperations`)
    const paid = (...concepts: string[]) => toOutflow(amountOf(figures, ...concepts))
    const operating = flow('OperatingActivities')
    const capital = paid('PaymentsToAcquirePropertyPlantAndEquipment', 'PaymentsToAcquireProductiveAssets',
      'PaymentsToAcquireOtherPropertyPlantAndEquipment', 'PaymentsForCapitalImprovements')
    return {
      net_income: amountOf(figures, 'NetIncomeLoss', 'ProfitLoss'),
      depreciation: amountOf(figures, 'DepreciationDepletionAndAmortization', 'DepreciationAndAmortization',
        'DepreciationAmortizationAndAccretionNet', 'Depreciation'),
      stock_compensation: amountOf(figures, 'ShareBasedCompensation'),
      operating_cash_flow: operating,
      capital_expenditure: capital,
      free_cash_flow: totalOf(operating, capital),
      acquisitions: paid('PaymentsToAcquireBusinessesNetOfCashAcquired'),
      investing_cash_flow: flow('InvestingActivities'),
      debt_issued: amountOf(figures, 'ProceedsFromIssuanceOfLongTermDebt', 'ProceedsFromIssuanceOfDebt',
        'ProceedsFromDebtNetOfIssuanceCosts'),
      debt_repaid: paid('RepaymentsOfLongTermDebt', 'RepaymentsOfDebt'),
      dividends_paid: paid('PaymentsOfDividends', 'PaymentsOfDividendsCommonStock'),
      shares_repurchased: paid('PaymentsForRepurchaseOfCommonStock'),
      financing_cash_flow: flow('FinancingActivities'),
      net_change_in_cash: amountOf(figures, `${CASH_CHANGE}IncludingExchangeRateEffect`,
        `${CASH_CHANGE}ExcludingExchangeRateEffect`, 'CashAndCashEquivalentsPeriodIncreaseDecrease')
    }
  }
}
