import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import type { Connection } from '../../api/types.ts'
import { Loaded, Skeleton } from '../../components/loading.tsx'
import { Note } from '../../components/note.tsx'
import { KEYED } from '../../providers.ts'
import { EntitlementMatrix } from './entitlement-matrix.tsx'
import { KeyCard } from './key-card.tsx'

/** A card for each provider, and what comes of their keys together. */
export function Keys ({ connection }: { connection: Connection }) {
  const usage = useQuery(queries.connectionUsage(connection.id))
  const providers = useQuery(queries.providers())
  return (
    <>
      {connection.name === 'sample'
        ? (
          <Note title='This connection needs no key'>
            <p>
              It answers with a made-up market, for trying things out. Real data come from a connection of your own.
            </p>
          </Note>
          )
        : (
          <Loaded query={providers} skeleton={<Skeleton lines={12} className='of-table' />}>
            {infos => (
              <div className='cards'>
                {KEYED.map(provider => (
                  <KeyCard
                    key={provider} provider={provider} connection={connection}
                    info={infos.find(info => info.provider === provider)}
                    usage={usage.data?.find(row => row.provider === provider)}
                  />
                ))}
              </div>
            )}
          </Loaded>
          )}
      <EntitlementMatrix connectionId={connection.id} />
    </>
  )
}
