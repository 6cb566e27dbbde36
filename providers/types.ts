import type { Instrument } from '../market/symbols.ts'
import type {
  Adjustment,
  AssetClass,
  BarSeries,
  CompanyProfile,
  MarketStatus,
  NewsArticle,
  ProviderName,
  Quote,
  SymbolMatch,
  Timeframe
} from '../schemas/market.ts'
import type { Problem } from '../errors.ts'
import type {
  ActionKind, CorporateAction, EconomicEvent, EconomicIndicator, EconomicSeries, Filing, MarketHoliday
} from '../schemas/events.ts'
import type { Earnings, FinancialStatement, KeyMetrics, Period, StatementKind } from '../schemas/fundamentals.ts'
import type {
  AnalystRatings, EtfHolding, IndexConstituent, IndexSymbol, InsiderTrade, InstitutionalHolder
} from '../schemas/ownership.ts'
import type { Mover, MoverList, OptionContract } from '../schemas/trading.ts'

/** What a provider may be asked, and what it answers. A capability that a provider lacks is absent from its folder. */
export interface Capabilities {
  quote: { input: { instruments: Instrument[] }, output: PerSymbol<Quote> }
  bars: { input: BarsInput, output: PerSymbol<BarSeries> }
  search: { input: { query: string, limit: number, asset_class?: AssetClass }, output: SymbolMatch[] }
  profile: { input: { instrument: Instrument }, output: CompanyProfile }
  /** No instruments: news of the whole market. Newest first. */
  news: { input: { instruments: Instrument[], start?: Date, end?: Date, limit: number }, output: NewsArticle[] }
  market_status: { input: Record<string, never>, output: MarketStatus }
  /** Newest first; rows of the kind that was asked for. */
  financials: {
    input: { instrument: Instrument, statement: StatementKind, period: Period, limit: number }
    output: FinancialStatement[]
  }
  key_metrics: { input: { instrument: Instrument }, output: KeyMetrics }
  /** Newest first, the next report included where it is known. */
  earnings: { input: { instrument: Instrument, limit: number }, output: Earnings[] }
  /** Earliest first. */
  earnings_calendar: { input: DayWindow & { limit: number }, output: Earnings[] }
  /** Newest first, by ex-date. */
  corporate_actions: {
    input: DayWindow & { instrument: Instrument, types: readonly ActionKind[], limit: number }
    output: CorporateAction[]
  }
  /** `limit` counts the changes. */
  analyst_ratings: { input: { instrument: Instrument, limit: number }, output: AnalystRatings }
  /** Newest first, by transaction date. */
  insider_trades: { input: DayWindow & { instrument: Instrument, limit: number }, output: InsiderTrade[] }
  /** Largest first. */
  institutional_holders: { input: { instrument: Instrument, limit: number }, output: InstitutionalHolder[] }
  market_movers: { input: { list: MoverList, asset_class: 'stock' | 'crypto', limit: number }, output: Mover[] }
  /** By expiration, then strike. */
  options_chain: { input: OptionsChainInput, output: OptionContract[] }
  /** Earliest first. */
  economic_calendar: { input: DayWindow & { country?: string, limit: number }, output: EconomicEvent[] }
  /** Newest first. */
  economic_indicator: {
    input: DayWindow & { indicator: EconomicIndicator, limit: number }
    output: EconomicSeries
  }
  /** Newest first. */
  filings: { input: DayWindow & { instrument: Instrument, form?: string, limit: number }, output: Filing[] }
  /** Largest first. */
  etf_holdings: { input: { instrument: Instrument, limit: number }, output: EtfHolding[] }
  index_constituents: { input: { index: IndexSymbol, limit: number }, output: IndexConstituent[] }
  /** Earliest first: days on which the US stock market is closed or closes early. */
  market_calendar: { input: DayWindow, output: MarketHoliday[] }
}
export type Capability = keyof Capabilities

/** Calendar days, `YYYY-MM-DD`, both included. */
export interface DayWindow {
  from: string
  to: string
}

export interface OptionsChainInput {
  underlying: Instrument
  type?: 'call' | 'put'
  /** Days, both included. */
  expiration_from?: string
  expiration_to?: string
  /** Both included. */
  strike_min?: number
  strike_max?: number
  limit: number
}

export interface BarsInput {
  instruments: Instrument[]
  timeframe: Timeframe
  /**
   * First instant, inclusive. For 1day and longer: midnight in New York of the first day (UTC for crypto and forex).
   */
  start: Date
  /** Last instant, exclusive: only bars that start before it. Never later than now. */
  end: Date
  adjustment: Adjustment
  /** Most bars of one symbol; the latest ones of the window where there are more. */
  limit: number
}

