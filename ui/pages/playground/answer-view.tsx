import type { Meta } from '../../../schemas/receipt.ts'
import type { Connection, Tool } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Code } from '../../components/copy.tsx'
import { Note } from '../../components/note.tsx'
import { Tabs } from '../../components/tabs.tsx'
import type { Answered } from './call.ts'
import { ChartTab } from './chart/chart-tab.tsx'
import { toCharts } from './chart/charts.ts'
import { DataView } from './data-view.tsx'
import { Receipt } from './receipt.tsx'

export interface AnswerViewProps {
  tool: Tool
  connection: Connection
  answered: Answered
  pending: boolean
  onNext: (cursor: string) => void
}

/** One answer as table, chart, JSON and text, and where it came from. */
export function AnswerView ({ tool, connection, answered: { args, trial }, pending, onNext }: AnswerViewProps) {
  const { answer, table, text, tokens_estimated: tokens, latency_ms: ms } = trial
  const { data, meta } = answer as { data: unknown, meta: Meta }
  const charts = table ? toCharts(table) : []
  const cursor = meta.next_cursor
  return (
    <>
      <Card title='Answer' aside={<Facts meta={meta} ms={ms} rows={table?.rows.length} />}>
        {meta.truncated && <Note tone='warn'><p>{meta.truncated}</p></Note>}
        <Tabs
          key={charts.length ? 'chart' : 'plain'}
          label='The answer as'
          tabs={[
            { id: 'table', title: 'Table', content: <DataView table={table} data={data} caption={tool.title} /> },
            ...charts.length ? [{ id: 'chart', title: 'Chart', content: <ChartTab {...{ tool, connection, args, charts }} /> }] : [],
            { id: 'json', title: 'JSON', content: <Code text={JSON.stringify(answer, null, 2)} of='the answer as JSON' /> },
            {
              id: 'text',
              title: 'What the model sees',
              content: (
                <>
                  <p>
                    About <strong>{tokens.toLocaleString()} tokens</strong> of text. A client that passes the structured
                    content on gives its model the JSON as well.
                  </p>
                  <Code text={text} of='what the model sees' />
                </>
              )
            }
          ]}
        />
        {cursor && <Button pending={pending} onClick={() => onNext(cursor)}>Next rows</Button>}
      </Card>
      <Receipt meta={meta} />
    </>
  )
}

function Facts ({ meta: { cache, failed }, ms, rows }: { meta: Meta, ms: number, rows: number | undefined }) {
  return (
    <span className='badges' role='status'>
      {rows !== undefined && <Badge>{rows.toLocaleString()} row{rows === 1 ? '' : 's'}</Badge>}
      {cache.stale !== undefined && <Badge tone='warn'>stale</Badge>}
      <Badge tone={cache.hit ? 'info' : 'good'}>{cache.hit ? 'out of the cache' : 'fetched'}</Badge>
      {failed && failed.length > 0 && <Badge tone='warn'>{failed.length} failed</Badge>}
      <Badge>{ms.toLocaleString()} ms</Badge>
    </span>
  )
}
