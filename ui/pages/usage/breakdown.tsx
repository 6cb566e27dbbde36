import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { Link } from 'wouter'
import { queries } from '../../api/queries.ts'
import type { Connection, Usage } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Empty } from '../../components/loading.tsx'
import { Table, type Column } from '../../components/table.tsx'
import { toCount, toShare, toShort, toTime } from './formats.ts'

type Figures = Usage['total']

/** Columns that every breakdown ends with. */
const FIGURES: Column<Figures>[] = [
  { title: 'Calls', align: 'right', cell: ({ calls }) => toCount(calls) },
  { title: 'Failed', align: 'right', cell: ({ failed }) => failed ? toCount(failed) : <span className='hint'>0</span> },
  { title: 'Cache', align: 'right', cell: ({ hit_ratio: ratio }) => toShare(ratio) },
  { title: 'Median', align: 'right', cell: ({ p50_ms: ms }) => toTime(ms) },
  { title: '95 %', align: 'right', cell: ({ p95_ms: ms }) => toTime(ms) },
  { title: 'Tokens', align: 'right', cell: ({ tokens_estimated: tokens }) => toShort(tokens) }
]

/** By tool, by session, and what failed. */
export function Breakdown ({ usage, connections }: { usage: Usage, connections: Connection[] }) {
  return (
    <>
      <section className='part'>
        <h2>By tool</h2>
        <Busiest rows={usage.by_tool} of='tools'>{rows => <ByTool rows={rows} connectionId={connections[0]?.id} />}</Busiest>
      </section>
      <section className='part'>
        <h2>By session</h2>
        <Busiest rows={usage.by_session} of='sessions'>{rows => <BySession rows={rows} />}</Busiest>
      </section>
      {usage.errors.length > 0 && <Errors errors={usage.errors} />}
    </>
  )
}

const SHOWN = 8

/** The busiest of many; all of them where that is asked for. */
function Busiest<Row> ({ rows, of, children }: { rows: Row[], of: string, children: (rows: Row[]) => ReactNode }) {
  const [all, setAll] = useState(false)
  return (
    <>
      {children(all ? rows : rows.slice(0, SHOWN))}
      {!all && rows.length > SHOWN && (
        <div><Button size='small' onClick={() => setAll(true)}>Show all {rows.length} {of}</Button></div>
      )}
    </>
  )
}

const NONE = <Empty title='No calls' />

/** Rows that are here already. */
const toQuery = <Row,>(rows: Row[]) => ({ data: rows }) as UseQueryResult<Row[]>

function ByTool ({ rows, connectionId = '' }: { rows: Usage['by_tool'], connectionId: string | undefined }) {
  const { data } = useQuery({ ...queries.tools(connectionId), enabled: connectionId !== '' })
  const isTool = (name: string) => data?.tools.some(tool => tool.name === name)
  return (
    <Table
      caption='Calls by tool' query={toQuery(rows)} rowKey={({ tool }) => tool} empty={NONE}
      columns={[
        { title: 'Tool', cell: ({ tool }) => isTool(tool) ? <Link href={`/playground/${tool}`} className='mono'>{tool}</Link> : <code>{tool}</code> },
        ...FIGURES
      ]}
    />
  )
}

type SessionRow = Usage['by_session'][number]

function BySession ({ rows }: { rows: SessionRow[] }) {
  return (
    <Table
      caption='Calls by session' query={toQuery(rows)} empty={NONE}
      rowKey={({ connection_id: connection, session_id: session }) => `${connection} ${session}`}
      columns={[
        { title: 'Session', cell: row => <Session row={row} /> },
        { title: 'Connection', cell: ({ connection_id: id, connection_name: name }) => name === null ? <span className='hint'>deleted</span> : <Link href={`/connections/${id}`} className='name'>{name}</Link> },
        ...FIGURES
      ]}
    />
  )
}

function Session ({ row: { session_id: id, session_name: name } }: { row: SessionRow }) {
  if (id === null) return <span className='hint'>admins, in the playground</span>
  return <Link href={`/sessions/${id}`} className='name'>{name ?? 'without a name'}</Link>
}

function Errors ({ errors }: { errors: Usage['errors'] }) {
  return (
    <Card title='What failed'>
      <ul className='errors'>
        {errors.map(({ code, calls }) => (
          <li key={code}><Badge tone={code === 'cancelled' ? 'neutral' : 'bad'}>{toCount(calls)}</Badge> <code>{code === 'cancelled' ? code : `FMS_${code}`}</code></li>
        ))}
      </ul>
    </Card>
  )
}
