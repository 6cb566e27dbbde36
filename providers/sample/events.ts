import { closingsOf } from '../../market/calendar.ts'
import { addDays, instantAt, NEW_YORK, toInstant } from '../../market/time.ts'
import type { EconomicSeries, MarketHoliday } from '../../schemas/events.ts'
import type { CapabilityAdapter } from '../types.ts'
import { payoutsBetween, SPLITS, toDividend, toSplit } from './actions.ts'
import { ECONOMY, periodBefore, periodOf } from './economy.ts'
import { assertCompany, assertListing } from './listings.ts'
import { filingsOf } from './papers.ts'
import { earlierOf, FIRST_DAY, laterOf, momentOf } from './quarters.ts'
import { scheduleOf, toEvent } from './releases.ts'

export const corporateActions: CapabilityAdapter<'corporate_actions'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, types, from, to, limit }, { now }) => {
    const listing = assertListing(instrument.symbol)
    const today = momentOf(now).slice(0, 10)
    const last = earlierOf(to, addDays(today, 92))
    const payouts = types.includes('dividend') ? payoutsBetween(listing, laterOf(from, FIRST_DAY), last) : []
    const splits = types.includes('split') ? SPLITS.filter(({ symbol }) => symbol === listing.symbol).map(toSplit) : []
    const data = [...payouts.map(payout => toDividend(listing, payout, today)), ...splits]
      .filter(({ ex_date: day, declaration_date: declared }) => day! >= from && day! <= to && declared! <= today)
      .sort((a, b) => a.ex_date! > b.ex_date! ? -1 : 1)
    return { data: data.slice(0, limit), as_of: toInstant(now), currency: listing.currency }
  }
}

export const economicCalendar: CapabilityAdapter<'economic_calendar'> = {
  fetch: async ({ from, to, country = 'US', limit }, { now }) => {
    const moment = momentOf(now)
    const last = earlierOf(to, addDays(moment.slice(0, 10), 366))
    const schedule = country.toUpperCase() === 'US' ? scheduleOf(from, last) : []
    return { data: schedule.slice(0, limit).map(scheduled => toEvent(scheduled, moment)), as_of: toInstant(now) }
  }
}

export const economicIndicator: CapabilityAdapter<'economic_indicator'> = {
  fetch: async ({ indicator, from, to, limit }, { now }) => {
    const { frequency, unit, value, released, clock } = ECONOMY[indicator]
    const moment = momentOf(now)
    const points: EconomicSeries['points'] = []
    let newest: string | null = null
    const first = laterOf(from, FIRST_DAY)
    const last = periodOf(frequency, earlierOf(to, moment.slice(0, 10)))
    for (let date = last; date >= first && points.length < limit; date = periodBefore(frequency, date)) {
      const told = `${released(date)} ${clock}`
      if (told > moment) continue
      newest ??= told
      const at = value(date)
      points.push(typeof at === 'number' ? { date, value: at } : { date, ...at })
    }
    const asOf = newest && toInstant(instantAt(newest, NEW_YORK))
    return { data: { indicator, unit, country: 'US', points }, as_of: asOf }
  }
}

export const filings: CapabilityAdapter<'filings'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument, form, from, to, limit }, { now }) => {
    const data = filingsOf(assertCompany(instrument.symbol), { from, to }, momentOf(now), form).slice(0, limit)
    return { data, as_of: data[0]?.accepted_at ?? null }
  }
}

export const marketCalendar: CapabilityAdapter<'market_calendar'> = {
  fetch: async ({ from, to }, { now }) => {
    const [first, last] = [Number(from.slice(0, 4)), Number(to.slice(0, 4))]
    const closings = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => closingsOf(first + i)).flat()
    const data = closings.filter(({ day }) => day >= from && day <= to).map(({ day, name, kind }): MarketHoliday => ({
      date: day,
      name,
      status: kind,
      open: kind === 'early_close' ? '09:30' : null,
      close: kind === 'early_close' ? '13:00' : null
    }))
    return { data, as_of: toInstant(now) }
  }
}
