import { CheckField, SelectField, TextField } from '../../components/field.tsx'
import { toLabel, type Field } from './fields.ts'

export interface FieldInputProps {
  field: Field
  value: string
  fault: string | undefined
  onChange: (value: string) => void
}

/** The control that an argument of this kind is given with. */
export function FieldInput ({ field, value, fault, onChange }: FieldInputProps) {
  const { name, kind, isRequired, choices, usual, example, hint, rule } = field
  const common = {
    label: isRequired ? <>{field.label} <span className='hint'>needed</span></> : field.label,
    hint: kind === 'text' && !hint && example ? `Such as ${example}.` : hint,
    error: fault,
    name,
    'aria-required': isRequired || undefined
  }
  if (kind === 'choices') return <Choices {...{ field, value, fault, onChange }} />
  if (kind === 'flag') {
    return <CheckField {...common} checked={value === 'true'} onChange={({ target }) => onChange(target.checked ? 'true' : '')} />
  }
  if (kind === 'choice') {
    return (
      <SelectField {...common} value={value || (usual ?? '')} onChange={({ target }) => onChange(target.value)}>
        {!isRequired && usual === undefined && <option value=''>any</option>}
        {choices.map(choice => <option key={choice} value={choice}>{choice}{choice === usual ? ' (usual)' : ''}</option>)}
      </SelectField>
    )
  }
  return (
    <TextField
      {...common} value={value} onChange={({ target }) => onChange(target.value)}
      type={kind === 'number' ? 'number' : kind === 'day' ? 'date' : 'text'}
      min={rule.minimum} max={rule.maximum} step={rule.type === 'number' ? 'any' : undefined}
      placeholder={usual ?? example}
    />
  )
}

/** Several out of a few. */
function Choices ({ field: { label, name, choices }, value, fault, onChange }: FieldInputProps) {
  const chosen = value.split(',').filter(Boolean)
  const toggle = (choice: string) => choices.filter(one => chosen.includes(one) !== (one === choice))
  return (
    <fieldset className='field'>
      <legend>{label}</legend>
      <div className='choices'>
        {choices.map(choice => (
          <CheckField
            key={choice} label={toLabel(choice)} name={`${name}.${choice}`} checked={chosen.includes(choice)}
            onChange={() => onChange(toggle(choice).join(','))}
          />
        ))}
      </div>
      {fault ? <p className='fault'>{fault}</p> : <p className='hint'>None ticked: all.</p>}
    </fieldset>
  )
}
