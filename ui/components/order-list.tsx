import { GripVertical } from 'lucide-react'
import { useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'

export interface OrderListProps<T extends string> {
  label: string
  items: readonly T[]
  titleOf: (item: T) => string
  onChange: (items: T[]) => void
  /** Beside each: a button that takes it out. */
  aside?: (item: T) => React.ReactNode
}

/** Things in an order, changed by dragging the handle, or with the arrow keys while it has the focus. */
export function OrderList<T extends string> ({ label, items, titleOf, onChange, aside }: OrderListProps<T>) {
  const list = useRef<HTMLOListElement>(null)
  const [dragged, setDragged] = useState<T>()
  const [said, setSaid] = useState('')

  function move (item: T, to: number) {
    const from = items.indexOf(item)
    if (to < 0 || to >= items.length || to === from) return
    onChange(items.toSpliced(from, 1).toSpliced(to, 0, item))
    setSaid(`${titleOf(item)} is number ${to + 1} of ${items.length}.`)
  }

  function step (event: KeyboardEvent, item: T) {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (by === undefined) return
    event.preventDefault()
    move(item, items.indexOf(item) + by)
  }

  function drag ({ clientY }: PointerEvent) {
    if (dragged === undefined) return
    const rows = [...list.current?.children ?? []].map(row => row.getBoundingClientRect())
    const to = rows.findIndex(({ top, bottom }) => clientY >= top && clientY < bottom)
    if (to >= 0) move(dragged, to)
  }

  return (
    <>
      <ol
        className='order' ref={list} aria-label={label} onPointerMove={drag}
        onLostPointerCapture={() => setDragged(undefined)}
      >
        {items.map((item, index) => (
          <li key={item} className={item === dragged ? 'dragged' : undefined}>
            <button
              type='button' className='handle' aria-label={`${titleOf(item)}, number ${index + 1}. Move it with the arrow keys.`}
              onKeyDown={event => step(event, item)}
              onPointerDown={event => {
                // The row itself is moved about meanwhile, and would lose it.
                list.current?.setPointerCapture(event.pointerId)
                setDragged(item)
              }}
            >
              <GripVertical aria-hidden />
            </button>
            <span>{titleOf(item)}</span>
            {aside?.(item)}
          </li>
        ))}
      </ol>
      <p role='status' className='unseen'>{said}</p>
    </>
  )
}
