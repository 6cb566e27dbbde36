import { Type, type Static, type TObject, type TProperties } from 'typebox'
import type { MarketClock } from '../market/clock.ts'
import type { Capability } from '../providers/types.ts'
import type { Fetched, Presented, Table, Tool, ToolCall } from './define.ts'
import type { Freshness } from './freshness.ts'
import { ColumnarSchema, dropEmptyColumns, pickColumns, toColumnar, toRecords, toTable, type Format } from './format.ts'
import { CursorSchema, FieldsSchema, limitOf, MaxAgeSchema, pinnable } from './inputs.ts'
import { reachOf } from './page.ts'

/** Rows as fetched, with what is true of all of them. */
export interface Listed<T> { rows: readonly T[], header?: Record<string, unknown> }

export interface ListDefinition<P extends TProperties, T> {
  name: string
  title: string
  description: string
  /** Arguments beside `limit`, `cursor`, `fields`, `format`, `provider` and `max_age_seconds`. */
  input: P
  /** Whose `provider` can be pinned. */
  capability: Capability
  /** The name of the rows in the answer: `trades`. */
  key: string
  row: TObject
  /** What stands beside the rows. */
  header?: TProperties
  limit: { usual: number, most?: number }
  format?: Format
  /** The columns of this call's rows, where they depend on it. */
  columns?: (args: Static<TObject<P>>) => readonly string[]
  /** The columns where `fields` names none; absent: all. */
  lean?: readonly string[]
  /** Rows to fetch where so many are needed; absent: in the steps of `reachOf`. */
  reach?: (needed: number) => number
  untrusted?: readonly string[]
  ttl: (args: Static<TObject<P>>, clock: MarketClock, now: Date) => Freshness
  fetch: (args: Static<TObject<P>>, call: ToolCall) => Promise<Fetched<Listed<T>>>
  /** All rows in a few numbers. */
  summary?: (listed: Listed<T>) => Record<string, unknown>
}

/** States a tool that answers rows: paging, the choice of columns and the formats come with it. */
export function defineList<P extends TProperties, T extends object> (list: ListDefinition<P, T>): Tool {
  const { name, title, description, capability, key, row, header = {}, limit, format = 'columnar' } = list
  // The catalogue forgets what types its tools have; the validator sees to it that `args` are of them.
  const columnsOf = (list.columns ?? (() => Object.keys(row.properties))) as (args: object) => readonly string[]
  return {
    name,
    title,
    description,
    input: Type.Object({
      ...list.input,
      limit: limitOf(limit.most ?? 1000, limit.usual),
      cursor: CursorSchema,
      fields: FieldsSchema,
      format: Type.Enum(['columnar', 'records', 'csv'], { default: format }),
      provider: pinnable(capability),
      max_age_seconds: MaxAgeSchema
    }, { additionalProperties: false }),
    output: Type.Union([
      Type.Object({ ...header, ...ColumnarSchema.properties }),
      Type.Object({ ...header, [key]: Type.Array(Type.Partial(row)) }),
      Type.Object({ ...header, format: Type.Literal('csv'), row_count: Type.Integer() })
    ]),
    ttl: list.ttl as Tool['ttl'],
    presentation: ['limit', 'cursor', 'fields', 'format'],
    reach: list.reach ?? reachOf,
    columns: columnsOf,
    untrusted: list.untrusted ?? [],
    fetch: list.fetch as Tool['fetch'],
    present (listed: Listed<T>, args: { fields?: string[], format?: Format }, { offset, limit: most }): Presented {
      const { rows, header: shared = {} } = listed
      const { fields } = args
      const page = rows.slice(offset, offset + most)
      const columns = columnsOf(args)
      // What the header says of all rows is in no row, unless it is asked for.
      const usual = (list.lean ?? columns).filter(name => !(name in shared))
      const whole = toTable(page, fields ? pickColumns(columns, fields) : usual)
      const table = fields ? whole : dropEmptyColumns(whole)
      const { summary } = list
      return {
        data: { ...shared, ...toFormat(args.format ?? format, key, table) },
        table,
        caption: captionOf(title, shared) + (rows.length ? '' : ': no rows'),
        rows: { shown: page.length, fetched: rows.length },
        summary: () => ({ rows_fetched: rows.length, ...summary?.(listed) })
      }
    }
  }
}

/** The rows in one of the forms that an answer may have. */
function toFormat (format: Format, key: string, table: Table): object {
  if (format === 'columnar') return toColumnar(table)
  if (format === 'csv') return { format, row_count: table.rows.length }
  return { [key]: toRecords(table) }
}

function captionOf (title: string, header: Record<string, unknown>): string {
  const facts = Object.entries(header).filter(([, value]) => typeof value === 'string' || typeof value === 'number')
  return [title, ...facts.map(([name, value]) => `${name} ${value}`)].join(', ')
}
