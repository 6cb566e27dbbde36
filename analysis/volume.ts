import { addDays, dayIn, instantAt } from '../market/time.ts'
import type { Bar } from '../schemas/market.ts'
import { rolling, zip, type Series } from './statistics.ts'

/** On-balance volume from 0 at the first bar; null from the first move whose volume is unknown. */
export function obv (bars: readonly Bar[]): Series {
  let total: number | null = 0
  return bars.map(({ close, volume }, i) => {
    const direction = i ? Math.sign(close - bars[i - 1]!.close) : 0
    if (direction && total !== null) total = volume === null ? null : total + direction * volume
    return total
  })
}

/**
 * What a bar's volume was paid for, at (high + low + close) / 3. A provider's own VWAP of a bar is left aside: not all
 * have one, and they compute it differently.
 */
const turnovers = (bars: readonly Bar[]): Series =>
  bars.map(({ high, low, close, volume }) => volume === null ? null : (high + low + close) / 3 * volume)

const divide = (turnover: number, volume: number) => volume === 0 ? null : turnover / volume

function sum (window: Float64Array): number {
  let total = 0
  for (const value of window) total += value
  return total
}

/** VWAP of the last `n` bars; null where one of their volumes is unknown, or all are 0. */
export function rollingVwap (bars: readonly Bar[], n: number): Series {
  return zip(rolling(turnovers(bars), n, sum), rolling(bars.map(bar => bar.volume), n, sum), divide)
}

/** VWAP since the day began in `zone`; null from an unknown volume to the day's end, and before the first trade. */
export function sessionVwap (bars: readonly Bar[], zone: string): Series {
  const days = daysOf(bars, zone)
  const sinceOpen = (values: Series) => {
    let total: number | null = 0
    return values.map((value, i) => {
      if (days[i] !== days[i - 1]) total = 0
      return (total = total === null || value === null ? null : total + value)
    })
  }
  return zip(sinceOpen(turnovers(bars)), sinceOpen(bars.map(bar => bar.volume)), divide)
}

/** Each bar's day. The zone's clock is read once a day, not once a bar: it is slow. */
function daysOf (bars: readonly Bar[], zone: string): string[] {
  let [day, end] = ['', -Infinity]
  return bars.map(({ time }) => {
    const at = Date.parse(time)
    if (at >= end) {
      day = dayIn(zone, new Date(at))
      end = instantAt(addDays(day, 1), zone).getTime()
    }
    return day
  })
}
