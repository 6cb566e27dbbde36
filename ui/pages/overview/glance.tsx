import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { Note } from '../../components/note.tsx'
import type { Usage } from '../../api/types.ts'
import { systemQueries } from '../system/queries.ts'
import { Totals } from '../usage/totals.tsx'

/** What is down; nothing where all is well. */
export function Trouble () {
  const system = useQuery(systemQueries.system())
  const down = system.data?.dependencies.filter(({ state }) => state === 'down') ?? []
  if (down.length === 0) return null
  return (
    <Note tone='warn' title='Not all is well'>
      {down.map(({ name, message }) => <p key={name}>{message}</p>)}
      <p><Link href='/system'>More on the server</Link></p>
    </Note>
  )
}

/** The last day in six figures; nothing where nobody called. */
export function LastDay ({ usage }: { usage: Usage | undefined }) {
  if (!usage?.total.calls) return null
  return (
    <section className='last-day' aria-labelledby='last-day'>
      <header>
        <h2 id='last-day'>The last day</h2>
        <Link href='/usage'>More on usage</Link>
      </header>
      <Totals usage={usage} />
    </section>
  )
}
