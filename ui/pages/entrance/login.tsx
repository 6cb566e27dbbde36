import { auth, logIn } from '../../api/auth.ts'
import { answer, api } from '../../api/client.ts'
import { ProblemError } from '../../api/problem.ts'
import { TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { Note } from '../../components/note.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { PasswordField } from '../../components/password-field.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { Mark } from '../../layout/mark.tsx'
import { useStore } from '../../store.ts'
import { useState } from 'react'

/** Name and password, and the code of the second factor once the server asks for it. */
export default function Login () {
  const how = useStore(auth)
  const [wantsCode, setWantsCode] = useState(false)
  const action = useAction(
    async ({ name = '', password = '', code }: Record<string, string>) => {
      try {
        return await answer(api.POST('/api/login', { body: { name: name.trim(), password, ...code && { code: code.trim() } } }))
      } catch (error) {
        const isAsking = error instanceof ProblemError && error.body.totp_required === true
        if (!isAsking) throw error
        setWantsCode(true)
        if (code) throw error
      }
      return undefined
    },
    login => { if (login) logIn() }
  )
  return (
    <>
      <Mark />
      <PageHeader title='Log in' />
      {how === 'ended' && <Note tone='warn'>You were logged out. Log in to go on where you were.</Note>}
      {how === 'left' && <Note>You have logged out.</Note>}
      <Form action={action} submit='Log in' onSubmit={values => action.run(values)}>
        <TextField label='Name' name='name' required maxLength={80} autoComplete='username' autoFocus />
        <PasswordField label='Password' name='password' required maxLength={128} autoComplete='current-password' />
        {wantsCode && (
          <TextField
            label='Code' name='code' required maxLength={40} autoComplete='one-time-code' className='mono' autoFocus
            hint='Six digits of your authenticator app, or a recovery code.'
          />
        )}
      </Form>
    </>
  )
}
