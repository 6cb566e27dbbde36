import { useState, type ReactNode } from 'react'
import { useAction } from '../hooks/use-action.ts'
import { Dialog } from './dialog.tsx'
import { TextField } from './field.tsx'
import { Form } from './form.tsx'

export interface ConfirmProps {
  title: string
  /** What will be gone. */
  children: ReactNode
  /** What the button says: "Delete". */
  submit: string
  /** Must be typed before; left out, a click is enough. */
  name?: string
  work: () => Promise<unknown>
  onDone: () => void
  onClose: () => void
}

/** Asks before something is done that cannot be taken back. */
export function Confirm ({ title, children, submit, name, work, onDone, onClose }: ConfirmProps) {
  const [typed, setTyped] = useState('')
  const action = useAction(work, onDone)
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        action={action} submit={submit} look='danger' onCancel={onClose}
        disabled={name !== undefined && typed !== name} onSubmit={() => action.run()}
      >
        {children}
        {name !== undefined && (
          <TextField
            label={<>Type <strong className='name'>{name}</strong> to go on</>} value={typed}
            onChange={event => setTyped(event.target.value)}
          />
        )}
      </Form>
    </Dialog>
  )
}
