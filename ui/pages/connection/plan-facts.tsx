import type { ProviderUsage } from '../../api/types.ts'
import { Note } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'

const SOURCES = { plan: 'the free plan', learned: 'what the provider said', set: 'this connection’s settings' }

/** What is known of a key's plan: its limits, how much of them is used, and what it was refused for. */
export function PlanFacts ({ usage }: { usage: ProviderUsage | undefined }) {
  if (!usage) return null
  const { windows, blocked_until: blocked, not_entitled: refusals } = usage
  return (
    <div className='plan-facts'>
      {blocked && <Note tone='warn'>Its limit is reached: nothing is sent before <Time at={blocked} />.</Note>}
      <ul>
        {windows.map(({ per, used, limit, source }) => (
          <li key={per}>
            {limit === null
              ? <>{used} requests in the last {per}, no limit</>
              : (
                <label title={`Known from ${SOURCES[source]}`}>
                  {used} of {limit} requests in a {per}
                  <meter min={0} max={limit} high={limit * 0.8} value={used} />
                </label>
                )}
          </li>
        ))}
      </ul>
      {refusals.length > 0 && (
        <details>
          <summary>Not in its plan: {[...new Set(refusals.map(({ capability }) => capability.replaceAll('_', ' ')))].join(', ')}</summary>
          <ul>
            {refusals.map(({ capability, endpoint, message, until }) => (
              <li key={capability + endpoint}>
                <strong>{capability.replaceAll('_', ' ')}</strong> ({endpoint}): {message} Not asked again before <Time at={until} />, or until
                it is tested.
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  )
}
