import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { queries } from '../../api/queries.ts'
import { Button } from '../../components/button.tsx'
import { SelectField, TextField } from '../../components/field.tsx'

const MOST_SECONDS = 2_592_000
/** What a tool begins with when it is chosen. */
const FIRST_SECONDS = 60

export interface TtlListProps {
  connectionId: string
  /** Seconds by tool name. */
  ttls: Record<string, number>
  disabled: boolean
  onChange: (ttls: Record<string, number>) => void
}

/** For how long answers are kept, where it is not the tool's own time. */
export function TtlList ({ connectionId, ttls, disabled, onChange }: TtlListProps) {
  const { data } = useQuery(queries.tools(connectionId))
  const others = data?.tools.filter(({ name }) => !(name in ttls)) ?? []
  return (
    <fieldset className='field' disabled={disabled}>
      <legend>Seconds that a tool’s answers are kept</legend>
      {Object.entries(ttls).map(([name, seconds]) => (
        <div key={name} className='ttl'>
          <TextField
            label={<code>{name}</code>} type='number' min={0} max={MOST_SECONDS} required value={String(seconds)}
            onChange={event => onChange({ ...ttls, [name]: Number(event.target.value) })}
          />
          <Button
            look='quiet' aria-label={`The tool’s own time for ${name}`}
            onClick={() => onChange(Object.fromEntries(Object.entries(ttls).filter(([other]) => other !== name)))}
          >
            <X aria-hidden />
          </Button>
        </div>
      ))}
      <SelectField
        label='Another tool' value='' hint='Every tool has a time of its own, which holds where nothing is said here.'
        onChange={event => onChange({ ...ttls, [event.target.value]: FIRST_SECONDS })}
      >
        <option value=''>Choose…</option>
        {others.map(({ name, title }) => <option key={name} value={name}>{title} ({name})</option>)}
      </SelectField>
    </fieldset>
  )
}
