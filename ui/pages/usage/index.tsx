import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { queries } from '../../api/queries.ts'
import type { Connection, Usage, UsageQuery } from '../../api/types.ts'
import { Button } from '../../components/button.tsx'
import { Empty, Loaded, PageSkeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Breakdown } from './breakdown.tsx'
import { Charts } from './charts.tsx'
import { Filters } from './filters.tsx'
import { QuotaLeft } from './quota-left.tsx'
import { Totals } from './totals.tsx'
import { RANGES, useQuestion } from './use-question.ts'
import './usage.css'

/** Counts come out of batches that are written every five seconds. */
const ANEW_MS = 15_000

export default function UsagePage () {
  const [question, ask] = useQuestion()
  const connections = useQuery(queries.connections())
  return (
    <>
      <PageHeader
        title='Usage' lead='What was called, how fast it was answered, and what the providers have left.'
        actions={(
          <div role='group' aria-label='Time' className='buttons'>
            {RANGES.map(([range, title]) => (
              <Button key={range} aria-pressed={question.range === range} onClick={() => ask({ ...question, range })}>
                {title}
              </Button>
            ))}
          </div>
        )}
      />
      <Loaded query={connections} skeleton={<PageSkeleton />}>
        {connections => (
          <>
            <Filters connections={connections} question={question} onChange={ask} />
            <History question={question} connections={connections} />
          </>
        )}
      </Loaded>
    </>
  )
}

function History ({ question, connections }: { question: UsageQuery, connections: Connection[] }) {
  const query = useQuery({ ...queries.usage(question), refetchInterval: ANEW_MS, placeholderData: keepPreviousData })
  return (
    <Loaded query={query} skeleton={<PageSkeleton />}>
      {usage => (
        <div className={query.isPlaceholderData ? 'usage waiting' : 'usage'} aria-busy={query.isPlaceholderData || undefined}>
          {usage.total.calls === 0 ? <Nothing usage={usage} /> : <Figures usage={usage} connections={connections} />}
          <QuotaLeft connections={connections.filter(({ id }) => (question.connection_id ?? id) === id)} />
        </div>
      )}
    </Loaded>
  )
}

function Figures ({ usage, connections }: { usage: Usage, connections: Connection[] }) {
  return (
    <>
      <Totals usage={usage} />
      <Charts usage={usage} />
      <Breakdown usage={usage} connections={connections} />
    </>
  )
}

function Nothing ({ usage: { range } }: { usage: Usage }) {
  return (
    <Empty title={`No calls in the last ${range}`}>
      <p><Link href='/playground'>Call a tool</Link> to see one come, or look at a longer time, or at more of them.</p>
    </Empty>
  )
}
