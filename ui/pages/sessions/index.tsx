import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { Link } from 'wouter'
import { queries } from '../../api/queries.ts'
import { Loaded, Skeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { SessionTable } from './table.tsx'

export default function Sessions () {
  return (
    <>
      <PageHeader
        title='Sessions' lead='One for each client: a token, what it may do, and when it ends.'
        actions={<Link href='/sessions/new' className='button primary medium'><Plus aria-hidden /> New session</Link>}
      />
      <Loaded query={useQuery(queries.connections())} skeleton={<Skeleton lines={4} className='of-table' />}>
        {connections => <SessionTable connections={connections} />}
      </Loaded>
    </>
  )
}
