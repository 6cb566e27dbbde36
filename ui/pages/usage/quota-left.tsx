import { useQueries } from '@tanstack/react-query'
import { Link } from 'wouter'
import { queries } from '../../api/queries.ts'
import type { Connection, ProviderUsage } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { ErrorNote } from '../../components/note.tsx'
import { Skeleton } from '../../components/loading.tsx'
import { titleOf } from '../../providers.ts'
import { PlanFacts } from '../connection/plan-facts.tsx'
import '../connection/connection.css'

const ANEW_MS = 15_000

/** What each key may still send, by connection. */
export function QuotaLeft ({ connections }: { connections: Connection[] }) {
  const keyed = connections.filter(({ credentials }) => credentials.length > 0)
  const answers = useQueries({
    queries: keyed.map(({ id }) => ({ ...queries.connectionUsage(id), refetchInterval: ANEW_MS }))
  })
  if (!keyed.length) return null
  return (
    <section className='part'>
      <h2>Left at the providers</h2>
      <div className='cards'>
        {keyed.map(({ id, name }, i) => (
          <Card key={id} title={<Link href={`/connections/${id}`} className='name'>{name}</Link>}>
            <ErrorNote error={answers[i]?.data ? undefined : answers[i]?.error} />
            {answers[i]?.isPending && <Skeleton lines={3} />}
            {answers[i]?.data?.filter(isLimited).map(usage => <Provider key={usage.provider} usage={usage} />)}
          </Card>
        ))}
      </div>
    </section>
  )
}

const isLimited = ({ has_key: hasKey, windows }: ProviderUsage) => hasKey && windows.length > 0

function Provider ({ usage }: { usage: ProviderUsage }) {
  const { provider, windows } = usage
  const shareOf = ({ left, limit }: typeof windows[number]) => (left ?? Infinity) / (limit ?? 1)
  const [scarcest] = windows.filter(({ left }) => left !== null).toSorted((a, b) => shareOf(a) - shareOf(b))
  return (
    <div className='provider-left'>
      <strong>{titleOf(provider)}</strong>
      {scarcest && <span className='hint'> {scarcest.left!.toLocaleString()} requests left in this {scarcest.per}</span>}
      <PlanFacts usage={usage} />
    </div>
  )
}
