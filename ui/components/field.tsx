import { useId, type ComponentProps, type ReactNode } from 'react'

interface Wiring { id: string, 'aria-describedby': string | undefined, 'aria-invalid': true | undefined }

export interface FieldProps {
  label: ReactNode
  hint?: ReactNode
  /** What is wrong with it. */
  error?: string | undefined
  children: (wiring: Wiring) => ReactNode
}

/** A label, the control, a hint, and what is wrong with it, tied together. */
export function Field ({ label, hint, error, children }: FieldProps) {
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div className='field'>
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? true : undefined })}
      {hint && <p id={`${id}-hint`} className='hint'>{hint}</p>}
      {error && <p id={`${id}-error`} className='fault'>{error}</p>}
    </div>
  )
}

type Labelled = Omit<FieldProps, 'children'>

export function TextField ({ label, hint, error, ...props }: Labelled & ComponentProps<'input'>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {wiring => <input type='text' autoComplete='off' spellCheck={false} {...props} {...wiring} />}
    </Field>
  )
}

export function SelectField ({ label, hint, error, children, ...props }: Labelled & ComponentProps<'select'>) {
  return (
    <Field label={label} hint={hint} error={error}>
      {wiring => <select {...props} {...wiring}>{children}</select>}
    </Field>
  )
}

export function CheckField ({ label, hint, error, ...props }: Labelled & ComponentProps<'input'>) {
  const id = useId()
  return (
    <div className='field check'>
      <input type='checkbox' {...props} id={id} aria-describedby={hint ? `${id}-hint` : undefined} />
      <label htmlFor={id}>{label}</label>
      {hint && <p id={`${id}-hint`} className='hint'>{hint}</p>}
      {error && <p className='fault'>{error}</p>}
    </div>
  )
}
