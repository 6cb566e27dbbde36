import { useLayoutEffect, useRef } from 'react'
import { Link } from 'wouter'

export interface Part {
  /** The last word of its address; empty: the first one has none. */
  part: string
  title: string
}

export interface PartsProps {
  /** What it is made of them, for those who do not see it. */
  label: string
  /** The address of the first one. */
  base: string
  parts: readonly Part[]
  shown: string
}

/** The parts of a page, each with an address of its own. On a phone the one that is shown is scrolled to. */
export function Parts ({ label, base, parts, shown }: PartsProps) {
  const list = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const link = list.current?.querySelector<HTMLElement>('[aria-current]')
    if (link) list.current?.scrollTo({ left: link.offsetLeft - list.current.offsetLeft - link.offsetWidth })
  }, [shown])
  return (
    <nav className='parts' aria-label={label} ref={list}>
      {parts.map(({ part, title }) => (
        <Link key={part} href={part ? `${base}/${part}` : base} aria-current={part === shown ? 'page' : undefined}>{title}</Link>
      ))}
    </nav>
  )
}
