import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId } from 'react'
import { answer, api } from '../../api/client.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Loaded } from '../../components/loading.tsx'
import { ErrorNote, Note } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { systemQueries, type Rewrap } from './queries.ts'

/** Wraps what is stored by the primary key: after the ring has got a new one. */
export function RewrapCard () {
  const client = useQueryClient()
  const rewrap = useQuery(systemQueries.rewrap())
  const start = useAction(() => answer(api.POST('/api/keys/rewrap')), state => {
    client.setQueryData(systemQueries.rewrap().queryKey, state)
    client.invalidateQueries({ queryKey: ['system'] })
  })
  return (
    <Card title='Wrap anew'>
      <p className='hint'>
        After the ring has got a new primary key: all that older keys seal is sealed by it, and they can be taken out of
        the ring. Nothing is refused meanwhile.
      </p>
      <div role='status'><Loaded query={rewrap}>{rewrap => <Progress {...rewrap} />}</Loaded></div>
      <ErrorNote error={start.error} />
      <Button pending={start.pending || rewrap.data?.state === 'running'} onClick={() => start.run()}>Wrap every key anew</Button>
    </Card>
  )
}

function Progress ({ state, done, total, failed, message, started_by: who, ended_at: end }: Rewrap) {
  const id = useId()
  const count = `${done.toLocaleString()} of ${total.toLocaleString()}`
  if (state === 'none') return <p>It was not done yet.</p>
  if (state === 'running') {
    return (
      <div className='progress'>
        <label htmlFor={id}>Begun by {who}: {count} wrapped</label>
        <progress id={id} max={total || 1} value={done} />
      </div>
    )
  }
  if (state === 'done') {
    return (
      <Note tone={failed.length ? 'warn' : 'good'} title={failed.length ? `Done but for ${failed.length}` : 'Done'}>
        <p>{total ? `${count} wrapped` : 'Nothing was left to wrap'}{end && <>, <Time at={end} relative /></>}{who && `, by ${who}`}.</p>
        {failed.length > 0 && <p>These connections’ keys do not open, and stayed as they are: {failed.join(', ')}.</p>}
      </Note>
    )
  }
  return (
    <Note tone='bad' title={state === 'failed' ? 'It failed' : 'It was interrupted'}>
      <p>{count} wrapped. {message ?? 'A new run does the rest.'}</p>
    </Note>
  )
}
