import { Link } from 'wouter'
import type { Connection, ListedSession } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Empty } from '../../components/loading.tsx'
import { Table } from '../../components/table.tsx'
import { Time } from '../../components/time.tsx'
import { useSessions } from './use-sessions.ts'

const TONES = { active: 'good', expired: 'neutral', revoked: 'bad' } as const

export const SessionState = ({ session: { state } }: { session: Pick<ListedSession, 'state'> }) =>
  <Badge tone={TONES[state]}>{state}</Badge>

/** A client as it names itself. */
export const toClient = ({ client_name: name, client_version: version }: Pick<ListedSession, 'client_name' | 'client_version'>) =>
  name === null ? null : [name, version].filter(Boolean).join(' ')

const titleOf = ({ name, token_last_four: last }: ListedSession) => name ?? `…${last}`

/** Sessions of these connections; which connection each is of stands in it where there are several. */
export function SessionTable ({ connections }: { connections: Connection[] }) {
  const sessions = useSessions(connections)
  const nameOf = (id: string) => connections.find(connection => connection.id === id)?.name ?? ''
  return (
    <Table
      caption='Sessions'
      query={sessions}
      rowKey={session => session.session_id}
      columns={[
        { title: 'Name', cell: session => <Link href={`/sessions/${session.session_id}`} className='name'>{titleOf(session)}</Link> },
        ...connections.length > 1
          ? [{
              title: 'Connection',
              cell: ({ connection_id: id }: ListedSession) => <Link href={`/connections/${id}`} className='name'>{nameOf(id)}</Link>
            }]
          : [],
        { title: 'State', cell: session => <SessionState session={session} /> },
        { title: 'Client', cell: session => toClient(session) ?? <span className='hint'>none yet</span> },
        { title: 'Last used', cell: ({ last_used_at: at }) => at ? <Time at={at} relative /> : 'never' },
        { title: 'Calls today', align: 'right', cell: session => session.calls_today.toLocaleString() },
        { title: 'Ends', cell: ({ expires_at: at }) => at ? <Time at={at} relative /> : 'never' }
      ]}
      empty={<Empty title='No session yet'><p>A session is what a client needs to get in: create one for each.</p></Empty>}
    />
  )
}
