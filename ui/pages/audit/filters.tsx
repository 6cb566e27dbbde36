import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import { SelectField, TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { ACTIONS, OUTCOMES } from './words.ts'
import { toFilter, toLocal, type AuditFilter } from './filter.ts'

const IDLE = { pending: false, error: undefined }

export interface FiltersProps {
  filter: AuditFilter
  onChange: (filter: AuditFilter) => void
}

/** What narrows the log: it holds together, and is exact but for the times. */
export function Filters ({ filter, onChange }: FiltersProps) {
  const { data: connections = [] } = useQuery(queries.connections())
  const isFiltered = Object.keys(filter).length > 0
  return (
    // What the address says is what the fields begin with.
    <Form
      key={JSON.stringify(filter)} action={IDLE} submit='Filter' className='filters' role='search' aria-label='Filter the events'
      onSubmit={values => onChange(toFilter(values))} onCancel={isFiltered ? () => onChange({}) : undefined} cancel='Clear'
    >
      <TextField label='Action' name='action' defaultValue={filter.action} maxLength={200} list='actions' placeholder='tool.call' />
      <TextField label='Actor' name='actor' defaultValue={filter.actor} maxLength={200} placeholder='admin:ada' />
      <TextField label='Target' name='target' defaultValue={filter.target} maxLength={200} placeholder='get_quote' />
      <TextField label='Outcome' name='outcome' defaultValue={filter.outcome} maxLength={200} list='outcomes' placeholder='ok' />
      <SelectField label='Connection' name='connection_id' defaultValue={filter.connection_id ?? ''} key={connections.length}>
        <option value=''>any</option>
        {connections.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        {filter.connection_id && !connections.some(({ id }) => id === filter.connection_id) && (
          <option value={filter.connection_id}>{filter.connection_id}</option>
        )}
      </SelectField>
      <TextField label='Since' name='since' type='datetime-local' defaultValue={toLocal(filter.since)} />
      <TextField label='Until' name='until' type='datetime-local' defaultValue={toLocal(filter.until)} />
      {filter.session_id && <TextField label='Session' name='session_id' defaultValue={filter.session_id} className='mono' />}
      <datalist id='actions'>{ACTIONS.map(action => <option key={action} value={action} />)}</datalist>
      <datalist id='outcomes'>{OUTCOMES.map(outcome => <option key={outcome} value={outcome} />)}</datalist>
    </Form>
  )
}
