import { useState } from 'react'
import { ProblemError } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import type { Action } from '../../hooks/use-action.ts'
import { FieldInput } from './field-input.tsx'
import { toArguments, toFaults, type Field, type Values } from './fields.ts'

export interface ToolFormProps {
  fields: readonly Field[]
  values: Values
  action: Pick<Action<never[]>, 'pending' | 'error'>
  onChange: (values: Values) => void
  onCall: (args: Record<string, unknown>) => void
  /** Puts back what the form starts with. */
  onReset: () => void
}

/** A tool's arguments. What is wrong is said beside each field, before anything is sent and as the server says it. */
export function ToolForm ({ fields, values, action, onChange, onCall, onReset }: ToolFormProps) {
  const [faults, setFaults] = useState<Record<string, string>>({})
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set())
  const refused = toRefused(action.error)
  const input = (field: Field) => (
    <FieldInput
      key={field.name} field={field} value={values[field.name] ?? ''}
      fault={faults[field.name] ?? (changed.has(field.name) ? undefined : refused[field.name])}
      onChange={value => {
        const { [field.name]: _, ...others } = faults
        setFaults(others)
        setChanged(new Set([...changed, field.name]))
        onChange({ ...values, [field.name]: value })
      }}
    />
  )
  function send (form: HTMLFormElement) {
    if (action.pending) return
    const found = toFaults(fields, values)
    setFaults(found)
    setChanged(new Set())
    const first = fields.find(({ name }) => found[name])
    if (!first) return onCall(toArguments(fields, values))
    if (first.isMinor) form.querySelector('details')?.setAttribute('open', '')
    form.querySelector<HTMLElement>(`[name="${first.name}"]`)?.focus()
  }
  const minor = fields.filter(({ isMinor }) => isMinor)
  return (
    // The browser's own bubbles would stand before what is said beside the fields.
    <form noValidate onSubmit={event => { event.preventDefault(); send(event.currentTarget) }}>
      {fields.length === 0 && <p className='hint'>It takes no arguments.</p>}
      <div className='tool-fields'>{fields.filter(({ isMinor }) => !isMinor).map(input)}</div>
      {minor.length > 0 && (
        <details open={minor.some(({ name }) => faults[name] ?? refused[name]) || undefined}>
          <summary>How it is answered, and by whom</summary>
          <div className='tool-fields'>{minor.map(input)}</div>
        </details>
      )}
      <div className='buttons'>
        <Button type='submit' look='primary' pending={action.pending}>Call</Button>
        {fields.length > 0 && (
          <Button onClick={() => { setFaults({}); setChanged(new Set()); onReset() }}>Start over</Button>
        )}
      </div>
    </form>
  )
}

/** What the server said of fields: of a list, of its first part that is wrong. */
function toRefused (error: Error | undefined): Record<string, string> {
  const errors = error instanceof ProblemError ? error.body.errors ?? [] : []
  return Object.fromEntries(errors.toReversed().map(({ path, message }) => [path.split(/[/.]/)[0] ?? '', toSentence(message)]))
}

/** Most say what the value must be; others are sentences but for their capital. */
const toSentence = (message: string) =>
  /^(must|is|has) /.test(message) ? `It ${message}.` : `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
