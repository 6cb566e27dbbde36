import { tradingDayFrom } from '../../market/calendar.ts'
import { addDays, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import { problem } from '../../errors.ts'
import type { EtfHolding, IndexSymbol, InsiderTrade, InstitutionalHolder } from '../../schemas/ownership.ts'
import type { CapabilityAdapter } from '../types.ts'
import { ratingsOf } from './analysts.ts'
import { closeOn } from './bars.ts'
import { FORM_4_AT, toInsiderTrade, tradesOf } from './insiders.ts'
import { assertCompany, assertListing, COMPANIES, round, sharesOf, type SampleListing } from './listings.ts'
import { earlierOf, FIRST_DAY, laterOf, momentOf, quarterEnd, quarterOf } from './quarters.ts'
import { lastSessionsOf } from './quotes.ts'
import { between, fixed } from './random.ts'

export const analystRatings: CapabilityAdapter<'analyst_ratings'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, limit }, { now }) => {
    const data = ratingsOf(assertCompany(instrument.symbol), momentOf(now), limit)
    return { data, as_of: toInstant(now), currency: data.currency }
  }
}

export const insiderTrades: CapabilityAdapter<'insider_trades'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, from, to, limit }, { now }) => {
    const listing = assertCompany(instrument.symbol)
    const moment = momentOf(now)
    const [first, last] = [laterOf(from, FIRST_DAY), earlierOf(to, moment.slice(0, 10))]
    const data: InsiderTrade[] = []
    for (let year = Number(last.slice(0, 4)); year >= Number(first.slice(0, 4)) && data.length < limit; year--) {
      const trades = tradesOf(listing, year)
        .filter(({ day, filed }) => day >= first && day <= last && `${filed} ${FORM_4_AT}` <= moment)
      data.push(...trades.reverse().map(trade => toInsiderTrade(listing, trade)))
    }
    return { data: data.slice(0, limit), as_of: toInstant(now), currency: listing.currency }
  }
}

const HOLDERS: [name: string, percent: number][] = [
  ['Sample Index Funds', 8.4], ['Example Asset Management', 7.1], ['Specimen Advisors', 4.2], ['Mockup Global Investors', 3.1],
  ['Placeholder Trust', 2.3], ['Fictional Pension Board', 1.9], ['Invented Wealth Partners', 1.5], ['Pretend Insurance', 1.2],
  ['Imaginary Endowment', 0.9], ['Hypothetical Capital', 0.6]
]

/** All report the end of the same quarter: the newest whose deadline, 45 days later, has passed. */
export const institutionalHolders: CapabilityAdapter<'institutional_holders'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, limit }, { now }) => {
    const listing = assertListing(instrument.symbol)
    const moment = momentOf(now)
    const deadlineOf = (quarter: number) => tradingDayFrom(addDays(quarterEnd(quarter), 45), 1)
    let quarter = quarterOf(moment)
    while (`${deadlineOf(quarter)} 17:30` > moment) quarter--
    const data = HOLDERS.map(([holder, percent]) => holderOf(listing, holder, percent, quarter))
      .sort((a, b) => b.shares! - a.shares!)
    const asOf = toInstant(instantAt(`${deadlineOf(quarter)} 17:30`, NEW_YORK))
    return { data: data.slice(0, limit), as_of: asOf, currency: 'USD' }
  }
}

function holderOf (listing: SampleListing, holder: string, percent: number, quarter: number): InstitutionalHolder {
  const key = `${listing.symbol}:${holder}`
  const usual = sharesOf(listing) * percent / 100 * between(key, 0.7, 1.3)
  const sharesIn = (of: number) => Math.round(usual * between(`${key}:${of}`, 0.96, 1.04))
  const shares = sharesIn(quarter)
  const reportDate = quarterEnd(quarter)
  return {
    symbol: listing.symbol,
    holder,
    shares,
    change: shares - sharesIn(quarter - 1),
    value: Math.round(shares * closeOn(listing, reportDate)),
    ownership_percent: fixed(shares / sharesOf(listing) * 100, 4),
    report_date: reportDate,
    filed_at: tradingDayFrom(addDays(reportDate, Math.floor(between(`${key}:filed:${quarter}`, 20, 46))), 1)
  }
}

/** A fund holds every company by its market value, as of the last close. */
export const etfHoldings: CapabilityAdapter<'etf_holdings'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, limit }, { now }) => {
    const fund = assertListing(instrument.symbol)
    if (fund.type !== 'ETF') {
      throw problem('SYMBOL_NOT_FOUND', `${fund.symbol} is no fund of the sample market (${fund.type}). Ask for SPY.`, { provider: 'sample' })
    }
    const { until, end, previous } = lastSessionsOf(fund, now)
    const closed = until === end ? end : previous[1]
    const day = momentOf(new Date(closed)).slice(0, 10)
    const assets = closeOn(fund, day) * sharesOf(fund)
    const worthOf = (listing: SampleListing) => closeOn(listing, day) * sharesOf(listing)
    const total = COMPANIES.reduce((sum, listing) => sum + worthOf(listing), 0)
    const data = COMPANIES.map((listing): EtfHolding => {
      const weight = worthOf(listing) / total
      return {
        symbol: listing.symbol,
        name: listing.name,
        weight_percent: fixed(weight * 100, 4),
        shares: Math.round(weight * assets / closeOn(listing, day)),
        value: round(weight * assets, fund),
        isin: null,
        cusip: null
      }
    }).sort((a, b) => b.value! - a.value!)
    return { data: data.slice(0, limit), as_of: toInstant(closed), currency: fund.currency }
  }
}

/** Which companies are not in an index; every other one is. */
const OUTSIDE: Record<IndexSymbol, readonly string[]> = {
  'I:SPX': [], 'I:NDX': ['BRK.B'], 'I:DJI': ['BRK.B', 'GOOGL', 'TSLA']
}

export const indexConstituents: CapabilityAdapter<'index_constituents'> = {
  fetch: async ({ index, limit }, { now }) => {
    const data = COMPANIES.filter(({ symbol }) => !OUTSIDE[index].includes(symbol)).map(({ symbol, name }) => ({
      symbol,
      name,
      sector: 'Sample',
      industry: 'Sample',
      headquarters: null,
      date_added: FIRST_DAY,
      cik: null
    }))
    return { data: data.slice(0, limit), as_of: toInstant(now) }
  }
}
