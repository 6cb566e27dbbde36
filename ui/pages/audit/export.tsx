import { BASE } from '../../api/base.ts'
import { assertProved, follow } from '../../api/download.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { ErrorNote } from '../../components/note.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { writeFilter, type AuditFilter } from './filter.ts'

const FORMATS = { ndjson: 'NDJSON', csv: 'CSV' } as const

/** The events that fit, as a file that the browser loads. */
export function Export ({ filter }: { filter: AuditFilter }) {
  const save = useAction(async (format: keyof typeof FORMATS) => {
    await assertProved()
    follow(`${BASE}/api/audit/export?${writeFilter(filter)}&format=${format}`)
  })
  const isFiltered = Object.keys(filter).length > 0
  return (
    <Card title='Export'>
      <p className='hint'>
        {isFiltered ? 'The events that fit the filter' : 'All events'}, the oldest first, each with its hash. The export
        stands in the log itself.
      </p>
      <ErrorNote error={save.error} />
      <div className='buttons'>
        {Object.entries(FORMATS).map(([format, title]) => (
          <Button key={format} pending={save.pending} onClick={() => save.run(format as keyof typeof FORMATS)}>
            Export as {title}
          </Button>
        ))}
      </div>
    </Card>
  )
}
