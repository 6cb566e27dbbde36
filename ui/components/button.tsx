import { LoaderCircle } from 'lucide-react'
import type { ComponentProps } from 'react'

export interface ButtonProps extends ComponentProps<'button'> {
  look?: 'primary' | 'plain' | 'quiet' | 'danger'
  size?: 'small' | 'medium'
  /** Its work is under way: it turns, and takes no further click. */
  pending?: boolean
}

export function Button ({
  look = 'plain', size = 'medium', pending = false, type = 'button', className = '', children, onClick, ...props
}: ButtonProps) {
  return (
    <button
      {...props}
      type={type}
      className={`button ${look} ${size} ${className}`}
      aria-busy={pending || undefined}
      // A disabled button would lose the focus: it stays, and does nothing.
      aria-disabled={pending || undefined}
      onClick={event => {
        if (pending) event.preventDefault()
        else onClick?.(event)
      }}
    >
      {pending && <LoaderCircle className='turning' aria-hidden />}
      {children}
    </button>
  )
}