/**
 * Answers symbol by symbol: each symbol asked for is in `items` or in `failures`. A failure of the whole request is
 * thrown instead, as a problem of the table.
 */
export interface PerSymbol<T> {
  items: Record<string, T>
  failures: Record<string, Problem>
}

export interface Answer<T> {
  data: T
  /** When the newest number in it was made, ISO 8601 UTC; null where the provider does not say. */
  as_of: string | null
  feed?: string | null
  /** 0 is real time; null where the provider does not say. */
  delayed_by_seconds?: number | null
  /** Of the money in it, where all of it is in one. */
  currency?: string | null
}

/** What a connection's owner may set about a provider. */
export interface ProviderSettings {
  alpaca_feed: 'iex' | 'sip' | 'delayed_sip'
  alpaca_environment: 'paper' | 'live'
  /** Base URLs in place of the provider's own, which nobody vouches for; absent or empty: none. */
  endpoints?: ProviderUrls
}

/** One GET to a provider. */
export interface ProviderRequest {
  /** Which of the provider's hosts; `main` where it has one. */
  host?: string
  /** Below the base URL, starting with a slash; its segments are already encoded (`encodeURIComponent`). */
  path: string
  /** Undefined values are left out. A list must be joined by the caller, as the provider wants it. */
  query?: Record<string, string | number | boolean | undefined>
  /**
   * Where a plan draws the line inside this path, such as `non-US` or `over 5 rows`. A refusal (402, 403) is remembered
   * for the path and this; requests of the same kind are then refused from memory.
   */
  plan_line?: string | undefined
}

/** One call's world, as an adapter sees it. It holds no key: `request` adds the key to the headers. */
export interface ProviderCall {
  /** Sends one GET and answers its JSON; every failure is thrown as a problem of the table. */
  request: (request: ProviderRequest) => Promise<unknown>
  settings: ProviderSettings
  now: Date
}

export interface CapabilityAdapter<C extends Capability> {
  /** Which kinds of instrument it can be asked for; absent where the question names no instrument. */
  asset_classes?: readonly AssetClass[]
  fetch: (input: Capabilities[C]['input'], call: ProviderCall) => Promise<Answer<Capabilities[C]['output']>>
}

/** A key as its owner typed it. Alpaca has two parts, the others one. */
export type Credential = { api_key: string } | { key_id: string, secret_key: string }

/** One provider: `providers/<name>/index.ts` exports it. */
export interface Provider {
  name: ProviderName
  title: string
  /** What `credential` must hold; none for the sample market. */
  credential_fields: readonly ('api_key' | 'key_id' | 'secret_key')[]
  /** Where its owner gets a key; null: it needs none. */
  key_url: string | null
  /** Its own spelling of an instrument that it serves; absent where it is ours. */
  toUpstreamSymbol?: (instrument: Instrument) => string
  /** Capabilities that answer without a key, for these kinds of instrument. */
  keyless?: Partial<Record<Capability, readonly AssetClass[]>>
  /** The headers that carry the key: keys never stand in a URL. */
  authHeaders: (credential: Credential) => Record<string, string>
  /** Where to send: the named hosts of the provider, from the configuration or the official ones. */
  baseUrls: (urls: ProviderUrls, settings: ProviderSettings) => Record<string, string>
  /** Turns a refusal into a problem of the table, or undefined to take the default for the status. */
  classify?: (response: { status: number, body: unknown, text: string }) => ProviderFailure | undefined
  /** The cheapest call that proves the key. */
  test: (call: ProviderCall) => Promise<void>
  capabilities: { [C in Capability]?: CapabilityAdapter<C> }
}

export interface ProviderFailure {
  code: 'PROVIDER_REJECTED_KEY' | 'PROVIDER_NOT_ENTITLED' | 'PROVIDER_QUOTA' | 'PROVIDER_UNAVAILABLE' | 'SYMBOL_NOT_FOUND' | 'INVALID_INPUT'
  /** What the provider said, in one line without keys. */
  message: string
  /** Of a refusal for the plan: it is about the `symbol` of the query, and says nothing of others. */
  about?: 'symbol'
}

/** Base URLs from the environment; undefined means the official host. */
export interface ProviderUrls {
  alpaca_data?: string | undefined
  alpaca_trading?: string | undefined
  polygon?: string | undefined
  fmp?: string | undefined
  finnhub?: string | undefined
}
