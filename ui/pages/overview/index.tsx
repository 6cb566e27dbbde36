import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { AWAITING_MS, queries } from '../../api/queries.ts'
import type { AuditPage, Connection, Usage } from '../../api/types.ts'
import { Loaded, PageSkeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { useSessions } from '../sessions/use-sessions.ts'
import { Checklist } from './checklist.tsx'
import { LastDay, Trouble } from './glance.tsx'
import { LatestCalls } from './latest-calls.tsx'
import { toSteps } from './steps.ts'
import './overview.css'

const USAGE_MS = 15_000

export default function Overview () {
  const connections = useQuery(queries.connections())
  const calls = useQuery({
    ...queries.audit({ action: 'tool.call', limit: 10 }), refetchInterval: AWAITING_MS
  })
  const usage = useQuery({ ...queries.usage({ range: 'day' }), refetchInterval: USAGE_MS })
  return (
    <>
      <PageHeader title='Overview' />
      <Trouble />
      <Loaded query={connections} skeleton={<PageSkeleton />}>
        {connections => <Start connections={connections} calls={calls} usage={usage} />}
      </Loaded>
    </>
  )
}

interface StartProps { connections: Connection[], calls: UseQueryResult<AuditPage>, usage: UseQueryResult<Usage> }

function Start ({ connections, calls, usage }: StartProps) {
  const sessions = useSessions(connections, calls.data?.items.length === 0 ? AWAITING_MS : undefined)
  // Beside the calls it can do without.
  if (usage.isPending) return <PageSkeleton />
  return (
    <Loaded query={sessions} skeleton={<PageSkeleton />}>
      {sessions => (
        <Loaded query={calls} skeleton={<PageSkeleton />}>
          {({ items }) => (
            <>
              <Checklist steps={toSteps(connections, sessions, items)} />
              <LastDay usage={usage.data} />
              <LatestCalls calls={items} connections={connections} sessions={sessions} />
            </>
          )}
        </Loaded>
      )}
    </Loaded>
  )
}
