import { Link } from 'wouter'
import type { AuditEntry, Connection, ListedSession } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Card } from '../../components/card.tsx'
import { Empty } from '../../components/loading.tsx'
import { Time } from '../../components/time.tsx'

export interface LatestCallsProps {
  calls: AuditEntry[]
  connections: Connection[]
  sessions: ListedSession[]
}

/** The newest first, as they come. */
export function LatestCalls ({ calls, connections, sessions }: LatestCallsProps) {
  const sessionOf = (id: string | null) => sessions.find(session => session.session_id === id)
  return (
    <Card title='Latest calls'>
      {calls.length === 0
        ? <Empty title='No call yet'><p>Calls of clients and scripts show up here within seconds.</p></Empty>
        : (
          <ul className='calls'>
            {calls.map(call => {
              const session = sessionOf(call.session_id)
              return (
                <li key={call.seq}>
                  <code>{call.target ?? 'unknown tool'}</code>
                  <Outcome call={call} />
                  <span className='who'>
                    {call.client_name ?? 'a script'}
                    {session && <> · <Link href={`/sessions/${session.session_id}`}>{session.name ?? `…${session.token_last_four}`}</Link></>}
                    {' · '}{connections.find(({ id }) => id === call.connection_id)?.name ?? 'a connection that is gone'}
                  </span>
                  <span className='when'><Time at={call.time} relative /></span>
                </li>
              )
            })}
          </ul>
          )}
    </Card>
  )
}

function Outcome ({ call: { outcome, latency_ms: ms, details } }: { call: AuditEntry }) {
  if (outcome !== 'ok') return <Badge tone={outcome === 'cancelled' ? 'neutral' : 'bad'}>{outcome.toLowerCase().replaceAll('_', ' ')}</Badge>
  const provider = typeof details['provider'] === 'string' ? details['provider'] : ''
  return <Badge tone='good'>{details['cache_hit'] === true ? 'cache' : provider || 'ok'} · {Math.round(ms ?? 0)} ms</Badge>
}
