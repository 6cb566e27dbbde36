import { useState } from 'react'
import { logIn } from '../../api/auth.ts'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import { TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PasswordField } from '../../components/password-field.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { Mark } from '../../layout/mark.tsx'

/** The link that the start prints brings the code along, behind the #, which is sent nowhere. */
function takeCode (): string {
  const code = new URLSearchParams(location.hash.slice(1)).get('code') ?? ''
  if (code) history.replaceState(history.state, '', location.pathname)
  return code
}

/** The first admin is made. */
export default function Setup () {
  const [code] = useState(takeCode)
  const action = useAction(
    ({ code = '', name = '', password = '' }: Record<string, string>) =>
      answer(api.POST('/api/setup', { body: { code: code.trim(), name: name.trim(), password } })),
    logIn
  )
  return (
    <>
      <Mark />
      <PageHeader
        title='Set up your server'
        lead='You will be its first admin. The setup code stands in the terminal where the server was started.'
      />
      <Form action={action} submit='Set up' onSubmit={values => action.run(values)}>
        <TextField
          label='Setup code' name='code' required maxLength={200} autoFocus={!code} defaultValue={code} className='mono'
          placeholder='XXXX-XXXX-XXXX' hint='Good for 30 minutes. Start the server again for a new one.' error={faultOf(action.error, 'code')}
        />
        <TextField
          label='Your name' name='name' required maxLength={80} defaultValue='admin' autoComplete='username'
          error={faultOf(action.error, 'name')}
        />
        <PasswordField
          label='Password' name='password' required minLength={12} maxLength={128} autoComplete='new-password' autoFocus={!!code}
          hint='12 characters or more.' error={faultOf(action.error, 'password')}
        />
      </Form>
    </>
  )
}
