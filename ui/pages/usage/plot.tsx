import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { usePalette } from '../../hooks/use-palette.ts'

const COLOURS = ['text-soft', 'line', 'series-1', 'series-2', 'series-3', 'down'] as const
type Palette = Record<typeof COLOURS[number], string>
const LINE_COLOURS = ['series-1', 'series-2', 'down'] as const

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
/** Of the left axis: what the longest label takes. */
const AXIS_WIDTH = 56

export interface PlotProps {
  /** What is seen, for those who do not. */
  label: string
  /** Seconds since 1970, ascending. */
  times: number[]
  lines: { title: string, values: (number | null)[] }[]
  as: 'bars' | 'lines'
  most?: number | undefined
  format: (value: number | null) => string
}

/** Values over time, as wide as there is room; under the pointer the numbers. */
export default function Plot ({ label, times, lines, as, most, format }: PlotProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(null)
  const palette = usePalette(COLOURS)
  const [pointed, setPointed] = useState<number | null>(null)
  const data = [times, ...lines.map(({ values }) => values)] as UPlot.AlignedData

  useLayoutEffect(() => {
    const { clientWidth: width, clientHeight: height } = place.current!
    const options = optionsOf({ times, lines, as, most, format }, palette)
    plot.current = new UPlot({
      ...options, width, height, hooks: { setCursor: [({ cursor: { idx } }) => setPointed(idx ?? null)] }
    }, data, place.current!)
    return () => {
      plot.current?.destroy()
      plot.current = null
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- new figures are set below, in the same plot
  }, [palette, times[1]! - times[0]!])
  // eslint-disable-next-line react-hooks/exhaustive-deps -- whether they are new is said by their text
  useEffect(() => { plot.current?.setData(data) }, [JSON.stringify(data)])
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => {
      if (entry) plot.current?.setSize({ width: entry.contentRect.width, height: entry.contentRect.height })
    })
    watcher.observe(place.current!)
    return () => watcher.disconnect()
  }, [])

  const index = pointed !== null && pointed < times.length ? pointed : undefined
  return (
    <figure className='plot'>
      <ul className='legend numbers'>
        {lines.map(({ title, values }, i) => (
          <li key={title}>
            <span className={`swatch ${LINE_COLOURS[i]}`} aria-hidden /> {title} {index !== undefined && <b>{format(values[index] ?? null)}</b>}
          </li>
        ))}
        {index !== undefined && <li className='when'>{WHEN.format(times[index]! * 1000)}</li>}
      </ul>
      <div ref={place} role='img' aria-label={label} className='canvas' />
    </figure>
  )
}

type Looks = Pick<PlotProps, 'times' | 'lines' | 'as' | 'most' | 'format'>

function optionsOf ({ times: [first = 0, second = 0], lines, as, most, format }: Looks, palette: Palette): Omit<UPlot.Options, 'width' | 'height'> {
  const font = `11px ${getComputedStyle(document.body).fontFamily}`
  const step = second - first
  const stroke = { stroke: palette.line, width: 1 }
  const axis = { font, stroke: palette['text-soft'], grid: stroke, ticks: stroke }
  // Half a call is none.
  const toLabel = (value: number) => Number.isInteger(value) || as === 'lines' ? format(value) : ''
  return {
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    padding: [8, 8, 0, 0],
    scales: {
      // Half a part more at each end: what is counted in it stands over its middle.
      x: { range: (_, from, to) => [from - step / 2, to + step / 2] },
      y: { range: (_, _least, greatest) => [0, most ?? Math.max(1, (greatest ?? 0) * 1.1)] }
    },
    axes: [axis, { ...axis, size: AXIS_WIDTH, values: (_, splits) => splits.map(toLabel) }],
    series: [{}, ...lines.map(({ title }, i) => {
      const colour = palette[LINE_COLOURS[i] ?? 'series-3']
      const bars = { label: title, stroke: colour, fill: colour, width: 0, points: { show: false } }
      return as === 'bars'
        ? { ...bars, paths: UPlot.paths.bars!({ size: [0.7, 24] }) }
        : { label: title, stroke: colour, width: 2, points: { show: true, size: 5, fill: colour } }
    })]
  }
}
