import { X } from 'lucide-react'
import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import { Button } from './button.tsx'

export interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
}

/**
 * Open as long as it is rendered: its first field has the focus, which the browser keeps inside and gives back at the
 * end. Escape closes it.
 */
export function Dialog ({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Before the element is taken away: only an open dialog gives the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    dialog?.querySelector<HTMLElement>('input:not([type=hidden]), select')?.focus()
    return () => dialog?.close()
  }, [])

  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={event => {
        // Of this dialog, and not of one that stands in it.
        if (event.target !== ref.current) return
        event.preventDefault()
        onClose()
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <Button look='quiet' size='small' aria-label='Close' onClick={onClose}><X aria-hidden /></Button>
      </header>
      {children}
    </dialog>
  )
}
