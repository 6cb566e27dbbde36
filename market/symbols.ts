import type { AssetClass } from '../schemas/market.ts'
import { problem } from '../errors.ts'

/** A symbol in the one canonical spelling: `AAPL`, `BRK.B`, `BTC/USD`, `EUR/USD`, `I:SPX`, `AAPL261218C00250000`. */
export interface Instrument {
  symbol: string
  asset_class: AssetClass
  /** Crypto and forex: the two sides of the pair. */
  base?: string
  quote?: string
  /** Options: what their OCC symbol says. */
  option?: OptionTerms
}

export interface OptionTerms {
  /** The root of the symbol; for adjusted contracts it is not the underlying's symbol. */
  root: string
  /** `YYYY-MM-DD` */
  expiration: string
  type: 'call' | 'put'
  strike: number
}

/**
 * ISO 4217 codes of money that trades against other money: a pair of two of them is forex, any other pair is crypto.
 */
const FIAT = new Set(('AED ARS AUD BGN BHD BRL CAD CHF CLP CNH CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK ' +
  'JPY KRW KWD MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD UYU VND ZAR ' +
  'XAG XAU XPD XPT').split(' '))

const PAIR = /^([A-Z0-9]{2,10})\/([A-Z]{3,5})$/
const INDEX = /^I:([A-Z0-9.]{1,12})$/
/** The root, the expiration as YYMMDD, C or P, the strike in thousandths. */
const OCC = /^([A-Z]{1,5}\d?)(\d{2})(\d{2})(\d{2})([CP])(\d{8})$/
const STOCK = /^[A-Z0-9]{1,10}(\.[A-Z]{1,3})?$/

/**
 * Reads one symbol in canonical spelling, in any case.
 * @throws INVALID_INPUT with the likely spelling where another provider's spelling was used
 */
export function parseSymbol (text: string): Instrument {
  const symbol = text.trim().toUpperCase()
  const pair = PAIR.exec(symbol)
  if (pair) {
    const [, base = '', quote = ''] = pair
    if (base === quote) throw problem('INVALID_INPUT', `${symbol} has the same currency on both sides. Send for example EUR/USD or BTC/USD.`)
    return { symbol, asset_class: FIAT.has(base) && FIAT.has(quote) ? 'forex' : 'crypto', base, quote }
  }
  const option = toOption(symbol)
  if (option) return { symbol, asset_class: 'option', option }
  if (INDEX.test(symbol)) return { symbol, asset_class: 'index' }
  if (STOCK.test(symbol)) return { symbol, asset_class: 'stock' }
  const suggestions = likelySpellings(symbol)
  throw problem('INVALID_INPUT', `"${text.slice(0, 40)}" is not a symbol in the canonical spelling` +
    (suggestions.length ? `; did you mean ${suggestions.join(' or ')}?` : '.') +
    ' Use AAPL, BRK.B, BTC/USD, EUR/USD, I:SPX or AAPL261218C00250000; search_symbols finds a symbol by name.', { suggestions })
}

/** The terms in an OCC symbol; undefined where it is none, or names a day that does not exist. */
export function toOption (symbol: string): OptionTerms | undefined {
  const [, root = '', year, month, day, type, strike] = OCC.exec(symbol) ?? []
  if (!type) return undefined
  const expiration = `20${year}-${month}-${day}`
  const date = new Date(`${expiration}T00:00:00Z`)
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== expiration) return undefined
  return { root, expiration, type: type === 'C' ? 'call' : 'put', strike: Number(strike) / 1000 }
}

/** Spellings of other providers, turned into ours: a suggestion for an error, never a silent guess. */
function likelySpellings (symbol: string): string[] {
  const classShare = /^([A-Z]{1,6})[-/ ]([A-Z])$/.exec(symbol)
  if (classShare) return [`${classShare[1]}.${classShare[2]}`]
  const caret = /^\^([A-Z0-9]+)$/.exec(symbol)
  if (caret) return [`I:${INDEX_ALIASES[caret[1]!] ?? caret[1]}`]
  const option = symbol.replace(/^O:|\s+/g, '')
  if (option !== symbol && toOption(option)) return [option]
  const pair = /^(?:[XC]:)?([A-Z]{3,6}?)[-_]?(USDT?|EUR|GBP|JPY|BTC)$/.exec(symbol)
  if (pair) return [`${pair[1]}/${pair[2]}`]
  return []
}

const INDEX_ALIASES: Record<string, string> = { GSPC: 'SPX', IXIC: 'COMP', DJI: 'DJI' }
