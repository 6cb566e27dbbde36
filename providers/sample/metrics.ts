/** Ratios out of the sample market's own statements and prices. */
import { addDays, instantAt, NEW_YORK } from '../../market/time.ts'
import type { BalanceSheet, IncomeStatement, KeyMetrics } from '../../schemas/fundamentals.ts'
import { payoutsBetween } from './actions.ts'
import { closeOn, seriesOf } from './bars.ts'
import { assertListing, sharesOf, type SampleListing } from './listings.ts'
import { momentOf } from './quarters.ts'
import { quoteOf } from './quotes.ts'
import { fixed } from './random.ts'
import { earningsOf, lastFiled, nextReported } from './reports.ts'
import { balanceOf, incomeOf } from './statements.ts'

/** The latest ratios, and when their price was made. */
export function metricsOf (listing: SampleListing, now: Date): { metrics: KeyMetrics, asOf: string | null } {
  const moment = momentOf(now)
  const today = moment.slice(0, 10)
  const { price, as_of: asOf } = quoteOf(listing, now)
  const last = lastFiled(listing, moment)
  const year = incomeOf(listing, 'ttm', last)
  const yearBefore = incomeOf(listing, 'ttm', last - 4)
  const payouts = payoutsBetween(listing, addDays(today, -364), today)
  const dividend = fixed(payouts.reduce((sum, { amount }) => sum + amount, 0), 4)
  const metrics = {
    symbol: listing.symbol,
    currency: listing.currency,
    ...valuationOf(listing, price, year, balanceOf(listing, 'ttm', last)),
    ...returnsOf(year, balanceOf(listing, 'ttm', last)),
    ...expectationOf(listing, price, year, yearBefore, moment),
    dividend_yield: ratio(dividend, price),
    dividend_per_share: dividend,
    payout_ratio: ratio(dividend, year.eps_diluted),
    beta: betaOf(listing, today),
    ...rangeOf(listing, today, now)
  }
  return { metrics, asOf }
}

const ratio = (a: number | null, b: number | null) => a === null || !b ? null : fixed(a / b, 6)

function valuationOf (listing: SampleListing, price: number, year: IncomeStatement, balance: BalanceSheet) {
  const cap = Math.round(price * sharesOf(listing))
  const value = cap + balance.total_debt! - balance.cash! - balance.short_term_investments!
  return {
    market_cap: cap,
    enterprise_value: value,
    pe: ratio(price, year.eps_diluted),
    pb: ratio(cap, balance.equity),
    ps: ratio(cap, year.revenue),
    ev_to_ebitda: ratio(value, year.ebitda),
    ev_to_sales: ratio(value, year.revenue),
    eps: year.eps_diluted,
    book_value_per_share: ratio(balance.equity, sharesOf(listing))
  }
}

function returnsOf (year: IncomeStatement, balance: BalanceSheet) {
  const { current_liabilities: due, equity, total_debt: debt } = balance
  return {
    gross_margin: ratio(year.gross_profit, year.revenue),
    operating_margin: ratio(year.operating_income, year.revenue),
    net_margin: ratio(year.net_income, year.revenue),
    roe: ratio(year.net_income, equity),
    roa: ratio(year.net_income, balance.total_assets),
    roic: ratio(year.operating_income! * (1 - year.income_tax! / year.pretax_income!), debt! + equity!),
    current_ratio: ratio(balance.current_assets, due),
    quick_ratio: ratio(balance.cash! + balance.short_term_investments! + balance.receivables!, due),
    debt_to_equity: ratio(debt, equity),
    interest_coverage: ratio(year.operating_income, year.interest_expense)
  }
}

/** Growth against the year before; forward over the four quarters that are reported next. */
function expectationOf (
  listing: SampleListing, price: number, year: IncomeStatement, yearBefore: IncomeStatement, moment: string
) {
  const next = nextReported(listing, moment)
  const estimates = [0, 1, 2, 3].map(i => earningsOf(listing, next + i, moment).eps_estimate!)
  const growth = year.eps_diluted! / yearBefore.eps_diluted! - 1
  return {
    forward_pe: ratio(price, estimates.reduce((a, b) => a + b)),
    // A company that shrinks has no meaningful one.
    peg: growth > 0 ? ratio(price / year.eps_diluted!, growth * 100) : null,
    revenue_growth: fixed(year.revenue! / yearBefore.revenue! - 1, 6),
    eps_growth: fixed(growth, 6)
  }
}

/** Over two years of weekly closes, against I:SPX. */
function betaOf (listing: SampleListing, today: string): number {
  const days = Array.from({ length: 105 }, (_, i) => addDays(today, -1 - 7 * i))
  const returnsOfCloses = (of: SampleListing) => days.map(day => Math.log(closeOn(of, day)))
    .flatMap((price, i, prices) => i ? [prices[i - 1]! - price] : [])
  const [own, market] = [returnsOfCloses(listing), returnsOfCloses(assertListing('I:SPX'))]
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length
  const [ownMean, marketMean] = [mean(own), mean(market)]
  const covariance = mean(own.map((value, i) => (value - ownMean) * (market[i]! - marketMean)))
  return fixed(covariance / mean(market.map(value => (value - marketMean) ** 2)), 4)
}

function rangeOf (listing: SampleListing, today: string, now: Date) {
  const { bars } = seriesOf(listing, {
    instruments: [],
    timeframe: '1day',
    start: instantAt(addDays(today, -364), NEW_YORK),
    end: now,
    adjustment: 'split',
    limit: 366
  }, now)
  return { high_52w: Math.max(...bars.map(bar => bar.high)), low_52w: Math.min(...bars.map(bar => bar.low)) }
}
