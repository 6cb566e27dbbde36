import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import type { Connection, ProviderInfo } from '../../api/types.ts'
import { TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { FIELD_LABELS, titleOf, type KeyedProvider } from '../../providers.ts'

type KeyBody = { api_key: string } | { key_id: string, secret_key: string }

export interface KeyFormProps {
  connection: Connection
  provider: KeyedProvider
  fields: ProviderInfo['credential_fields']
  onSaved: () => void
  onCancel?: (() => void) | undefined
}

/** Stores a key and tests it. The key is in the input elements alone, and they are emptied once it is sent. */
export function KeyForm ({ connection: { id }, provider, fields, onSaved, onCancel }: KeyFormProps) {
  const client = useQueryClient()
  const [step, setStep] = useState('')
  const title = titleOf(provider)
  const path = { id, provider }
  const refresh = () => client.invalidateQueries({ queryKey: ['connections'] })

  const save = useAction(async (form: HTMLFormElement) => {
    setStep('The key is being sealed…')
    try {
      await answer(api.PUT('/api/connections/{id}/credentials/{provider}', { params: { path }, body: toBody(form) }))
      form.reset()
      setStep(`${title} is being asked…`)
      return await answer(api.POST('/api/connections/{id}/credentials/{provider}/test', { params: { path } }))
    } finally {
      setStep('')
      await refresh()
    }
  }, ({ status }) => {
    toast(status === 'ok' ? `${title} accepted the key.` : `The key is stored, but its test failed: see ${title}.`,
      status === 'ok' ? 'good' : 'warn')
    onSaved()
  })

  return (
    <Form action={save} submit='Save & test' onCancel={onCancel} onSubmit={(_, form) => save.run(form)}>
      {fields.map(name => (
        <TextField
          key={name} label={`${title}: ${FIELD_LABELS[name]}`} name={name} type='password' required maxLength={500} className='mono'
          // No password manager is to keep it or to fill it in.
          autoComplete='off' data-1p-ignore data-lpignore='true' error={faultOf(save.error, name)}
        />
      ))}
      <p role='status' className='hint step'>{step}</p>
    </Form>
  )
}

function toBody (form: HTMLFormElement): KeyBody {
  const values = new FormData(form)
  const of = (name: string) => String(values.get(name) ?? '').trim()
  return values.has('api_key') ? { api_key: of('api_key') } : { key_id: of('key_id'), secret_key: of('secret_key') }
}
