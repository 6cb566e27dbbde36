/** The audit log as a file. */
import type { AuditFormat } from '../../schemas/audit.ts'
import type { ExportedEntry } from './event.ts'

const COLUMNS = [
  'seq', 'time', 'actor', 'action', 'target', 'outcome', 'connection_id', 'session_id', 'client_name', 'client_version',
  'ip', 'request_id', 'latency_ms', 'details', 'hash'
] as const satisfies (keyof ExportedEntry)[]

export const CONTENT_TYPES: Record<AuditFormat, string> = {
  ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8; header=present'
}

/** The text of the pages, one piece a page. */
export async function * toText (pages: AsyncIterable<ExportedEntry[]>, format: AuditFormat): AsyncGenerator<string> {
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`
  const toLine = format === 'csv' ? toCsv : toJson
  for await (const page of pages) yield page.map(toLine).join('')
}

const toJson = (entry: ExportedEntry) => `${JSON.stringify(entry)}\n`

const toCsv = (entry: ExportedEntry) => `${COLUMNS.map(column => toCell(entry[column])).join(',')}\r\n`

/** RFC 4180. A text that a spreadsheet would take for a formula gets a quote before it: clients name themselves. */
function toCell (value: ExportedEntry[typeof COLUMNS[number]]): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) || safe === '' ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Also behind blanks, and in the full-width forms that some spreadsheets read. */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/
