import type { ComponentProps, FormEvent } from 'react'
import type { Action } from '../hooks/use-action.ts'
import { Button } from './button.tsx'
import { ErrorNote } from './note.tsx'

export interface FormProps extends Omit<ComponentProps<'form'>, 'onSubmit' | 'action'> {
  /** Its state is shown: what runs, what failed. */
  action: Pick<Action<never[]>, 'pending' | 'error'>
  /** What the fields hold, by name. */
  onSubmit: (values: Record<string, string>, form: HTMLFormElement) => void
  submit: string
  look?: 'primary' | 'danger'
  onCancel?: (() => void) | undefined
  /** What that button says. */
  cancel?: string
  disabled?: boolean
}

/** Fields, what went wrong, and the buttons. The browser checks first what the fields say of themselves. */
export function Form ({
  action, onSubmit, submit, look = 'primary', onCancel, cancel = 'Cancel', disabled, children, ...props
}: FormProps) {
  function send (event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    event.stopPropagation()
    const form = event.currentTarget
    if (action.pending || disabled) return
    onSubmit(Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)])), form)
  }
  return (
    <form {...props} onSubmit={send}>
      {children}
      <ErrorNote error={action.error} />
      <div className='buttons'>
        <Button type='submit' look={look} pending={action.pending} disabled={disabled}>{submit}</Button>
        {onCancel && <Button onClick={onCancel}>{cancel}</Button>}
      </div>
    </form>
  )
}
