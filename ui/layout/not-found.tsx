import { Link } from 'wouter'
import { Empty } from '../components/loading.tsx'
import { PageHeader } from '../components/page-header.tsx'

export function NotFound () {
  return (
    <>
      <PageHeader title='No such page' />
      <Empty title='There is nothing at this address.'><Link href='/'>Go to the overview</Link></Empty>
    </>
  )
}
