import type { Tool } from '../../api/types.ts'

/** What the tools are for, in the order of the list. One that is in no group stands under the last title. */
const GROUPS: Record<string, readonly string[]> = {
  Prices: ['get_quote', 'get_bars', 'get_indicators', 'compare_symbols', 'verify_quote', 'get_market_movers', 'get_options_chain'],
  Companies: ['search_symbols', 'get_company_profile', 'get_financials', 'get_key_metrics', 'get_earnings', 'get_corporate_actions', 'get_filings'],
  'News and opinion': ['get_news', 'get_analyst_ratings'],
  Ownership: ['get_insider_trades', 'get_institutional_holders', 'get_etf_holdings', 'get_index_constituents'],
  'Economy and calendars': ['get_market_status', 'get_market_calendar', 'get_earnings_calendar', 'get_economic_calendar', 'get_economic_indicator'],
  Other: []
}

export interface Group {
  title: string
  tools: Tool[]
}

/** The tools that all words of the search occur in, by group; groups without any are left out. */
export function toGroups (tools: readonly Tool[], search: string): Group[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const found = tools.filter(({ name, title, description }) => {
    const text = `${name} ${title} ${description}`.toLowerCase()
    return words.every(word => text.includes(word))
  })
  const grouped = new Set(Object.values(GROUPS).flat())
  return Object.entries(GROUPS).map(([title, names]) => ({
    title,
    tools: title === 'Other'
      ? found.filter(({ name }) => !grouped.has(name))
      : names.flatMap(name => found.find(tool => tool.name === name) ?? [])
  })).filter(({ tools }) => tools.length > 0)
}
