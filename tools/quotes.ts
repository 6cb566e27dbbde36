import { Type } from 'typebox'
import { QuoteSchema, ProviderNameSchema, type ProviderName, type Quote } from '../schemas/market.ts'
import { defineTool } from './define.ts'
import { ColumnarSchema, dropEmptyColumns, pickColumns, toColumnar, toRecords, toTable } from './format.ts'
import { quoteFreshness } from './freshness.ts'
import { CursorSchema, FieldsSchema, MaxAgeSchema, pinnable, SymbolsSchema, toInstruments } from './inputs.ts'
import { isComplete, receiptOfItems } from './receipt.ts'

const SourcedQuoteSchema = Type.Object({ ...QuoteSchema.properties, provider: ProviderNameSchema })
type SourcedQuote = Quote & { provider: ProviderName }

const COLUMNS = [...Object.keys(QuoteSchema.properties), 'provider']

export const getQuote = defineTool({
  name: 'get_quote',
  title: 'Latest quotes',
  description: 'Latest price, change, day range, volume, bid and ask of up to 50 symbols. Symbols that fail are named in meta.failed. ' +
    'For history use get_bars.',
  input: Type.Object({
    symbols: SymbolsSchema,
    cursor: CursorSchema,
    fields: FieldsSchema,
    format: Type.Enum(['records', 'columnar', 'csv'], { default: 'records' }),
    provider: pinnable('quote'),
    max_age_seconds: MaxAgeSchema
  }, { additionalProperties: false }),
  output: Type.Union([
    Type.Object({ quotes: Type.Array(Type.Partial(SourcedQuoteSchema)) }),
    ColumnarSchema,
    Type.Object({ format: Type.Literal('csv'), row_count: Type.Integer() })
  ]),
  ttl: ({ symbols }, _, now) => quoteFreshness(symbols, now),
  presentation: ['cursor', 'fields', 'format'],
  columns: () => COLUMNS,
  async fetch ({ symbols }, call) {
    const answer = await call.route.quotes({ instruments: toInstruments(symbols) }, call)
    const quotes = Object.values(answer.items).map(({ data, provider }) => inOrder({ ...data, provider }))
    return { data: quotes, meta: receiptOfItems(answer), cacheable: isComplete(answer) }
  },
  present (quotes, { format, fields }, { offset, limit }) {
    const page = quotes.slice(offset, offset + (limit || quotes.length))
    const whole = toTable(page, pickColumns(COLUMNS, fields))
    const table = fields ? whole : dropEmptyColumns(whole)
    const data = format === 'records' ? { quotes: toRecords(whole) } : format === 'columnar' ? toColumnar(table) : { format, row_count: table.rows.length }
    return { data, table, rows: { shown: page.length, fetched: quotes.length } }
  }
})

/** Every answer names its fields in the order of the schema, whoever made it. */
function inOrder (quote: SourcedQuote): SourcedQuote {
  return Object.fromEntries(COLUMNS.map(column => [column, quote[column as keyof SourcedQuote]])) as SourcedQuote
}
