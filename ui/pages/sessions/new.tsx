import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useSearch } from 'wouter'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import { queries } from '../../api/queries.ts'
import type { Connection, NewSession } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { SelectField, TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { Loaded } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { ConnectClient } from './connect-client.tsx'
import { LIFETIMES, ScopeFields, toSessionRequest } from './scope-fields.tsx'

/** First the form, then, with the token, how a client gets in. The token is on this page and nowhere else. */
export default function NewSessionPage () {
  const [made, setMade] = useState<NewSession>()
  const connections = useQuery(queries.connections())
  const above = <Link href='/sessions'>Sessions</Link>
  if (made) {
    return (
      <>
        <PageHeader
          title='Connect a client' above={above}
          lead={<>The session <Link href={`/sessions/${made.session_id}`}>{made.name ?? 'without a name'}</Link> is ready.</>}
        />
        <ConnectClient session={made} token={made.access_token} />
      </>
    )
  }
  return (
    <>
      <PageHeader title='New session' above={above} lead='Give each client its own: it can then be ended without the others.' />
      <Loaded query={connections}>
        {connections => <NewSessionForm connections={connections} onMade={setMade} />}
      </Loaded>
    </>
  )
}

interface NewSessionFormProps { connections: Connection[], onMade: (session: NewSession) => void }

function NewSessionForm ({ connections, onMade }: NewSessionFormProps) {
  const client = useQueryClient()
  const wanted = new URLSearchParams(useSearch()).get('connection')
  const [first] = connections.toSorted((a, b) => b.credentials.length - a.credentials.length)
  const action = useAction(
    (values: Record<string, string>) => answer(api.POST('/api/connections/{id}/session', {
      params: { path: { id: values['connection'] ?? '' } }, body: toSessionRequest(values)
    })),
    session => {
      client.invalidateQueries({ queryKey: ['sessions'] })
      onMade(session)
    }
  )
  return (
    <Form action={action} submit='Create' onSubmit={values => action.run(values)}>
      <Card>
        <TextField
          label='Name' name='name' maxLength={80} placeholder='Claude on my laptop' autoFocus error={faultOf(action.error, 'name')}
          hint='Which client it is for. The list and the audit log show it.'
        />
        <SelectField label='Connection' name='connection' required defaultValue={wanted ?? first?.id}>
          {connections.map(({ id, name }) => <option key={id} value={id}>{name}{name === 'sample' ? ' (made-up prices)' : ''}</option>)}
        </SelectField>
        <SelectField label='Ends' name='lifetime' defaultValue='90'>
          {LIFETIMES.map(([days, title]) => <option key={days} value={days}>{title}</option>)}
        </SelectField>
        {first && <ScopeFields connectionId={first.id} error={action.error} />}
      </Card>
    </Form>
  )
}
