import type { ReactNode } from 'react'
import type { Usage } from '../../api/types.ts'
import { toCount, toShare, toShort, toTime } from './formats.ts'
import './totals.css'

/** The whole time in six figures. */
export function Totals ({ usage: { total } }: { usage: Usage }) {
  const { calls, failed, hits, hit_ratio: ratio, p50_ms: p50, p95_ms: p95, tokens_estimated: tokens } = total
  const figures: [title: string, value: string, more: ReactNode][] = [
    ['Calls', toCount(calls), `${toCount(calls - failed)} answered`],
    ['Failed', toCount(failed), `${toShare(failed / calls)} of all`],
    ['Out of the cache', toShare(ratio), `${toCount(hits)} calls`],
    ['Median time', toTime(p50), 'half are faster'],
    ['95th percentile', toTime(p95), '19 of 20 are faster'],
    ['Tokens handed out', toShort(tokens), 'estimated']
  ]
  return (
    <dl className='totals'>
      {figures.map(([title, value, more]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd><strong>{value}</strong> <span className='hint'>{more}</span></dd>
        </div>
      ))}
    </dl>
  )
}
