import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import type { Connection } from '../../api/types.ts'
import { Loaded, PageSkeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { useSessions } from '../sessions/use-sessions.ts'
import { AWAITING_MS } from '../../api/queries.ts'
import { Checklist } from './checklist.tsx'
import { LatestCalls } from './latest-calls.tsx'
import { toSteps } from './steps.ts'
import './overview.css'

export default function Overview () {
  return (
    <>
      <PageHeader title='Overview' />
      <Loaded query={useQuery(queries.connections())} skeleton={<PageSkeleton />}>
        {connections => <Start connections={connections} />}
      </Loaded>
    </>
  )
}

function Start ({ connections }: { connections: Connection[] }) {
  const calls = useQuery({
    ...queries.audit({ action: 'tool.call', limit: 10 }), refetchInterval: AWAITING_MS
  })
  const sessions = useSessions(connections, calls.data?.items.length === 0 ? AWAITING_MS : undefined)
  return (
    <Loaded query={sessions} skeleton={<PageSkeleton />}>
      {sessions => (
        <Loaded query={calls} skeleton={<PageSkeleton />}>
          {({ items }) => (
            <>
              <Checklist steps={toSteps(connections, sessions, items)} />
              <LatestCalls calls={items} connections={connections} sessions={sessions} />
            </>
          )}
        </Loaded>
      )}
    </Loaded>
  )
}
