import { useQuery } from '@tanstack/react-query'
import { CircleCheck, Radio } from 'lucide-react'
import { AWAITING_MS, queries } from '../../api/queries.ts'
import { Time } from '../../components/time.tsx'
import { toClient } from './table.tsx'

/** Turns green by itself when the client's first call comes. */
export function FirstCall ({ sessionId }: { sessionId: string }) {
  const { data: session } = useQuery({
    ...queries.session(sessionId),
    refetchInterval: ({ state: { data } }) => data?.first_call_at ? false : AWAITING_MS
  })
  const client = session && toClient(session)
  const at = session?.first_call_at
  return (
    <div role='status' className={at ? 'first-call arrived' : 'first-call'}>
      {at
        ? <CircleCheck aria-hidden />
        : <Radio aria-hidden className='pulsing' />}
      <div>
        <strong>{at ? 'Connected' : session?.last_used_at ? 'Connected, and waiting for the first call' : 'Waiting for the first call'}</strong>
        <p>
          {at
            ? <>{client ?? 'A client'} made its first call <Time at={at} relative />.</>
            : client ? `${client} is here, and has called no tool yet.` : 'This turns green by itself when the client calls a tool.'}
        </p>
      </div>
    </div>
  )
}
