import { isTradingDay } from '../../market/calendar.ts'
import { marketClock } from '../../market/clock.ts'
import { addDays, DAY_MS, dayIn, NEW_YORK, toInstant } from '../../market/time.ts'
import type { CompanyProfile, NewsArticle } from '../../schemas/market.ts'
import { eachSymbol, newestOf } from '../parse.ts'
import type { CapabilityAdapter } from '../types.ts'
import { assertListing, COMPANIES, LISTINGS, listingOf, round, sharesOf, type SampleListing } from './listings.ts'
import { optionQuoteOf } from './options.ts'
import { quoteOf } from './quotes.ts'

export const quote: CapabilityAdapter<'quote'> = {
  asset_classes: ['stock', 'crypto', 'forex', 'index', 'option'],
  fetch: async ({ instruments }, { now }) => {
    const data = await eachSymbol(instruments, async ({ symbol, option }) =>
      option ? optionQuoteOf(symbol, option, now) : quoteOf(assertListing(symbol), now))
    return { data, as_of: newestOf(Object.values(data.items).map(item => item.as_of)), delayed_by_seconds: 0 }
  }
}

export const search: CapabilityAdapter<'search'> = {
  fetch: async ({ query, limit, asset_class: kind }) => {
    const text = query.toLowerCase()
    const found = LISTINGS.filter(listing => (!kind || listing.asset_class === kind) &&
      (listing.symbol.toLowerCase().startsWith(text) || listing.name.toLowerCase().includes(text)))
    return { data: found.slice(0, limit).map(toMatch), as_of: null }
  }
}

const toMatch = ({ symbol, name, asset_class: kind, exchange, type, currency }: SampleListing) =>
  ({ symbol, name, asset_class: kind, exchange, type, currency, active: true })

export const profile: CapabilityAdapter<'profile'> = {
  asset_classes: ['stock'],
  fetch: async ({ instrument }, { now }) => {
    const listing = assertListing(instrument.symbol)
    const { price, as_of: asOf } = quoteOf(listing, now)
    return { data: profileOf(listing, price), as_of: asOf, currency: listing.currency }
  }
}

function profileOf (listing: SampleListing, price: number): CompanyProfile {
  const { symbol, name, exchange, currency } = listing
  const isCompany = COMPANIES.includes(listing)
  return {
    symbol,
    name,
    description: `A made-up ${isCompany ? 'company' : 'fund'} of the sample market. Nothing here is real but the name ${symbol}.`,
    exchange,
    sector: 'Sample',
    industry: 'Sample',
    country: 'US',
    currency,
    market_cap: round(price * sharesOf(listing), listing),
    shares_outstanding: sharesOf(listing),
    employees: isCompany ? 1000 : null,
    ceo: null,
    website: null,
    ipo_date: '2000-01-03',
    cik: null,
    peers: COMPANIES.filter(other => other.symbol !== symbol).slice(0, 4).map(other => other.symbol)
  }
}

/** Each listing makes one headline a day that it trades; without a window, the last 30 days'. */
export const news: CapabilityAdapter<'news'> = {
  fetch: async ({ instruments, start, end, limit }, { now }) => {
    const known = instruments.flatMap(({ symbol }) => listingOf(symbol) ?? [])
    if (instruments[0] && !known.length) assertListing(instruments[0].symbol)
    const listings = instruments.length ? known : LISTINGS.slice(0, 5)
    const until = Math.min(end?.getTime() ?? Infinity, now.getTime() + 1)
    const from = start?.getTime() ?? until - 30 * DAY_MS
    const data: NewsArticle[] = []
    for (let day = dayIn('UTC', new Date(until)); Date.parse(`${day}T12:00:00Z`) >= from; day = addDays(day, -1)) {
      if (data.length >= limit) break
      const articles = listings.filter(listing => makesNews(listing, day)).map(listing => articleOf(listing, day))
      data.push(...articles.filter(article => Date.parse(article.published_at) < until))
    }
    return { data: data.slice(0, limit), as_of: data[0]?.published_at ?? null }
  }
}

const makesNews = ({ asset_class: kind }: SampleListing, day: string) => kind === 'crypto' || isTradingDay(day)

const articleOf = ({ symbol, name }: SampleListing, day: string) => ({
  id: `sample-${symbol}-${day}`,
  title: `${name}: a made-up headline of ${day}`,
  summary: 'The sample market makes up its news as well as its prices.',
  url: null,
  source: 'Sample market',
  author: null,
  published_at: `${day}T12:00:00Z`,
  symbols: [symbol],
  sentiment: null
})

export const marketStatus: CapabilityAdapter<'market_status'> = {
  fetch: async (_, { now }) => {
    const { session, next_open: nextOpen, next_close: nextClose, holiday } = marketClock(now)
    return {
      data: {
        market: 'US stocks',
        is_open: session === 'regular',
        session,
        next_open: nextOpen,
        next_close: nextClose,
        holiday,
        time_zone: NEW_YORK
      },
      as_of: toInstant(now),
      delayed_by_seconds: 0
    }
  }
}
