import {
  ChartNoAxesColumn, FlaskConical, House, KeyRound, Plug, ScrollText, Server, type LucideIcon
} from 'lucide-react'
import type { ComponentType } from 'react'
import { opened, type Load } from './opened.tsx'

export interface Page {
  path: string
  Page: ComponentType
  /** How the navigation shows it; absent: it is reached from another page. */
  nav: { title: string, icon: LucideIcon } | undefined
}

const page = (path: string, load: Load, nav?: Page['nav']): Page => ({ path, Page: opened(load), nav })

/** Every page, each loaded when it is opened. The first that fits a path is shown. */
export const PAGES: Page[] = [
  page('/', () => import('./overview/index.tsx'), { title: 'Overview', icon: House }),
  page('/connections', () => import('./connections/index.tsx'), { title: 'Connections', icon: Plug }),
  page('/connections/:id/:tab?', () => import('./connection/index.tsx')),
  page('/sessions', () => import('./sessions/index.tsx'), { title: 'Sessions', icon: KeyRound }),
  page('/sessions/new', () => import('./sessions/new.tsx')),
  page('/sessions/:id', () => import('./sessions/session.tsx')),
  page('/playground', () => import('./playground/index.tsx'), { title: 'Playground', icon: FlaskConical }),
  page('/playground/:tool', () => import('./playground/index.tsx')),
  page('/usage', () => import('./usage/index.tsx'), { title: 'Usage', icon: ChartNoAxesColumn }),
  page('/audit', () => import('./audit/index.tsx'), { title: 'Audit', icon: ScrollText }),
  page('/system', () => import('./system/index.tsx'), { title: 'System', icon: Server }),
  page('/system/:tab', () => import('./system/index.tsx'))
]
