import { House, KeyRound, Plug, type LucideIcon } from 'lucide-react'
import { lazy, type ComponentType } from 'react'

export interface Page {
  path: string
  Page: ComponentType
  /** How the navigation shows it; absent: it is reached from another page. */
  nav: { title: string, icon: LucideIcon } | undefined
}

const page = (path: string, load: () => Promise<{ default: ComponentType }>, nav?: Page['nav']): Page =>
  ({ path, Page: lazy(load), nav })

/** Every page, each loaded when it is opened. The first that fits a path is shown. */
export const PAGES: Page[] = [
  page('/', () => import('./overview/index.tsx'), { title: 'Overview', icon: House }),
  page('/connections', () => import('./connections/index.tsx'), { title: 'Connections', icon: Plug }),
  page('/connections/:id/:tab?', () => import('./connection/index.tsx')),
  page('/sessions', () => import('./sessions/index.tsx'), { title: 'Sessions', icon: KeyRound }),
  page('/sessions/new', () => import('./sessions/new.tsx')),
  page('/sessions/:id', () => import('./sessions/session.tsx'))
]
