import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Loaded, Skeleton } from '../../components/loading.tsx'
import { toast } from '../../components/toast.tsx'
import { toPercent, toSize } from './format.ts'
import { systemQueries, type CacheStats } from './queries.ts'

/** What it holds, how often that was of use, and how it is emptied. */
export function CacheCard () {
  const client = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const cache = useQuery(systemQueries.cache())
  return (
    <Card title='Cache' aside={cache.data?.store.state === 'down' && <Badge tone='bad'>store down</Badge>}>
      <Loaded query={cache} skeleton={<Skeleton lines={4} />}>{cache => <Facts {...cache} />}</Loaded>
      <Button look='danger' onClick={() => setAsking(true)}>Clear…</Button>
      {isAsking && (
        <Confirm
          title='Clear the cache?' submit='Clear' onClose={() => setAsking(false)}
          work={async () => {
            const { dropped } = await answer(api.DELETE('/api/cache'))
            toast(`The cache was cleared: ${dropped.toLocaleString()} ${dropped === 1 ? 'answer' : 'answers'} dropped.`)
          }}
          onDone={() => {
            setAsking(false)
            client.invalidateQueries({ queryKey: ['cache'] })
          }}
        >
          <p>On every server. Each question is then asked of its provider again, which takes from the plans.</p>
        </Confirm>
      )}
    </Card>
  )
}

function Facts ({ entries, bytes, memory, calls, hits, hit_ratio: ratio, by_tool: tools }: CacheStats) {
  const isKnown = entries !== null && bytes !== null
  return (
    <>
      <dl className='facts'>
        <dt>Holds</dt>
        <dd>{isKnown ? `${entries.toLocaleString()} answers, ${toSize(bytes)}` : 'unknown: its store does not answer'}</dd>
        <dt>In memory</dt>
        <dd>{memory.entries.toLocaleString()} answers, {toSize(memory.bytes)} of {toSize(memory.limit_bytes)}</dd>
        <dt>In 24 hours</dt>
        <dd>{calls ? `${hits.toLocaleString()} of ${calls.toLocaleString()} calls answered by it (${toPercent(ratio ?? 0)})` : 'no call'}</dd>
      </dl>
      {tools.length > 0 && (
        <details>
          <summary>By tool</summary>
          <ul className='by-tool'>
            {tools.map(({ tool, entries, calls, hits }) => (
              <li key={tool}>
                <code>{tool}</code>
                {' '}<span className='hint'>{(entries ?? 0).toLocaleString()} answers, {hits} of {calls} calls</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}
