import { X } from 'lucide-react'
import { createStore, useStore } from '../store.ts'
import type { Tone } from './badge.tsx'
import { Button } from './button.tsx'

interface Toast { id: number, text: string, tone: Tone }

const SHOWN_MS = 6000
const toasts = createStore<readonly Toast[]>([])
let last = 0

const dismiss = (id: number) => toasts.set(toasts.get().filter(toast => toast.id !== id))

/** Says at the edge of the page what was done. What went wrong stays until it is put away. */
export function toast (text: string, tone: Tone = 'good'): void {
  const id = ++last
  toasts.set([...toasts.get(), { id, text, tone }])
  if (tone !== 'bad') setTimeout(() => dismiss(id), SHOWN_MS)
}

export function Toasts () {
  return (
    <div className='toasts' role='status' aria-live='polite'>
      {useStore(toasts).map(({ id, text, tone }) => (
        <div key={id} className={`toast ${tone}`}>
          {text}
          <Button look='quiet' size='small' aria-label='Put away' onClick={() => dismiss(id)}><X aria-hidden /></Button>
        </div>
      ))}
    </div>
  )
}
