import type { AssetClass, Bar, Timeframe } from '../schemas/market.ts'
import { dayIn, mondayOf, monthOf, NEW_YORK, toInstant } from './time.ts'

/** The zone whose midnight ends a day: UTC for what trades round the clock, New York for all else. */
export function zoneOf (assetClass: AssetClass): string {
  return assetClass === 'crypto' || assetClass === 'forex' ? 'UTC' : NEW_YORK
}

export function isIntraday (timeframe: Timeframe): boolean {
  return timeframe.endsWith('min') || timeframe.endsWith('hour')
}

/** A bar's `time` from the instant its provider stamps it with: see `BarSchema`. */
export function toBarTime (at: Date, timeframe: Timeframe, zone: string): string {
  return isIntraday(timeframe) ? toInstant(at) : dayToBarTime(dayIn(zone, at), timeframe)
}

/** A bar's `time` from a trading day inside it: see `BarSchema`. */
export function dayToBarTime (day: string, timeframe: Timeframe): string {
  return timeframe === '1week' ? mondayOf(day) : timeframe === '1month' ? monthOf(day) : day
}

/** Weeks or months out of daily bars, oldest first; VWAP is weighted by volume where every day has both. */
export function aggregateDays (days: readonly Bar[], timeframe: '1week' | '1month'): Bar[] {
  const groups = new Map<string, Bar[]>()
  for (const bar of days) {
    const time = dayToBarTime(bar.time, timeframe)
    const group = groups.get(time)
    if (group) group.push(bar)
    else groups.set(time, [bar])
  }
  return [...groups].map(([time, bars]) => joinBars(time, bars))
}

function joinBars (time: string, bars: readonly Bar[]): Bar {
  const sum = (of: (bar: Bar) => number | null) => bars.reduce<number | null>((total, bar) => {
    const value = of(bar)
    return total === null || value === null ? null : total + value
  }, 0)
  const volume = sum(bar => bar.volume)
  const turnover = sum(bar => bar.vwap === null || bar.volume === null ? null : bar.vwap * bar.volume)
  return {
    time,
    open: bars[0]!.open,
    high: Math.max(...bars.map(bar => bar.high)),
    low: Math.min(...bars.map(bar => bar.low)),
    close: bars.at(-1)!.close,
    volume,
    vwap: turnover !== null && volume ? turnover / volume : null,
    trades: sum(bar => bar.trades)
  }
}
