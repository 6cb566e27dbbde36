import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import type { Connection, ListedSession, UsageQuery } from '../../api/types.ts'
import { SelectField } from '../../components/field.tsx'
import { useSessions } from '../sessions/use-sessions.ts'

export interface FiltersProps {
  connections: Connection[]
  question: UsageQuery
  onChange: (question: UsageQuery) => void
}

/** Narrows the figures to a connection, one session of it, a tool. */
export function Filters ({ connections, question, onChange }: FiltersProps) {
  const { connection_id: connection, session_id: session, tool } = question
  const { data: listed = [] } = useSessions(connections.filter(({ id }) => (connection ?? id) === id))
  const change = (part: Record<string, string>) => onChange({ ...question, ...part })
  return (
    <div className='filters'>
      <SelectField
        label='Connection' value={connection ?? ''}
        onChange={({ target }) => change({ connection_id: target.value, session_id: '' })}
      >
        <option value=''>all</option>
        {connections.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
      </SelectField>
      <SelectField label='Session' value={session ?? ''} onChange={({ target }) => change({ session_id: target.value })}>
        <option value=''>all</option>
        {session && !listed.some(({ session_id: id }) => id === session) && <option value={session}>{session}</option>}
        {listed.map(one => <option key={one.session_id} value={one.session_id}>{titleOf(one)}</option>)}
      </SelectField>
      {connections[0] && <ToolFilter connectionId={connections[0].id} tool={tool ?? ''} onChange={tool => change({ tool })} />}
    </div>
  )
}

const titleOf = ({ name, token_last_four: last }: ListedSession) => name ?? `…${last}`

interface ToolFilterProps { connectionId: string, tool: string, onChange: (tool: string) => void }

function ToolFilter ({ connectionId, tool, onChange }: ToolFilterProps) {
  const { data } = useQuery(queries.tools(connectionId))
  const names = data?.tools.map(({ name }) => name) ?? []
  return (
    <SelectField label='Tool' value={tool} onChange={({ target }) => onChange(target.value)}>
      <option value=''>all</option>
      {tool && !names.includes(tool) && <option value={tool}>{tool}</option>}
      {names.map(name => <option key={name}>{name}</option>)}
    </SelectField>
  )
}
