import { X } from 'lucide-react'
import { useEffect, useId, useRef, type ReactNode } from 'react'
import { Button } from './button.tsx'

export interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
}

/** Open as long as it is rendered. The browser keeps the focus inside, and Escape closes it. */
export function Dialog ({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
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
