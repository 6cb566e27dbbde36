import type { Scope } from '../../api/types.ts'
import { titleOf } from '../../providers.ts'

/** What a session may not, in rows of a list of facts. */
export function ScopeFacts ({ scope }: { scope: Scope }) {
  const { tools, providers, calls_per_day: calls, addresses, answer_tokens: tokens } = scope
  const facts = [
    tools && ['Tools', tools.join(', ')],
    providers && ['Providers', providers.map(titleOf).join(', ')],
    calls && ['Calls in 24 hours', `at most ${calls.toLocaleString()}`],
    addresses && ['Used from', addresses.join(', ')],
    tokens !== undefined && ['Answers', tokens === null ? 'without a limit' : `up to ${tokens.toLocaleString()} tokens`]
  ].filter(Boolean) as [string, string][]
  if (!facts.length) return <><dt>May do</dt><dd>all that its connection may</dd></>
  return facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)
}
