import { Type } from 'typebox'
import type { Meta } from '../schemas/receipt.ts'
import type { Presented, Table } from './define.ts'

/** The columnar form: each name once, over the list of its values; the nth values of all columns are the nth row. */
export const ColumnarSchema = Type.Object({
  columns: Type.Record(Type.String(), Type.Array(
    Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Array(Type.String()), Type.Null()])
  ))
})

export const FORMATS = ['columnar', 'records', 'csv'] as const
export type Format = typeof FORMATS[number]

/** Characters of a text up to which it holds every row; above it shows the ends and says what is between. */
const SMALL_TEXT = 3_000

/** Rows of objects as a table; what an object lacks is null. */
export function toTable (rows: readonly object[], columns: readonly string[]): Table {
  const toCells = (row: object) => columns.map(column => (row as Record<string, unknown>)[column] ?? null)
  return { columns: [...columns], rows: rows.map(toCells) }
}

/** The table in columnar form. */
export function toColumnar ({ columns, rows }: Table): { columns: Record<string, unknown[]> } {
  return { columns: Object.fromEntries(columns.map((name, i) => [name, rows.map(row => row[i])])) }
}

/** The table as objects: each name in each row. */
export function toRecords ({ columns, rows }: Table): Record<string, unknown>[] {
  return rows.map(row => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
}

/** The table without its all-null columns; one without rows keeps them all. */
export function dropEmptyColumns ({ columns, rows }: Table): Table {
  if (!rows.length) return { columns, rows }
  const kept = columns.map((_, i) => i).filter(i => rows.some(row => row[i] !== null))
  return { columns: kept.map(i => columns[i]!), rows: rows.map(row => kept.map(i => row[i])) }
}

/** The columns that `fields` names, in the order of the columns; all of them where it names none. */
export function pickColumns (columns: readonly string[], fields: readonly string[] | undefined): string[] {
  return fields ? columns.filter(column => fields.includes(column)) : [...columns]
}

/** RFC 4180 with `\n`: a header, then a line a row; null is empty. */
export function toCsv ({ columns, rows }: Table): string {
  return [columns, ...rows].map(row => row.map(toField).join(',')).join('\n') + '\n'
}

function toField (value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = Array.isArray(value) ? value.join(' ') : typeof value === 'object' ? JSON.stringify(value) : String(value)
  // A leading = + - @ makes a spreadsheet run the cell: text gets an apostrophe, numbers stay as they are.
  const safe = typeof value === 'string' && /^[=+\-@\t]/.test(text) ? `'${text}` : text
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** The whole answer as text: the table as CSV, or the data as JSON, then the receipt in one line. */
export function toFullText ({ data, table, caption }: Presented, meta: Meta): string {
  const body = table ? toCsv(table) : `${JSON.stringify(data)}\n`
  return `${caption ? `${caption}\n` : ''}${body}${closing(meta).join('\n')}`
}

/** What follows the rows: the receipt, and what is missing. */
function closing (meta: Meta): string[] {
  const { summary, truncated } = meta
  return [receiptLine(meta), ...summary ? [`all rows: ${JSON.stringify(summary)}`] : [], ...truncated ? [truncated] : []]
}

/** The same text, cut where it is large: the structured content has the rest. */
export function toText ({ table, caption, data }: Presented, meta: Meta, fullText: string): string {
  if (fullText.length <= SMALL_TEXT) return fullText
  const body = table ? cutRows(toCsv(table).trimEnd().split('\n')) : [cutText(JSON.stringify(data))]
  return [...caption ? [caption] : [], ...body, ...closing(meta)].join('\n')
}

const HEAD_ROWS = 5
const TAIL_ROWS = 10

/** The two ends of many rows; of few long ones, the first that fit. */
function cutRows ([header = '', ...rows]: string[]): string[] {
  const between = (left: number) => `… ${left} rows are in the structured content; format=csv gives all of them as text`
  const left = rows.length - HEAD_ROWS - TAIL_ROWS
  const ends = left > 0
    ? [header, ...rows.slice(0, HEAD_ROWS), between(left), ...rows.slice(-TAIL_ROWS)]
    : [header, ...rows]
  if (ends.join('\n').length <= SMALL_TEXT) return ends
  let length = header.length
  const tooLong = rows.findIndex(row => (length += row.length + 1) > SMALL_TEXT)
  const fitting = Math.max(1, tooLong)
  return [header, ...rows.slice(0, fitting), ...fitting < rows.length ? [between(rows.length - fitting)] : []]
}

function cutText (text: string): string {
  if (text.length <= SMALL_TEXT) return text
  return `${text.slice(0, SMALL_TEXT).replace(/[\ud800-\udbff]$/, '')}… the rest is in the structured content`
}

function receiptLine (meta: Meta): string {
  const { provider, as_of: asOf, feed, delayed_by_seconds: delay, adjustment } = meta
  const { tried, failed, cache, market, synthetic, next_cursor: cursor } = meta
  return [
    `source ${provider ?? 'none'}${synthetic ? ' (made-up data)' : ''}`,
    asOf && `as of ${asOf}`,
    delay && `delayed ${delay} s`,
    feed && `feed ${feed}`,
    adjustment && `${adjustment} prices`,
    cache.stale !== undefined
      ? `STALE ${cache.age_seconds} s: ${cache.stale}`
      : cache.hit && `cached ${cache.age_seconds} s ago`,
    ...tried.map(({ provider, outcome }) => `${provider}: ${outcome}`),
    ...(failed ?? []).map(({ symbol, detail, code }) => `${symbol}: ${detail} (${code})`),
    `market ${market.session}, next open ${market.next_open}`,
    cursor && `next page: cursor ${cursor}`
  ].filter(Boolean).join('; ')
}
