import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'wouter'
import { queries } from '../../api/queries.ts'
import type { Connection } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Loaded, PageSkeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { SessionTable } from '../sessions/table.tsx'
import { Keys } from './keys.tsx'
import { Settings } from './settings.tsx'
import './connection.css'

const PARTS = [['', 'Keys'], ['settings', 'Settings'], ['sessions', 'Sessions']] as const

export default function ConnectionPage () {
  const { id = '', tab = '' } = useParams()
  return (
    <Loaded query={useQuery(queries.connection(id))} skeleton={<PageSkeleton />}>
      {connection => <Parts key={id} connection={connection} tab={tab} />}
    </Loaded>
  )
}

function Parts ({ connection, tab }: { connection: Connection, tab: string }) {
  const { id, name } = connection
  return (
    <>
      <PageHeader
        title={name} above={<Link href='/connections'>Connections</Link>}
        lead={name === 'sample' ? <Badge tone='info'>made-up prices, no key needed</Badge> : undefined}
        actions={<Link href={`/sessions/new?connection=${id}`} className='button primary medium'>New session</Link>}
      />
      <nav className='parts' aria-label={`Parts of ${name}`}>
        {PARTS.map(([part, title]) => (
          <Link
            key={part} href={part ? `/connections/${id}/${part}` : `/connections/${id}`}
            aria-current={part === tab ? 'page' : undefined}
          >
            {title}
          </Link>
        ))}
      </nav>
      {tab === 'settings' && <Settings connection={connection} />}
      {tab === 'sessions' && <SessionTable connections={[connection]} />}
      {tab === '' && <Keys connection={connection} />}
    </>
  )
}
