import { lazy, Suspense } from 'react'
import type { Usage } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { Time } from '../../components/time.tsx'
import { toCount, toShare, toShort, toTime } from './formats.ts'

/** The library comes with the first figures and not before. */
const Plot = lazy(() => import('./plot.tsx'))

type Part = Usage['series'][number]

interface Line { title: string, of: (part: Part) => number | null }

interface Plotted {
  title: string
  lines: Line[]
  format: (value: number | null) => string
  /** Bars for what is counted, lines for what is measured. */
  as: 'bars' | 'lines'
  /** The upper end of the scale, where there is one. */
  most?: number
}

const PLOTS: Plotted[] = [
  {
    title: 'Calls',
    as: 'bars',
    format: value => value === null ? '–' : toCount(value),
    lines: [
      { title: 'all', of: ({ calls }) => calls },
      { title: 'out of the cache', of: ({ hits }) => hits },
      { title: 'failed', of: ({ failed }) => failed }
    ]
  },
  {
    title: 'Time',
    as: 'lines',
    format: toTime,
    lines: [{ title: 'median', of: ({ p50_ms: ms }) => ms }, { title: '95th percentile', of: ({ p95_ms: ms }) => ms }]
  },
  { title: 'Out of the cache', as: 'lines', most: 1, format: toShare, lines: [{ title: 'of answered calls', of: part => part.hit_ratio }] },
  { title: 'Tokens handed out', as: 'bars', format: toShort, lines: [{ title: 'tokens', of: part => part.tokens_estimated }] }
]

/** The figures over time, to be seen; and the same as a table. */
export function Charts ({ usage: { series, range } }: { usage: Usage }) {
  const times = series.map(({ at }) => Date.parse(at) / 1000)
  return (
    <>
      <div className='plots'>
        {PLOTS.map(({ title, lines, ...plot }) => (
          <Card key={title} title={title}>
            <Suspense fallback={<div className='plot' role='status' aria-label='Loading the chart' />}>
              <Plot
                {...plot} times={times} lines={lines.map(({ title, of }) => ({ title, values: series.map(of) }))}
                label={`${title} over the last ${range}; the table below has the numbers.`}
              />
            </Suspense>
          </Card>
        ))}
      </div>
      <SeriesTable series={series} />
    </>
  )
}

const COLUMNS: { title: string, text: (part: Part) => string }[] = [
  { title: 'Calls', text: ({ calls }) => toCount(calls) },
  { title: 'Failed', text: ({ failed }) => toCount(failed) },
  { title: 'Out of the cache', text: part => toShare(part.hit_ratio) },
  { title: 'Median', text: ({ p50_ms: ms }) => toTime(ms) },
  { title: '95th percentile', text: ({ p95_ms: ms }) => toTime(ms) },
  { title: 'Tokens', text: part => toCount(part.tokens_estimated) }
]

function SeriesTable ({ series }: { series: Part[] }) {
  const busy = series.filter(({ calls }) => calls > 0).toReversed()
  return (
    <details className='series'>
      <summary>The charts as a table</summary>
      <div className='scroll' role='region' aria-label='Figures over time' tabIndex={0}>
        <table className='figures'>
          <caption className='hint'>Newest first; times without a call are left out.</caption>
          <thead>
            <tr>
              <th scope='col'>From</th>
              {COLUMNS.map(({ title }) => <th key={title} scope='col' className='right'>{title}</th>)}
            </tr>
          </thead>
          <tbody>
            {busy.map(part => (
              <tr key={part.at}>
                <th scope='row'><Time at={part.at} /></th>
                {COLUMNS.map(({ title, text }) => <td key={title} className='right'>{text(part)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
