import {
  CandlestickSeries, createChart, HistogramSeries, LineSeries, LineStyle,
  type IChartApi, type Time, type UTCTimestamp
} from 'lightweight-charts'
import type { Chart, Line } from './charts.ts'
import type { Palette } from './price-chart.tsx'
import { formatTick, formatTime, isDay } from './times.ts'

export interface Drawing {
  chart: Chart
  /** Lines by pane; the first are drawn over the prices. */
  panes: Line[][]
  palette: Palette
  /** Gets the place of the time under the pointer; undefined: it is elsewhere. */
  onPoint: (index: number | undefined) => void
}

const LINE_COLOURS = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6'] as const
/** The prices' share of the height, a pane having one. */
const PRICES_SHARE = 3

/** Draws into the element, which keeps its size. @returns what takes the drawing away */
export function drawChart (element: HTMLElement, { chart: data, panes, palette, onPoint }: Drawing): () => void {
  const chart = createChart(element, optionsOf(data, palette))
  const times = data.times.map(toTime)
  if (data.candles) addCandles(chart, data, times, palette)
  let drawn = 0
  for (const [pane, lines] of panes.entries()) {
    for (const line of lines) {
      const colour = palette[LINE_COLOURS[drawn % LINE_COLOURS.length]!]
      addLine(chart, line, times, { pane, colour, isDashed: drawn >= LINE_COLOURS.length })
      drawn += 1
    }
  }
  chart.panes().forEach((pane, i) => pane.setStretchFactor(i ? 1 : PRICES_SHARE))
  chart.timeScale().fitContent()
  const places = new Map(times.map((time, i) => [time, i]))
  chart.subscribeCrosshairMove(({ time }) => onPoint(time === undefined ? undefined : places.get(time)))
  return () => {
    onPoint(undefined)
    chart.remove()
  }
}

const toTime = (time: string): Time => isDay(time) ? time : Date.parse(time) / 1000 as UTCTimestamp

function optionsOf ({ times }: Chart, palette: Palette) {
  const border = { borderColor: palette.line }
  const toText = (time: Time) => typeof time === 'number' ? formatTime(new Date(time * 1000).toISOString()) : String(time)
  return {
    autoSize: true,
    layout: {
      attributionLogo: false,
      background: { color: palette.surface },
      textColor: palette['text-soft'],
      fontFamily: getComputedStyle(document.body).fontFamily,
      panes: { separatorColor: palette.line }
    },
    grid: { vertLines: { color: palette.line }, horzLines: { color: palette.line } },
    crosshair: { vertLine: { color: palette['line-strong'] }, horzLine: { color: palette['line-strong'] } },
    rightPriceScale: border,
    timeScale: {
      ...border,
      timeVisible: !isDay(times[0] ?? ''),
      // The library's own are in UTC.
      tickMarkFormatter: (time: Time, weight: number) => typeof time === 'number' ? formatTick(time, weight) : null
    },
    localization: { timeFormatter: toText },
    // The page scrolls where the chart is passed on a phone.
    handleScroll: { vertTouchDrag: false }
  }
}

function addCandles (chart: IChartApi, { candles = [] }: Chart, times: Time[], { up, down, line }: Palette): void {
  const prices = chart.addSeries(CandlestickSeries, {
    upColor: up, downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down
  })
  prices.setData(candles.map(({ open, high, low, close }, i) => ({ time: times[i]!, open, high, low, close })))
  if (candles.every(({ volume }) => volume === null)) return
  prices.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.26 } })
  const volumes = chart.addSeries(HistogramSeries, {
    color: line, priceFormat: { type: 'volume' }, priceScaleId: 'volume', priceLineVisible: false, lastValueVisible: false
  })
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } })
  volumes.setData(candles.map(({ volume }, i) => ({ time: times[i]!, value: volume ?? 0 })))
}

/** Where the colours are used up they come again, dashed. */
interface Look { pane: number, colour: string, isDashed: boolean }

function addLine (
  chart: IChartApi, { name, values }: Line, times: Time[], { pane, colour, isDashed }: Look
): void {
  const options = { color: colour, priceLineVisible: false }
  const lineStyle = isDashed ? LineStyle.Dashed : LineStyle.Solid
  const series = name.startsWith('macd_hist')
    ? chart.addSeries(HistogramSeries, options, pane)
    : chart.addSeries(LineSeries, { ...options, lineWidth: 2, lineStyle }, pane)
  series.setData(times.map((time, i) => {
    const value = values[i]
    return value === null || value === undefined ? { time } : { time, value }
  }))
}
