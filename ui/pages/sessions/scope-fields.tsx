import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import { faultOf } from '../../api/problem.ts'
import type { ProviderName, Scope, SessionRequest } from '../../api/types.ts'
import { CheckField, SelectField, TextField } from '../../components/field.tsx'
import { KEYED, titleOf } from '../../providers.ts'

const DAY_SECONDS = 86_400

/** In days; empty: never. */
export const LIFETIMES = [
  ['1', 'In a day'], ['7', 'In a week'], ['30', 'In 30 days'], ['90', 'In 90 days'], ['365', 'In a year'], ['', 'Never']
] as const

/** Tokens of an answer; empty: the server's own limit. */
const ANSWERS = [
  ['', 'Up to 8,000 tokens: for a model'], ['2000', 'Up to 2,000 tokens: for a small model'], ['20000', 'Up to 20,000 tokens'],
  ['none', 'No limit: for a script']
] as const

/** What narrows a session; all of it may stay as it is. */
export function ScopeFields ({ connectionId, error }: { connectionId: string, error: Error | undefined }) {
  const { data: tools } = useQuery(queries.tools(connectionId))
  return (
    <details className='scope'>
      <summary>What it may do</summary>
      <p className='hint'>All that its connection may, where nothing is said here.</p>
      <SelectField label='Answers' name='answer_tokens' error={faultOf(error, 'scope.answer_tokens')}>
        {ANSWERS.map(([tokens, title]) => <option key={tokens} value={tokens}>{title}</option>)}
      </SelectField>
      <fieldset className='field'>
        <legend>Tools</legend>
        <div className='choices columns'>
          {tools?.tools.map(({ name, title }) => <CheckField key={name} label={title} name={`tool.${name}`} />)}
        </div>
        <p className='hint'>None ticked: all.</p>
      </fieldset>
      <fieldset className='field'>
        <legend>Providers</legend>
        <div className='choices'>
          {KEYED.map(provider => <CheckField key={provider} label={titleOf(provider)} name={`provider.${provider}`} />)}
        </div>
        <p className='hint'>None ticked: all of its connection.</p>
      </fieldset>
      <TextField label='Most calls in 24 hours' name='calls_per_day' type='number' min={1} max={10_000_000} hint='Empty: no limit.' />
      <TextField
        label='May be used from' name='addresses' placeholder='192.0.2.0/24' className='mono'
        hint='Ranges of addresses (CIDR), separated by commas. Empty: from everywhere.' error={faultOf(error, 'scope.addresses')}
      />
      <TextField
        label='Ends when unused for so many days' name='idle_days' type='number' min={1} max={365} hint='Empty: it does not.'
      />
    </details>
  )
}

/** What the form's fields ask for. */
export function toSessionRequest (values: Record<string, string>): SessionRequest {
  const { name, lifetime, idle_days: idle, answer_tokens: tokens, calls_per_day: calls } = values
  const tools = namesOf(values, 'tool.')
  const addresses = toList(values['addresses'])
  const providers = namesOf(values, 'provider.') as ProviderName[]
  const scope: Scope = {
    ...tokens && { answer_tokens: tokens === 'none' ? null : Number(tokens) },
    ...tools.length > 0 && { tools },
    ...providers.length > 0 && { providers },
    ...calls && { calls_per_day: Number(calls) },
    ...addresses.length > 0 && { addresses }
  }
  return {
    ...name?.trim() && { name: name.trim() },
    ttl_seconds: lifetime ? Number(lifetime) * DAY_SECONDS : null,
    ...idle && { idle_seconds: Number(idle) * DAY_SECONDS },
    scope
  }
}

/** Of the boxes that are ticked. */
const namesOf = (values: Record<string, string>, prefix: string) =>
  Object.keys(values).filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length))

const toList = (text = '') => text.split(/[\s,]+/).filter(Boolean)
