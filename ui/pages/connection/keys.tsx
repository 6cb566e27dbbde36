import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import type { Connection } from '../../api/types.ts'
import { Note } from '../../components/note.tsx'
import { KEYED } from '../../providers.ts'
import { KeyCard } from './key-card.tsx'

/** A card for each provider. */
export function Keys ({ connection }: { connection: Connection }) {
  const usage = useQuery(queries.connectionUsage(connection.id))
  if (connection.name === 'sample') {
    return (
      <Note title='This connection needs no key'>
        <p>It answers with a made-up market, for trying things out. Real data come from a connection of your own.</p>
      </Note>
    )
  }
  return (
    <div className='cards'>
      {KEYED.map(provider => (
        <KeyCard
          key={provider} provider={provider} connection={connection}
          usage={usage.data?.find(row => row.provider === provider)}
        />
      ))}
    </div>
  )
}
