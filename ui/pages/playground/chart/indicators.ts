import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Meta } from '../../../../schemas/receipt.ts'
import type { Trial } from '../../../api/types.ts'
import { callTool, type Arguments } from '../call.ts'
import { toCharts, type Chart, type Line } from './charts.ts'

/** As get_indicators spells them, with the columns that are drawn. */
export const INDICATORS = [
  { id: 'sma(20)', title: 'SMA 20', columns: ['sma_20'] },
  { id: 'sma(50)', title: 'SMA 50', columns: ['sma_50'] },
  { id: 'ema(20)', title: 'EMA 20', columns: ['ema_20'] },
  { id: 'bbands(20)', title: 'Bollinger bands', columns: ['bb_upper_20', 'bb_middle_20', 'bb_lower_20'] },
  { id: 'vwap(20)', title: 'VWAP 20', columns: ['vwap_20'] },
  { id: 'rsi(14)', title: 'RSI 14', columns: ['rsi_14'] },
  { id: 'macd(12,26,9)', title: 'MACD', columns: ['macd_12_26_9', 'macd_signal_12_26_9', 'macd_hist_12_26_9'] },
  { id: 'atr(14)', title: 'ATR 14', columns: ['atr_14'] }
] as const
export type IndicatorId = typeof INDICATORS[number]['id']

const TOOL = 'get_indicators'
const MOST_ROWS = 2000
/** An answer holds what fits into a model's budget: a longer series comes in parts. */
const MOST_PARTS = 8

/** The indicators of a chart's bars, computed by the server. Each part is a call as any other. */
export function useIndicators (connectionId: string, bars: Arguments, chart: Chart, chosen: readonly IndicatorId[]) {
  const args = toArguments(bars, chart, chosen)
  return useQuery({
    queryKey: ['indicators', connectionId, args],
    queryFn: () => fetchLines(connectionId, args, chart.times),
    enabled: chosen.length > 0,
    staleTime: Infinity,
    retry: false,
    placeholderData: keepPreviousData
  })
}

/** The same question as that of the bars. */
function toArguments (bars: Arguments, { symbol, times }: Chart, chosen: readonly IndicatorId[]): Arguments {
  const { timeframe, adjustment, start, end, lookback, provider, cursor, symbols } = bars
  // A page of bars that is not the newest ends where it ends.
  const window = cursor === undefined ? { start, end, lookback } : { end: times.at(-1) }
  const columns = INDICATORS.filter(({ id }) => chosen.includes(id)).flatMap(({ columns }) => columns)
  const args = {
    symbol: symbol || [symbols].flat()[0],
    indicators: [...chosen],
    timeframe,
    adjustment,
    provider,
    ...window,
    limit: Math.min(times.length, MOST_ROWS),
    fields: ['time', ...columns]
  }
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined))
}

async function fetchLines (connectionId: string, args: Arguments, times: readonly string[]): Promise<Line[]> {
  const parts: Trial[] = []
  let cursor: string | undefined
  do {
    const part = await callTool(connectionId, TOOL, { ...args, ...cursor && { cursor } })
    parts.push(part)
    cursor = (part.answer as { meta: Meta }).meta.next_cursor
  } while (cursor && parts.length < MOST_PARTS && countOf(parts) < times.length)
  const columns = parts[0]?.table?.columns ?? []
  const [chart] = toCharts({ columns, rows: parts.flatMap(({ table }) => table?.rows ?? []) })
  const places = new Map(chart?.times.map((time, i) => [time, i]))
  const lines = chart?.lines ?? []
  return lines.map(({ name, values }) => ({ name, values: times.map(time => values[places.get(time) ?? -1] ?? null) }))
}

const countOf = (parts: readonly Trial[]) => parts.reduce((sum, { table }) => sum + (table?.rows.length ?? 0), 0)
