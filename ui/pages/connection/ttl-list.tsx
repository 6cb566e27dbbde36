import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { TextField } from '../../components/field.tsx'

const MOST_SECONDS = 2_592_000

export interface TtlListProps {
  /** Seconds by tool name. */
  ttls: Record<string, number>
  disabled: boolean
  onChange: (ttls: Record<string, number>) => void
}

/** For how long answers are kept, where it is not the tool's own time. */
export function TtlList ({ ttls, disabled, onChange }: TtlListProps) {
  const [tool, setTool] = useState('')
  const isName = /^[a-z0-9_]{1,40}$/.test(tool)
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
      <div className='ttl'>
        <TextField
          label='Another tool' placeholder='get_quote' className='mono' value={tool} onChange={event => setTool(event.target.value)}
          hint='Every tool has a time of its own, which holds where nothing is said here.'
        />
        <Button
          disabled={!isName || tool in ttls}
          onClick={() => {
            onChange({ ...ttls, [tool]: 60 })
            setTool('')
          }}
        >
          <Plus aria-hidden /> Add
        </Button>
      </div>
    </fieldset>
  )
}
