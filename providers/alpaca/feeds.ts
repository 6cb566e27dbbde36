/** Which feeds a connection asks for, in order, and how their numbers are labelled. */
import type { BarsInput, ProviderCall, ProviderSettings } from '../types.ts'
import type { AssetClass } from '../../schemas/market.ts'

const DELAY_SECONDS = 900
/** A minute more than the delay, so that no difference of clocks reaches into it. */
const EMBARGO_MS = 16 * 60_000

/** Its label, and the plan's line where not every plan has it. */
export interface Feed {
  feed: string | null
  delayed_by_seconds: number | null
  plan_line?: string
}

const IEX: Feed = { feed: 'iex', delayed_by_seconds: 0 }
const STOCK_FEEDS: Record<ProviderSettings['alpaca_feed'], Feed[]> = {
  iex: [IEX],
  sip: [{ feed: 'sip', delayed_by_seconds: 0, plan_line: 'recent sip' }, IEX],
  delayed_sip: [{ feed: 'delayed_sip', delayed_by_seconds: DELAY_SECONDS, plan_line: 'delayed sip' }, IEX]
}

/** For snapshots of stocks: the one that is set, then the one that every plan has. */
export function stockFeeds ({ alpaca_feed: setting }: ProviderSettings): Feed[] {
  return STOCK_FEEDS[setting]
}

/**
 * For snapshots of options. The indicative feed is free: its trades are 15 minutes old and its quotes are near those of
 * the market. Who set the consolidated feed of stocks has the plan that includes OPRA.
 */
export function optionFeeds ({ alpaca_feed: setting }: ProviderSettings): Feed[] {
  const opra = { feed: 'opra', delayed_by_seconds: 0, plan_line: 'opra' }
  const indicative = { feed: 'indicative', delayed_by_seconds: DELAY_SECONDS }
  return setting === 'sip' ? [opra, indicative] : [indicative, opra]
}

/** Where bars come from, and the part of the window that is asked for there. */
export interface BarSource extends Feed {
  window: BarsInput
  delayed_by_seconds: number
}

/**
 * For bars. Consolidated ones are free up to 15 minutes ago: where the plan refuses the newest, those before them are
 * asked for, or IEX where there are none before them.
 */
export function barSources (assetClass: AssetClass, input: BarsInput, { settings, now }: ProviderCall): BarSource[] {
  const feed = assetClass === 'crypto' ? 'us' : assetClass === 'option' ? 'opra' : settings.alpaca_feed
  if (feed === 'us' || feed === 'iex') return [{ feed, window: input, delayed_by_seconds: 0 }]
  const name = feed === 'opra' ? 'opra' : 'sip'
  const end = new Date(Math.min(input.end.getTime(), now.getTime() - EMBARGO_MS))
  const older: BarSource = {
    feed: name, window: { ...input, end }, delayed_by_seconds: DELAY_SECONDS, plan_line: name
  }
  if (feed === 'delayed_sip') return [older]
  if (end >= input.end) return [{ ...older, delayed_by_seconds: 0 }]
  const newest: BarSource = { feed: name, window: input, delayed_by_seconds: 0, plan_line: `recent ${name}` }
  if (input.start < end) return [newest, older]
  return feed === 'sip' ? [newest, { ...IEX, window: input, delayed_by_seconds: 0 }] : [newest]
}
