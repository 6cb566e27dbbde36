import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useParams } from 'wouter'
import { queries } from '../../api/queries.ts'
import type { Connection, Tool } from '../../api/types.ts'
import { SelectField } from '../../components/field.tsx'
import { Empty, Loaded, PageSkeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { recallConnection, rememberConnection } from './remembered.ts'
import { ToolList } from './tool-list.tsx'
import { ToolPanel } from './tool-panel.tsx'
import './playground.css'

export default function Playground () {
  return (
    <>
      <PageHeader title='Playground' lead='Call any tool over a connection, and see what a client gets and what its model reads.' />
      <Loaded query={useQuery(queries.connections())} skeleton={<PageSkeleton />}>
        {connections => connections.length
          ? <Catalogue connections={connections} />
          : <Empty title='No connection yet'><p>A tool is called over one: <Link href='/connections'>create a connection</Link>.</p></Empty>}
      </Loaded>
    </>
  )
}

function Catalogue ({ connections }: { connections: Connection[] }) {
  const [wanted, setWanted] = useState(recallConnection)
  const [usual] = connections.toSorted((a, b) => b.credentials.length - a.credentials.length)
  const connection = connections.find(({ id }) => id === wanted) ?? usual!
  const choose = (id: string) => {
    rememberConnection(id)
    setWanted(id)
  }
  return (
    <Loaded query={useQuery(queries.tools(connection.id))} skeleton={<PageSkeleton />}>
      {({ tools }) => (
        <Workbench tools={tools} connection={connection}>
          <SelectField label='Connection' value={connection.id} onChange={({ target }) => choose(target.value)}>
            {connections.map(({ id, name }) => <option key={id} value={id}>{name}{name === 'sample' ? ' (made-up prices)' : ''}</option>)}
          </SelectField>
        </Workbench>
      )}
    </Loaded>
  )
}

interface WorkbenchProps { tools: Tool[], connection: Connection, children: React.ReactNode }

/** The tools beside the chosen one; on a phone one of the two. */
function Workbench ({ tools, connection, children }: WorkbenchProps) {
  const { tool: name } = useParams<{ tool?: string }>()
  const tool = tools.find(tool => tool.name === name)
  return (
    <div className={name ? 'workbench with-tool' : 'workbench'}>
      <ToolList tools={tools} chosen={name} />
      <div className='bench'>
        {name && <Link href='/playground' className='to-tools'>All tools</Link>}
        <div className='over'>{children}</div>
        {tool
          ? <ToolPanel key={`${tool.name} ${connection.id}`} tool={tool} connection={connection} />
          : (
            <Empty title={name ? 'There is no such tool' : 'No tool chosen'}>
              <p>Choose one out of the list, such as <Link href='/playground/get_bars'>Price bars</Link>.</p>
            </Empty>
            )}
      </div>
    </div>
  )
}
