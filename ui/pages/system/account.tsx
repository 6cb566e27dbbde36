import { useQuery } from '@tanstack/react-query'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import { queries } from '../../api/queries.ts'
import { Card } from '../../components/card.tsx'
import { Form } from '../../components/form.tsx'
import { Loaded } from '../../components/loading.tsx'
import { PasswordField } from '../../components/password-field.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { Logins } from './logins.tsx'
import { SecondFactor } from './second-factor.tsx'

/** What is the viewer's own: password, second factor, logins. */
export function Account () {
  return (
    <Loaded query={useQuery(queries.admin())}>
      {admin => (
        <div className='cards'>
          <Password name={admin.name} />
          <SecondFactor admin={admin} />
          {admin.id && <Card title='Your logins'><Logins adminId={admin.id} of={admin.name} /></Card>}
        </div>
      )}
    </Loaded>
  )
}

function Password ({ name }: { name: string }) {
  const change = useAction(
    async ({ values: { current = '', wanted = '' }, form }: { values: Record<string, string>, form: HTMLFormElement }) => {
      await answer(api.POST('/api/admin/password', { body: { current_password: current, new_password: wanted } }))
      form.reset()
    },
    () => toast('The password was changed. Your other logins have ended.')
  )
  return (
    <Card title='Password'>
      <Form action={change} submit='Change it' onSubmit={(values, form) => change.run({ values, form })}>
        <input type='hidden' autoComplete='username' value={name} />
        <PasswordField label='Present password' name='current' required maxLength={128} autoComplete='current-password' />
        <PasswordField
          label='New password' name='wanted' required minLength={12} maxLength={128} autoComplete='new-password'
          hint='12 characters or more. All your other logins end.' error={faultOf(change.error, 'new_password')}
        />
      </Form>
    </Card>
  )
}
