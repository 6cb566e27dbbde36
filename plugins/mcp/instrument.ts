import { codeOf, type Problem } from '../../errors.ts'
import { tradingHoursOf } from '../../market/exchanges.ts'
import type { Instrument } from '../../market/symbols.ts'
import { PROVIDERS } from '../../providers/index.ts'
import type { Provider } from '../../providers/types.ts'
import type { Caller } from '../tools/index.ts'
import type { Found, Search } from './search.ts'

const MATCHES = 50

interface Description { body: object, whole: boolean }

/**
 * What is known of an instrument without a price. The listing comes from a provider: where none answers, the rest is
 * still there, and says so.
 * @throws the reason of the caller's abort
 */
export async function describeInstrument (
  instrument: Instrument, search: Search, caller: Caller
): Promise<Description> {
  const { symbol, asset_class: kind, base, quote, option } = instrument
  const { listing, whole, note } = await findListing(instrument, search, caller)
  const hours = tradingHoursOf(instrument)
  const notes = [note, hours === null && `The trading hours of ${symbol} are not known here.`].filter(Boolean)
  return {
    whole,
    body: {
      symbol,
      asset_class: kind,
      ...(base && { base, quote }),
      ...(option && { option }),
      provider_symbols: spellingsOf(instrument),
      trading_hours: hours,
      ...listing,
      ...(notes.length && { note: notes.join(' ') })
    }
  }
}

/** How each provider spells it that has anything of its kind. */
function spellingsOf (instrument: Instrument): Record<string, string> {
  return Object.fromEntries(Object.values(PROVIDERS).filter(provider => serves(provider, instrument))
    .flatMap(({ name, toUpstreamSymbol }) => toUpstreamSymbol ? [[name, toUpstreamSymbol(instrument)]] : []))
}

function serves ({ capabilities }: Provider, { asset_class: kind }: Instrument): boolean {
  return Object.values(capabilities).some(({ asset_classes: kinds }) => kinds?.includes(kind))
}

async function findListing (instrument: Instrument, search: Search, caller: Caller) {
  const { symbol, asset_class: kind, base, option } = instrument
  // Contracts are not listed one by one; a digit at the end of their root marks an adjusted one.
  const wanted = option ? option.root.replace(/\d$/, '') : symbol
  // Searches know one side of a pair: how they write the whole differs.
  const query = base ?? wanted.replace(/^I:/, '')
  const name = option ? 'underlying' : 'listing'
  try {
    const found = await search({ query, asset_class: option ? 'stock' : kind, limit: MATCHES }, caller)
    const listing = toListing(found, wanted)
    const note = listing ? undefined : `No provider's search lists ${wanted}.`
    return { whole: true, listing: { [name]: listing, ...(listing && { untrusted_fields: [`${name}.name`] }) }, note }
  } catch (error) {
    if (caller.signal.aborted) throw error
    const reason = codeOf(error) === 'INTERNAL' ? 'Internal error.' : (error as Problem).message
    return { whole: false, listing: { [name]: null }, note: `The ${name} could not be looked up: ${reason}` }
  }
}

function toListing ({ matches, meta }: Found, wanted: string) {
  const match = matches.find(({ symbol }) => symbol === wanted)
  if (!match) return null
  const { symbol, name = null, exchange = null, type = null, currency = null, active = null } = match
  const { provider, synthetic } = meta
  return { symbol, name, exchange, type, currency, active, provider, ...(synthetic && { synthetic }) }
}
