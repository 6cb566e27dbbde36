import { useQuery } from '@tanstack/react-query'
import { Check, CircleDashed, CircleX, KeyRound, Minus, TriangleAlert } from 'lucide-react'
import { queries } from '../../api/queries.ts'
import type { Entitlements } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { Loaded } from '../../components/loading.tsx'
import { Time } from '../../components/time.tsx'

type Cell = Entitlements['capabilities'][number]['providers'][number]

const STATES = {
  supported: { icon: Check, words: 'answers' },
  keyless: { icon: CircleDashed, words: 'answers for crypto, without a key' },
  refused: { icon: TriangleAlert, words: 'was refused for the plan' },
  key_refused: { icon: CircleX, words: 'refused the key' },
  needs_key: { icon: KeyRound, words: 'needs a key' },
  absent: { icon: Minus, words: 'has nothing of the kind' }
} as const

/** Who answers what over this connection: as it is known, and as refusals have taught. */
export function EntitlementMatrix ({ connectionId }: { connectionId: string }) {
  return (
    <Card title='Who answers what'>
      <Loaded query={useQuery(queries.entitlements(connectionId))}>
        {entitlements => <><Matrix {...entitlements} /><Refusals {...entitlements} /></>}
      </Loaded>
    </Card>
  )
}

function Matrix ({ providers, capabilities }: Entitlements) {
  const met = new Set<string>(capabilities.flatMap(({ providers }) => providers.map(({ state }) => state)))
  return (
    <>
      <div className='scroll' role='region' aria-label='Capabilities by provider' tabIndex={0}>
        <table className='matrix'>
          <caption className='unseen'>Capabilities by provider; a number is the place in the order in which they are asked</caption>
          <thead>
            <tr><th scope='col'>Data</th>{providers.map(({ provider, title }) => <th key={provider} scope='col'>{title}</th>)}</tr>
          </thead>
          <tbody>
            {capabilities.map(({ capability, providers }) => (
              <tr key={capability}>
                <th scope='row'>{toWords(capability)}</th>
                {providers.map(cell => <td key={cell.provider} className={cell.state}><State cell={cell} /></td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ul className='legend'>
        {Object.entries(STATES).filter(([state]) => met.has(state)).map(([state, { icon: Icon, words }]) => (
          <li key={state} className={state}><Icon aria-hidden /> {words}</li>
        ))}
        <li><sup>1</sup> is asked first</li>
      </ul>
    </>
  )
}

function State ({ cell: { state, place } }: { cell: Cell }) {
  const { icon: Icon, words } = STATES[state]
  return (
    <span title={words}>
      <Icon aria-hidden />
      <span className='unseen'>{words}{place ? `, asked as number ${place}` : ''}</span>
      {place && state !== 'absent' && <sup aria-hidden>{place}</sup>}
    </span>
  )
}

function Refusals ({ providers, capabilities }: Entitlements) {
  const titleOf = (name: string) => providers.find(({ provider }) => provider === name)?.title ?? name
  const refused = capabilities.flatMap(({ capability, providers }) =>
    providers.flatMap(({ provider, refusals }) => refusals.map(refusal => ({ capability, provider, ...refusal }))))
  if (!refused.length) return null
  return (
    <details>
      <summary>What the plans do not include, as far as it was met ({refused.length})</summary>
      <ul className='refusals'>
        {refused.map(({ capability, provider, endpoint, message, learned_at: since, until }) => (
          <li key={provider + capability + endpoint}>
            <strong>{titleOf(provider)}, {toWords(capability)}</strong> (<code>{endpoint}</code>),
            {' '}<Time at={since} relative />: {message}
            {' '}Not asked again before <Time at={until} />, or until the key is tested.
          </li>
        ))}
      </ul>
    </details>
  )
}

const toWords = (capability: string) => capability.replaceAll('_', ' ').replace(/^etf\b/, 'ETF')
