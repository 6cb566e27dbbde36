import { useEffect, type ReactNode } from 'react'

const PRODUCT = 'Financial MCP Server'

export interface PageHeaderProps {
  title: string
  /** Links that lead here from above. */
  above?: ReactNode
  /** What the page is for, in a sentence. */
  lead?: ReactNode
  actions?: ReactNode
}

/** Each page begins with one; the window is named after it. */
export function PageHeader ({ title, above, lead, actions }: PageHeaderProps) {
  useEffect(() => { document.title = `${title} · ${PRODUCT}` }, [title])
  return (
    <header className='page-header'>
      <div>
        {above && <p className='above'>{above}</p>}
        <h1>{title}</h1>
        {lead && <p className='lead'>{lead}</p>}
      </div>
      {actions && <div className='buttons'>{actions}</div>}
    </header>
  )
}
