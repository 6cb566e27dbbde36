import { useQuery } from '@tanstack/react-query'
import { Badge } from '../../components/badge.tsx'
import { Card } from '../../components/card.tsx'
import { Loaded, Skeleton } from '../../components/loading.tsx'
import { Note } from '../../components/note.tsx'
import { Backup } from './backup.tsx'
import { systemQueries, type System } from './queries.ts'
import { RewrapCard } from './rewrap.tsx'

const TONES = { primary: 'good', 'in the ring': 'neutral', missing: 'bad', wrong: 'bad' } as const

/** What seals the stored secrets, and the copy of everything. */
export function Keys () {
  const system = useQuery(systemQueries.system())
  return (
    <Loaded query={system} skeleton={<Skeleton lines={12} className='of-table' />}>
      {({ keys }) => (
        <>
          <Card title='Master keys'>
            {keys
              ? <Ring {...keys} />
              : <Note tone='warn'><p>The database does not answer, so nothing is known of what each key seals.</p></Note>}
          </Card>
          <div className='cards'><RewrapCard /><Backup /></div>
        </>
      )}
    </Loaded>
  )
}

function Ring ({ source, keys }: NonNullable<System['keys']>) {
  const isBroken = keys.some(({ state }) => state === 'missing' || state === 'wrong')
  return (
    <>
      <p>
        {source ? <>The ring stands in <code>{source}</code>. </> : 'There is no ring. '}
        <span className='hint'>Keep a copy of it, apart from the backups: without it no stored secret can be opened.</span>
      </p>
      <div className='scroll' role='region' aria-label='What each key seals' tabIndex={0}>
        <table className='plain-table'>
          <thead>
            <tr><th scope='col'>Key</th><th scope='col'>State</th><th scope='col' className='right'>Connections</th><th scope='col' className='right'>Server</th></tr>
          </thead>
          <tbody>
            {keys.map(({ kid, state, data_keys: data, system_keys: own }) => (
              <tr key={kid}>
                <th scope='row' className='mono'>{kid}</th>
                <td><Badge tone={TONES[state]}>{state}</Badge></td>
                <td className='right'>{data.toLocaleString()}</td>
                <td className='right'>{own.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {isBroken && (
        <Note tone='bad' title='Something is sealed by a key that is not here'>
          <p>Put the key back into the ring under its name. What it seals cannot be opened until then.</p>
        </Note>
      )}
    </>
  )
}
