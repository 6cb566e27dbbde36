import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import { queries } from '../../api/queries.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { Loaded } from '../../components/loading.tsx'
import { PasswordField } from '../../components/password-field.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { Logins } from './logins.tsx'
import { systemQueries, type ListedAdmin } from './queries.ts'

/** Who may do everything, and where they are logged in. */
export function Admins () {
  const [isAdding, setAdding] = useState(false)
  return (
    <>
      <div className='toolbar'>
        <Button look='primary' onClick={() => setAdding(true)}><Plus aria-hidden /> Add an admin</Button>
        <span className='hint'>All admins are equal: each may do everything, and remove the others.</span>
      </div>
      <Loaded query={useQuery(systemQueries.admins())}>
        {admins => admins.map(admin => <AdminCard key={admin.id} admin={admin} isLast={admins.length === 1} />)}
      </Loaded>
      {isAdding && <AddAdmin onClose={() => setAdding(false)} />}
    </>
  )
}

function AdminCard ({ admin, isLast }: { admin: ListedAdmin, isLast: boolean }) {
  const client = useQueryClient()
  const [isRemoving, setRemoving] = useState(false)
  const { id, name, totp, created_at: since, password_set_at: passwordAt } = admin
  const isOwn = useQuery(queries.admin()).data?.id === id
  return (
    <Card
      title={<>{name} {isOwn && <Badge tone='info'>you</Badge>}</>}
      aside={!isLast && <Button size='small' look='danger' aria-label={`Remove ${name}`} onClick={() => setRemoving(true)}>Remove</Button>}
    >
      <p className='hint'>
        Since <Time at={since} />; password set <Time at={passwordAt} relative />; second factor {totp ? 'on' : 'off'}.
      </p>
      <Logins adminId={id} of={name} />
      {isRemoving && (
        <Confirm
          title={`Remove ${name}?`} name={name} submit='Remove' onClose={() => setRemoving(false)}
          work={() => answer(api.DELETE('/api/admins/{id}', { params: { path: { id } } }))}
          onDone={() => {
            setRemoving(false)
            // The list alone: of its logins there is nothing to ask any more.
            client.invalidateQueries({ queryKey: ['admins'], exact: true })
            toast(`${name} was removed.`)
          }}
        >
          <p>
            {isOwn ? 'This is you: you are logged out at once.' : 'Its logins end at once.'} Admin tokens that it made stay:
            revoke them.
          </p>
        </Confirm>
      )}
    </Card>
  )
}

function AddAdmin ({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const add = useAction(
    ({ name = '', password = '' }: Record<string, string>) =>
      answer(api.POST('/api/admins', { body: { name: name.trim(), password } })),
    ({ name }) => {
      onClose()
      client.invalidateQueries({ queryKey: ['admins'] })
      toast(`${name} was added.`)
    }
  )
  return (
    <Dialog title='Add an admin' onClose={onClose}>
      <Form action={add} submit='Add' onCancel={onClose} onSubmit={values => add.run(values)}>
        <TextField label='Name' name='name' required maxLength={80} error={faultOf(add.error, 'name')} />
        <PasswordField
          label='Password' name='password' required minLength={12} maxLength={128} autoComplete='new-password'
          hint='12 characters or more. Hand it over safely; its owner can change it.' error={faultOf(add.error, 'password')}
        />
      </Form>
    </Dialog>
  )
}
