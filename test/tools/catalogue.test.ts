import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { test } from 'tap'
import type { ToolListing } from '../../tools/listing.ts'
import { buildSample } from './sample-world.ts'

/** Rows of one of them stand side by side, not below each other: paging.test.ts walks those. */
const SERIES = new Set(['get_bars', 'get_indicators'])

interface Schema { required?: string[], properties: Record<string, { examples?: unknown[] }> }

/** Windows that have rows on whatever day the test runs: few companies report between the seasons. */
const WINDOWS: Record<string, object> = {
  get_earnings_calendar: { start: '2026-01-15', end: '2026-02-14' },
  get_economic_calendar: { start: '2026-01-05', end: '2026-02-13' }
}

/** The arguments of a tool's own examples: what it cannot do without. */
function argsOf ({ name, inputSchema }: ToolListing): Record<string, unknown> {
  const { required = [], properties } = inputSchema as Schema
  const examples = required.map(argument => [argument, properties[argument]!.examples![0]])
  return { ...Object.fromEntries(examples), ...WINDOWS[name] }
}

const isList = ({ name, inputSchema }: ToolListing) =>
  !SERIES.has(name) && ['cursor', 'fields', 'format', 'limit'].every(argument => argument in (inputSchema as Schema).properties)

/** The sample market for a session whose answers may be of any size; while it is open, it stands still for a test. */
async function buildCatalogue (t: Parameters<typeof buildSample>[0]) {
  const { app, open } = await buildSample(t, { CACHE_TTL: '600' })
  return { listings: app.tools.list(), ...await open({ answer_tokens: null }) }
}

/** An answer without what the time of asking decides. */
function timeless ({ data, meta: { cache, market: { now, ...market }, ...meta } }: any) {
  return { data, meta: { ...meta, market } }
}

test('every tool answers its own example, over REST and MCP alike, as its output schema says', async t => {
  const { listings, get, callTool } = await buildCatalogue(t)
  const validator = new AjvJsonSchemaValidator()
  for (const listing of listings) {
    const { name, outputSchema } = listing
    const { status, body } = await get(name, argsOf(listing))
    t.equal(status, 200, `${name}: ${body.detail}`)
    const check = validator.getValidator(outputSchema)
    t.equal(check(body).errorMessage, undefined, name)

    const { meta } = body
    t.match(meta, {
      tried: [],
      cache: { hit: false, age_seconds: 0 },
      market: { session: /^(pre|regular|post|closed)$/, next_open: /Z$/, now: /Z$/ }
    }, name)
    t.ok('provider' in meta && 'as_of' in meta, name)
    t.equal(meta.synthetic, meta.provider === 'sample' ? true : undefined, name)
    t.ok(meta.as_of === null || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(meta.as_of), `${name}: ${meta.as_of}`)

    const { content, structuredContent, isError } = await callTool(name, argsOf(listing))
    t.notOk(isError, name)
    t.equal(check(structuredContent).errorMessage, undefined, name)
    // What a session has used grows with every call.
    if (name !== 'get_usage') t.same(timeless(structuredContent), timeless(body), name)
    t.match(content, [{ type: 'text', text: /\nsource / }], name)
  }
})

test('a list has the same rows in every format, and its cells fit its output schema', async t => {
  const { listings, get } = await buildCatalogue(t)
  const validator = new AjvJsonSchemaValidator()
  for (const listing of listings.filter(isList)) {
    const { name, outputSchema } = listing
    const args = argsOf(listing)
    const check = validator.getValidator(outputSchema)
    const columnar = await get(name, { ...args, format: 'columnar' })
    const records = await get(name, { ...args, format: 'records' })
    const csv = await get(name, { ...args, format: 'csv' })
    for (const { body } of [columnar, records]) t.equal(check(body).errorMessage, undefined, name)
    const { columns } = columnar.body.data
    const names = Object.keys(columns)
    const rows = Object.values(records.body.data).find(Array.isArray) as Record<string, unknown>[]
    t.ok(rows.length > 0, `${name} has rows`)
    t.same(rows, rows.map((_, i) => Object.fromEntries(names.map(column => [column, columns[column][i]]))), name)
    t.equal(csv.text.split('\n')[0], names.join(','), name)
    t.equal(csv.text.trimEnd().split('\n').length, rows.length + 1, name)
    t.match(csv.meta, { provider: columnar.meta.provider, cache: { hit: true } }, `${name}: formats share what was fetched`)
  }
})

test('the pages of a list join without a gap or a repeat, whatever their size', async t => {
  const { listings, get } = await buildCatalogue(t)
  const MOST = 120
  for (const listing of listings.filter(isList)) {
    const { name } = listing
    /** Up to `MOST` rows as CSV lines, in pages of a size; every column, so that pages do not differ in them. */
    const walk = async (limit: number, fields: string) => {
      const rows: string[] = []
      let cursor: string | undefined
      do {
        const { text, meta } = await get(name, { ...argsOf(listing), format: 'csv', fields, limit, ...(cursor && { cursor }) })
        rows.push(...text.trimEnd().split('\n').slice(1))
        cursor = meta.next_cursor
      } while (cursor && rows.length < MOST)
      return rows.slice(0, MOST)
    }
    const { body: { suggestions } } = await get(name, { ...argsOf(listing), fields: 'no_such' })
    const { maximum } = (listing.inputSchema as any).properties.limit
    const whole = await walk(Math.min(maximum, MOST), suggestions)
    t.equal(new Set(whole).size, whole.length, `${name}: ${whole.length} rows, each once`)
    t.same(await walk(Math.max(2, Math.ceil(whole.length / 7)), suggestions), whole, name)
  }
})

test('fields choose columns; one that does not exist is refused with those that do', async t => {
  const { listings, get } = await buildCatalogue(t)
  for (const listing of listings.filter(({ inputSchema }) => 'fields' in (inputSchema as Schema).properties)) {
    const { name } = listing
    const { status, body } = await get(name, { ...argsOf(listing), fields: 'no_such' })
    t.equal(status, 400, name)
    t.match(body, { code: 'FMS_INVALID_INPUT', detail: /has no field "no_such"\. It has \w+/ }, name)
    if (!isList(listing)) continue
    const [first, last] = [body.suggestions[0], body.suggestions.at(-1)]
    const { text } = await get(name, { ...argsOf(listing), fields: [last, first], format: 'csv' })
    t.equal(text.split('\n')[0], `${first},${last}`, name)
  }
})

test('the catalogue costs a model no more than 6,000 tokens, and each description 45 words', async t => {
  const { listings } = await buildCatalogue(t)
  const shown = listings.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))
  const tokens = countTokens(JSON.stringify(shown))
  t.comment(`${tokens} tokens of ${shown.length} tools`)
  t.ok(tokens <= 6_000, `${tokens}`)
  for (const { name, description } of shown) {
    const words = description.split(/\s+/).length
    t.ok(words <= 45, `${name}: ${words} words`)
  }
  t.equal(new Set(shown.map(({ name }) => name)).size, 26)
})
