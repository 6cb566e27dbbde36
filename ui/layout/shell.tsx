import { Menu, X } from 'lucide-react'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useLocation } from 'wouter'
import { Button } from '../components/button.tsx'
import { Mark } from './mark.tsx'
import { Navigation } from './navigation.tsx'
import { Viewer } from './viewer.tsx'

/** The navigation beside the page; on a phone above it, behind a button. */
export function Shell ({ children }: { children: ReactNode }) {
  const [location] = useLocation()
  const [isOpen, setOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const former = useRef(location)

  useEffect(() => {
    if (former.current === location) return
    former.current = location
    setOpen(false)
    // A new page is read from its beginning, as if the browser had loaded it.
    main.current?.focus()
    window.scrollTo(0, 0)
  }, [location])

  return (
    <div className='shell'>
      <a className='skip' href='#main' onClick={() => main.current?.focus()}>Skip to the content</a>
      <header>
        <div className='bar'>
          <Mark />
          <Button
            look='quiet' aria-label='Menu' aria-expanded={isOpen} aria-controls='side' onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? <X aria-hidden /> : <Menu aria-hidden />}
          </Button>
        </div>
        <div id='side' className={isOpen ? 'side open' : 'side'}>
          <Mark />
          <Navigation />
          <Viewer />
        </div>
      </header>
      <main id='main' ref={main} tabIndex={-1}>{children}</main>
    </div>
  )
}
