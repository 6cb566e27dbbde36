import { Eye, EyeOff } from 'lucide-react'
import { useState, type ComponentProps, type ReactNode } from 'react'
import { Button } from './button.tsx'
import { Field } from './field.tsx'

export interface PasswordFieldProps extends Omit<ComponentProps<'input'>, 'type'> {
  label: string
  hint?: ReactNode
  error?: string | undefined
}

/** A password, which its owner may look at while typing. */
export function PasswordField ({ label, hint, error, ...props }: PasswordFieldProps) {
  const [isShown, setShown] = useState(false)
  return (
    <Field label={label} hint={hint} error={error}>
      {wiring => (
        <div className='with-button'>
          <input {...props} {...wiring} type={isShown ? 'text' : 'password'} spellCheck={false} />
          <Button look='quiet' aria-label={isShown ? 'Hide the password' : 'Show the password'} onClick={() => setShown(!isShown)}>
            {isShown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
          </Button>
        </div>
      )}
    </Field>
  )
}
