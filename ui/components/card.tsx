import { useId, type ReactNode } from 'react'

export interface CardProps {
  title?: ReactNode
  /** Beside the title: a state, a button. */
  aside?: ReactNode
  children: ReactNode
  className?: string
}

export function Card ({ title, aside, children, className = '' }: CardProps) {
  const id = useId()
  return (
    <section className={`card ${className}`} aria-labelledby={title ? id : undefined}>
      {title && (
        <header>
          <h2 id={id}>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  )
}
