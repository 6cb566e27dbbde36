import { useQuery } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { queries } from '../../api/queries.ts'
import type { AuditEntry } from '../../api/types.ts'
import { Button } from '../../components/button.tsx'
import { CheckField } from '../../components/field.tsx'
import { Empty } from '../../components/loading.tsx'
import { ErrorNote } from '../../components/note.tsx'
import { Table } from '../../components/table.tsx'
import { Time } from '../../components/time.tsx'
import { EventDialog, Outcome } from './event.tsx'
import { nameOfConnection, type AuditFilter } from './filter.ts'
import { useAuditLog } from './use-audit-log.ts'

/** An id by its beginning; the event's details have all of it. */
const toShort = (text: string) => text.replace(/\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '$1…')

/** What fits the filter, the newest first; the children stand below once it is there, so that it moves nothing. */
export function Events ({ filter, children }: { filter: AuditFilter, children: ReactNode }) {
  const [isFollowing, setFollowing] = useState(false)
  const [shown, setShown] = useState<AuditEntry>()
  const { data: connections = [] } = useQuery(queries.connections())
  const { query, error, hasOlder, isReadingOlder, readOlder, readNewest } = useAuditLog(filter, isFollowing)
  return (
    <>
      <div className='toolbar'>
        <CheckField label='Follow live' checked={isFollowing} onChange={event => setFollowing(event.target.checked)} />
        {!isFollowing && <Button size='small' onClick={readNewest}>Read anew</Button>}
        <span role='status' className='hint'>{isFollowing && 'New events come to the top by themselves.'}</span>
      </div>
      <ErrorNote error={error} />
      <Table
        caption='Events'
        className='events'
        query={query}
        rowKey={({ seq }) => String(seq)}
        columns={[
          { title: 'When', cell: ({ time }) => <Time at={time} precise /> },
          {
            title: 'Action',
            cell: event => (
              <button type='button' className='link' aria-label={`${event.action}, number ${event.seq}: details`} onClick={() => setShown(event)}>
                {event.action}
              </button>
            )
          },
          { title: 'Target', cell: ({ target }) => <span className='name'>{target ? toShort(target) : '–'}</span> },
          {
            title: 'Actor',
            cell: ({ actor, client_name: client }) => <span className='name'>{toShort(actor)}{client && `, ${client}`}</span>
          },
          {
            title: 'Connection',
            cell: ({ connection_id: id }) => <span className='name'>{toShort(nameOfConnection(connections, id) ?? '–')}</span>
          },
          { title: 'Outcome', cell: ({ outcome }) => <Outcome outcome={outcome} /> }
        ]}
        empty={<Empty title='No event fits'><p>All filters hold together. Everything that changes, every login and every call is here.</p></Empty>}
      />
      {hasOlder && <div className='buttons'><Button pending={isReadingOlder} onClick={readOlder}>Show older</Button></div>}
      {(query.data || query.isError) && children}
      {shown && <EventDialog event={shown} connections={connections} onClose={() => setShown(undefined)} />}
    </>
  )
}
