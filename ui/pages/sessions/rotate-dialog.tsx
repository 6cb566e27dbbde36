import { answer, api } from '../../api/client.ts'
import type { NewSession } from '../../api/types.ts'
import { Dialog } from '../../components/dialog.tsx'
import { SelectField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { useAction } from '../../hooks/use-action.ts'

const GRACES = [['0', 'At once'], ['3600', 'In an hour'], ['86400', 'In a day'], ['604800', 'In a week']] as const

export interface RotateDialogProps {
  sessionId: string
  onRotated: (session: NewSession) => void
  onClose: () => void
}

/** A new token for a session, with or without time to change over. */
export function RotateDialog ({ sessionId, onRotated, onClose }: RotateDialogProps) {
  const action = useAction((seconds: number) => answer(api.POST('/api/sessions/{id}/rotate', {
    params: { path: { id: sessionId } }, body: { grace_seconds: seconds }
  })), onRotated)
  return (
    <Dialog title='Give it a new token' onClose={onClose}>
      <Form action={action} submit='Rotate' onCancel={onClose} onSubmit={({ grace }) => action.run(Number(grace))}>
        <p>The new token is shown once. Until the former one ends both are taken.</p>
        <SelectField label='The former token ends' name='grace' defaultValue='3600'>
          {GRACES.map(([seconds, title]) => <option key={seconds} value={seconds}>{title}</option>)}
        </SelectField>
      </Form>
    </Dialog>
  )
}
