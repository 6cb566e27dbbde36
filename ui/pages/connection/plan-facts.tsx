import type { ProviderUsage } from '../../api/types.ts'
import { Note } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'

const SOURCES = {
  plan: 'the provider’s free plan', learned: 'what the provider said', set: 'this connection’s settings'
}

/** What is known of a key's plan: its limits, where they are known from, and how much of them is used. */
export function PlanFacts ({ usage }: { usage: ProviderUsage | undefined }) {
  if (!usage) return <div className='plan-facts' />
  const { windows, blocked_until: blocked } = usage
  return (
    <div className='plan-facts'>
      {blocked && <Note tone='warn'>Its limit is reached: nothing is sent before <Time at={blocked} />.</Note>}
      <ul>
        {windows.map(({ per, used, limit, source }) => (
          <li key={per}>
            {limit === null
              ? <>{used.toLocaleString()} requests in the last {per}, no limit</>
              : (
                <label title={`The limit is known from ${SOURCES[source]}`}>
                  {used.toLocaleString()} of {limit.toLocaleString()} requests a {per}
                  <meter min={0} max={limit} high={limit * 0.8} value={used} />
                </label>
                )}
          </li>
        ))}
      </ul>
    </div>
  )
}
