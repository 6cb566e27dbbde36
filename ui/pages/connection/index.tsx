import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'wouter'
import { queries } from '../../api/queries.ts'
import type { Connection } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Loaded, PageSkeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Parts } from '../../components/parts.tsx'
import { SessionTable } from '../sessions/table.tsx'
import { Keys } from './keys.tsx'
import { Settings } from './settings.tsx'
import './connection.css'

const PARTS = [
  { part: '', title: 'Keys' }, { part: 'settings', title: 'Settings' }, { part: 'sessions', title: 'Sessions' }
]

export default function ConnectionPage () {
  const { id = '', tab = '' } = useParams()
  return (
    <Loaded query={useQuery(queries.connection(id))} skeleton={<PageSkeleton />}>
      {connection => <Page key={id} connection={connection} tab={tab} />}
    </Loaded>
  )
}

function Page ({ connection, tab }: { connection: Connection, tab: string }) {
  const { id, name } = connection
  return (
    <>
      <PageHeader
        title={name} above={<Link href='/connections'>Connections</Link>}
        lead={name === 'sample' ? <Badge tone='info'>made-up prices, no key needed</Badge> : undefined}
        actions={<Link href={`/sessions/new?connection=${id}`} className='button primary medium'>New session</Link>}
      />
      <Parts label={`Parts of ${name}`} base={`/connections/${id}`} parts={PARTS} shown={tab} />
      {tab === 'settings' && <Settings connection={connection} />}
      {tab === 'sessions' && <SessionTable connections={[connection]} />}
      {tab === '' && <Keys connection={connection} />}
    </>
  )
}
