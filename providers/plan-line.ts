/** Where plans draw lines inside one path: a refusal beyond a line says nothing of what is on this side of it. */
import type { Instrument } from '../market/symbols.ts'
import { DAY_MS } from '../market/time.ts'
import { CLASS_SHARE } from './parse.ts'

/** Years of history at which plans commonly end. */
const HISTORY_YEARS = [1, 2, 5, 10, 20]

/**
 * The line that a request about an instrument lies behind, such as `crypto`, `non-US` or `stock over 2 years`.
 * @param start how far back it goes; left out, it is about now
 */
export function planLine ({ symbol, asset_class: kind }: Instrument, start?: Date, now = new Date()): string {
  const foreign = kind === 'stock' && symbol.includes('.') && !CLASS_SHARE.test(symbol)
  const days = start && (now.getTime() - start.getTime()) / DAY_MS - 3
  const years = days && HISTORY_YEARS.findLast(count => days > count * 365.25)
  return `${foreign ? 'non-US' : kind}${years ? ` over ${years} year${years > 1 ? 's' : ''}` : ''}`
}
