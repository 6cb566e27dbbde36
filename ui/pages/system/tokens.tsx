import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import type { Answer } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Code } from '../../components/copy.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { SelectField, TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { Empty } from '../../components/loading.tsx'
import { Note } from '../../components/note.tsx'
import { Table } from '../../components/table.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { useNow } from '../../hooks/use-now.ts'
import { systemQueries, type AdminToken } from './queries.ts'

const DAY_SECONDS = 86_400
/** In days; empty: never. */
const LIFETIMES = [['1', 'In a day'], ['7', 'In a week'], ['30', 'In 30 days'], ['90', 'In 90 days'], ['365', 'In a year'], ['', 'Never']] as const

type NewToken = Answer<'/api/admin-tokens', 'post', 201>

/** What scripts do by the REST API whatever an admin may. */
export function Tokens () {
  const [asking, setAsking] = useState<'create' | AdminToken>()
  const [made, setMade] = useState<NewToken>()
  const now = useNow(60_000)
  const close = () => setAsking(undefined)
  return (
    <>
      <div className='toolbar'>
        <Button look='primary' onClick={() => setAsking('create')}><Plus aria-hidden /> New admin token</Button>
        <span className='hint'>For scripts: it may do whatever an admin may, and gives no password again.</span>
      </div>
      {made && (
        <Note tone='good' title={`The token “${made.name}”, shown this once`}>
          <p>Copy it now: the server keeps no copy.</p>
          <Code text={made.token} of='the admin token' />
        </Note>
      )}
      <Table
        caption='Admin tokens'
        query={useQuery(systemQueries.tokens())}
        rowKey={({ id }) => id}
        columns={[
          { title: 'Name', cell: ({ name }) => <span className='name'>{name}</span> },
          { title: 'Ends in', cell: ({ token_last_four: last }) => <code>…{last}</code> },
          { title: 'State', cell: token => <State token={token} now={now} /> },
          { title: 'Created', cell: ({ created_at: at }) => <Time at={at} relative /> },
          { title: 'Last used', cell: ({ last_used_at: at }) => at ? <Time at={at} relative /> : 'never' },
          { title: 'Expires', cell: ({ expires_at: at }) => at ? <Time at={at} relative /> : 'never' },
          {
            title: 'Revoke',
            cell: token => stateOf(token, now) === 'active' && (
              <Button size='small' look='danger' aria-label={`Revoke ${token.name}`} onClick={() => setAsking(token)}>Revoke</Button>
            )
          }
        ]}
        empty={<Empty title='No admin token yet'><p>Scripts need one for the REST API.</p></Empty>}
      />
      {asking === 'create' && <CreateToken onClose={close} onMade={setMade} />}
      {typeof asking === 'object' && <RevokeToken token={asking} onClose={close} />}
    </>
  )
}

const stateOf = ({ revoked_at: revoked, expires_at: end }: AdminToken, now: number) =>
  revoked ? 'revoked' : end && Date.parse(end) <= now ? 'expired' : 'active'

const TONES = { active: 'good', expired: 'neutral', revoked: 'bad' } as const

function State ({ token, now }: { token: AdminToken, now: number }) {
  const state = stateOf(token, now)
  return <Badge tone={TONES[state]}>{state}</Badge>
}

function CreateToken ({ onClose, onMade }: { onClose: () => void, onMade: (token: NewToken) => void }) {
  const client = useQueryClient()
  const create = useAction(
    ({ name = '', lifetime }: Record<string, string>) => answer(api.POST('/api/admin-tokens', {
      body: { name: name.trim(), ttl_seconds: lifetime ? Number(lifetime) * DAY_SECONDS : null }
    })),
    token => {
      onClose()
      onMade(token)
      client.invalidateQueries({ queryKey: ['admin-tokens'] })
    }
  )
  return (
    <Dialog title='New admin token' onClose={onClose}>
      <Form action={create} submit='Create' onCancel={onClose} onSubmit={values => create.run(values)}>
        <TextField label='Name' name='name' required maxLength={80} placeholder='deploy' error={faultOf(create.error, 'name')} />
        <SelectField label='Ends' name='lifetime' defaultValue='90'>
          {LIFETIMES.map(([days, title]) => <option key={days} value={days}>{title}</option>)}
        </SelectField>
      </Form>
    </Dialog>
  )
}

function RevokeToken ({ token: { id, name }, onClose }: { token: AdminToken, onClose: () => void }) {
  const client = useQueryClient()
  return (
    <Confirm
      title={`Revoke ${name}?`} submit='Revoke' onClose={onClose}
      work={() => answer(api.DELETE('/api/admin-tokens/{id}', { params: { path: { id } } }))}
      onDone={() => {
        onClose()
        client.invalidateQueries({ queryKey: ['admin-tokens'] })
        toast(`${name} was revoked.`)
      }}
    >
      <p>Scripts that use it are refused at once. This cannot be taken back.</p>
    </Confirm>
  )
}
