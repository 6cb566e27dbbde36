import { Link } from 'wouter'
import type { AuditEntry, Connection } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Code } from '../../components/copy.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Time } from '../../components/time.tsx'
import { nameOfConnection } from './filter.ts'

export function Outcome ({ outcome }: Pick<AuditEntry, 'outcome'>) {
  const tone = outcome === 'ok' ? 'good' : outcome === 'cancelled' ? 'neutral' : 'bad'
  return <Badge tone={tone}>{outcome.toLowerCase().replaceAll('_', ' ')}</Badge>
}

export interface EventDialogProps {
  event: AuditEntry
  connections: Connection[]
  onClose: () => void
}

/** All that stands in one row. */
export function EventDialog ({ event, connections, onClose }: EventDialogProps) {
  const { connection_id: connection, session_id: session, client_name: client, latency_ms: ms } = event
  const facts = [
    ['When', <Time key='' at={event.time} precise />],
    ['Actor', event.actor],
    ['Target', event.target],
    ['Outcome', <Outcome key='' outcome={event.outcome} />],
    ['Connection', connection && <Link href={`/connections/${connection}`}>{nameOfConnection(connections, connection)}</Link>],
    ['Session', session && <Link href={`/sessions/${session}`} className='mono'>{session}</Link>],
    ['Client', client && [client, event.client_version].filter(Boolean).join(' ')],
    ['Address', event.ip && <span className='mono'>{event.ip}</span>],
    ['Took', ms !== null && `${ms.toLocaleString(undefined, { maximumFractionDigits: 1 })} ms`],
    ['Request', event.request_id && <span className='mono'>{event.request_id}</span>]
  ] as const
  return (
    <Dialog title={`${event.action}, number ${event.seq}`} onClose={onClose}>
      <dl className='facts'>
        {facts.map(([name, value]) => value && <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      <div><Code text={JSON.stringify(event, null, 2)} of='the event as JSON' /></div>
    </Dialog>
  )
}
