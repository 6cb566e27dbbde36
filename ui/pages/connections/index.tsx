import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import { queries } from '../../api/queries.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { Empty } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Table } from '../../components/table.tsx'
import { Time } from '../../components/time.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { titleOf } from '../../providers.ts'
import { KeyBadges } from './key-badges.tsx'

export default function Connections () {
  const connections = useQuery(queries.connections())
  const [isCreating, setCreating] = useState(false)
  const create = <Button look='primary' onClick={() => setCreating(true)}><Plus aria-hidden /> New connection</Button>
  return (
    <>
      <PageHeader
        title='Connections' actions={create}
        lead='A connection holds provider keys and says who is asked first. Sessions give clients access to it.'
      />
      <Table
        caption='Connections'
        query={connections}
        rowKey={({ id }) => id}
        columns={[
          { title: 'Name', cell: ({ id, name }) => <Link href={`/connections/${id}`} className='name'>{name}</Link> },
          { title: 'Keys', cell: connection => <KeyBadges connection={connection} /> },
          { title: 'Asked in this order', cell: ({ settings }) => settings.provider_order.map(titleOf).join(', ') || 'nobody' },
          { title: 'Created', cell: ({ created_at: at }) => <Time at={at} relative /> }
        ]}
        empty={<Empty title='No connection yet'><p>Create one to put your provider keys into it.</p></Empty>}
      />
      {isCreating && <CreateConnection onClose={() => setCreating(false)} />}
    </>
  )
}

function CreateConnection ({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const [, navigate] = useLocation()
  const action = useAction(
    (name: string) => answer(api.POST('/api/connections', { body: { name } })),
    connection => {
      client.invalidateQueries({ queryKey: ['connections'] })
      navigate(`/connections/${connection.id}`)
    }
  )
  return (
    <Dialog title='New connection' onClose={onClose}>
      <Form action={action} submit='Create' onCancel={onClose} onSubmit={({ name = '' }) => action.run(name)}>
        <TextField
          label='Name' name='name' required maxLength={80} placeholder='research'
          hint='Whatever tells it from the others. Keys come next.' error={faultOf(action.error, 'name')}
        />
      </Form>
    </Dialog>
  )
}
