import { useEffect, useMemo, useRef, useState } from 'react'
import { usePalette } from '../../../hooks/use-palette.ts'
import { toPanes, type Chart, type Line } from './charts.ts'
import { drawChart } from './draw.ts'
import { formatTime } from './times.ts'

const COLOURS = [
  'surface', 'text-soft', 'line', 'line-strong', 'up', 'down', 'series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6'
] as const
export type Palette = Record<typeof COLOURS[number], string>

const LINE_COLOURS = 6
const PRICES_REM = 22
const PANE_REM = 7

export interface PriceChartProps {
  /** What it is of, in words. */
  symbol: string
  chart: Chart
  /** Those of the chart, and those that were chosen. */
  lines: Line[]
}

/** Candles with volume, or lines, over time; under the pointer the numbers. */
export default function PriceChart ({ symbol, chart, lines }: PriceChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const palette = usePalette(COLOURS)
  const [pointed, setPointed] = useState<number>()
  // The same lines at every look, as long as they are the same.
  const key = lines.map(({ name, values }) => `${name} ${values.length} ${values.at(-1)}`).join()
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for the lines
  const panes = useMemo(() => toPanes(lines, chart.candles !== undefined), [key, chart])
  useEffect(() => drawChart(place.current!, { chart, panes, palette, onPoint: setPointed }), [chart, panes, palette])

  const shown = pointed ?? chart.times.length - 1
  const height = `${PRICES_REM + PANE_REM * (panes.length - 1)}rem`
  return (
    <figure className='price-chart'>
      <Legend chart={chart} lines={panes.flat()} index={shown} />
      <div ref={place} role='img' aria-label={toLabel(symbol, chart)} className='chart-place' style={{ height }} />
      <figcaption className='hint'>
        {/* What the licence of the library asks for; its own mark would need a style that the policy forbids. */}
        TradingView Lightweight Charts™ Copyright (c) 2026 TradingView, Inc.{' '}
        <a href='https://www.tradingview.com/' target='_blank' rel='noreferrer'>https://www.tradingview.com/</a>
      </figcaption>
    </figure>
  )
}

function Legend ({ chart: { times, candles }, lines, index }: { chart: Chart, lines: Line[], index: number }) {
  const candle = candles?.[index]
  return (
    <ul className='legend numbers'>
      <li><strong>{formatTime(times[index] ?? '')}</strong></li>
      {candle && Object.entries(candle).map(([name, value]) => value !== null && (
        <li key={name}>{name} <b>{format(value)}</b></li>
      ))}
      {lines.map(({ name, values }, i) => (
        <li key={name}><span className={`swatch s${i % LINE_COLOURS + 1} ${i < LINE_COLOURS ? '' : 'dashed'}`} aria-hidden /> {name} <b>{format(values[index])}</b></li>
      ))}
    </ul>
  )
}

const format = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : value.toLocaleString(undefined, { maximumFractionDigits: value > 1000 ? 0 : 4 })

function toLabel (symbol: string, { times, candles, lines }: Chart): string {
  const last = candles?.at(-1)?.close ?? lines[0]?.values.findLast(value => value !== null)
  return `Chart of ${symbol}: ${times.length} ${candles ? 'bars' : 'points'} from ${formatTime(times[0]!)} to ` +
    `${formatTime(times.at(-1)!)}, the last at ${format(last)}. The numbers stand under “Table”.`
}
