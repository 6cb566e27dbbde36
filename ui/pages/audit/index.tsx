import { useLocation, useSearch } from 'wouter'
import { PageHeader } from '../../components/page-header.tsx'
import { Events } from './events.tsx'
import { Export } from './export.tsx'
import { readFilter, writeFilter, type AuditFilter } from './filter.ts'
import { Filters } from './filters.tsx'
import { Verify } from './verify.tsx'
import './audit.css'

export default function Audit () {
  const search = useSearch()
  const [, navigate] = useLocation()
  const filter = readFilter(search)
  const show = (filter: AuditFilter) => navigate(`/audit?${writeFilter(filter)}`)
  return (
    <>
      <PageHeader title='Audit' lead='Every change, every login and every call, in the order in which they were written.' />
      <Filters filter={filter} onChange={show} />
      <Events key={search} filter={filter}>
        <div className='cards'><Verify /><Export filter={filter} /></div>
      </Events>
    </>
  )
}
