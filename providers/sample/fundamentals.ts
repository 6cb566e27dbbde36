import { addDays, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type { Earnings, FinancialStatement } from '../../schemas/fundamentals.ts'
import type { CapabilityAdapter } from '../types.ts'
import { assertCompany, COMPANIES } from './listings.ts'
import { metricsOf } from './metrics.ts'
import { earlierOf, FIRST_DAY, laterOf, momentOf, quarterOf } from './quarters.ts'
import { earningsOf, FILED_AT, filedOn, FIRST_QUARTER, lastFiled, nextReported, reportOf } from './reports.ts'
import { balanceOf, cashFlowOf, incomeOf } from './statements.ts'

const STATEMENTS = { income: incomeOf, balance: balanceOf, cash_flow: cashFlowOf }

export const financials: CapabilityAdapter<'financials'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, statement, period, limit }, { now }) => {
    const listing = assertCompany(instrument.symbol)
    const last = lastFiled(listing, momentOf(now))
    const step = period === 'annual' ? 4 : 1
    const newest = period === 'annual' ? last - (last + 1) % 4 : last
    const oldest = FIRST_QUARTER + (period === 'quarter' ? 0 : 3)
    const data: FinancialStatement[] = []
    for (let quarter = newest; quarter >= oldest && data.length < limit; quarter -= step) {
      data.push(STATEMENTS[statement](listing, period, quarter))
    }
    const asOf = newest < oldest ? null : toInstant(instantAt(`${filedOn(listing, newest)} ${FILED_AT}`, NEW_YORK))
    return { data, as_of: asOf, currency: listing.currency }
  }
}

export const keyMetrics: CapabilityAdapter<'key_metrics'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument }, { now }) => {
    const { metrics, asOf } = metricsOf(assertCompany(instrument.symbol), now)
    return { data: metrics, as_of: asOf, currency: metrics.currency, delayed_by_seconds: 0 }
  }
}

export const earnings: CapabilityAdapter<'earnings'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, limit }, { now }) => {
    const listing = assertCompany(instrument.symbol)
    const moment = momentOf(now)
    const next = nextReported(listing, moment)
    const data: Earnings[] = []
    for (let quarter = next; quarter >= FIRST_QUARTER && data.length < limit; quarter--) {
      data.push(earningsOf(listing, quarter, moment))
    }
    return { data, as_of: toInstant(now), currency: listing.currency }
  }
}

/** Days of reports are known for a year to come. */
export const earningsCalendar: CapabilityAdapter<'earnings_calendar'> = {
  fetch: async ({ from, to, limit }, { now }) => {
    const moment = momentOf(now)
    const first = quarterOf(laterOf(addDays(laterOf(from, FIRST_DAY), -60), FIRST_DAY))
    const last = earlierOf(to, addDays(moment.slice(0, 10), 366))
    const count = Math.max(0, quarterOf(last) - first + 1)
    const reports = COMPANIES.flatMap(listing => Array.from({ length: count }, (_, i) =>
      ({ listing, quarter: first + i, day: reportOf(listing, first + i).day })))
      .filter(({ day }) => day >= from && day <= last)
      .sort((a, b) => a.day < b.day ? -1 : a.day > b.day ? 1 : a.listing.symbol < b.listing.symbol ? -1 : 1)
    const data = reports.slice(0, limit).map(({ listing, quarter }) => earningsOf(listing, quarter, moment))
    return { data, as_of: toInstant(now), currency: 'USD' }
  }
}
