import fc, { type Arbitrary } from 'fast-check'

/** As far as the tests read it. */
export interface JsonSchema {
  type?: string | string[]
  format?: string
  pattern?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  items?: JsonSchema | JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  patternProperties?: Record<string, JsonSchema>
  additionalProperties?: boolean | JsonSchema
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  examples?: unknown[]
}

/** An alternative that is taken so many times as often as one without a weight. */
export const often = <T>(weight: number, arbitrary: Arbitrary<T>) => ({ weight, arbitrary })

/** Texts that have broken servers. */
export const nastyText: Arbitrary<string> = fc.constantFrom(
  '', ' ', '\0', 'a\0b', '\ufeff', '\ud800', '\u202e', 'ﬀ', 'İ', '💥', '../../etc/passwd', '%00', '%', '\'', '\'; DROP TABLE audit_logs; --', '" OR 1=1', '<%= 7*7 %>',
  '{{7*7}}', '<script>alert(1)</script>', '=1+1', '-1', '0', '1e999', 'NaN', 'null', 'undefined', 'true', '[]', '{}', '__proto__', 'constructor', 'toString', 'hasOwnProperty',
  '9007199254740993', '00000000-0000-0000-0000-000000000000', '2026-02-30', '-271821-04-20', '+275760-09-13T00:00:00Z', '0000-00-00', '1970-01-01T00:00:00Z', 'a'.repeat(10_000),
  '\r\nSet-Cookie: a=b', 'Infinity', '٣', '१', 'AAPL', 'BTC/USD', 'AAPL,MSFT', 'AAPL,,', 'fmcp_st_', '/'.repeat(300)
)

/** Any JSON, with nasty texts and numbers in it. */
export const anyJson: Arbitrary<unknown> = fc.oneof(
  nastyText, fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    null, true, false, 0, -0, -1, 1e308, -1e308, 5e-324, 2 ** 53, -(2 ** 53), 2 ** 31, 0.1,
    [], {}, [[]], [null], { toString: 1 }, { length: 1e9 }, { then: 1 }
  )
)

/** What the schema describes, and now and then something just beside it. */
export function fromSchema (schema: JsonSchema): Arbitrary<unknown> {
  const one = schema.anyOf ?? schema.oneOf
  if (one?.length) return fc.oneof(...one.map(fromSchema))
  if (schema.allOf?.length) return fromSchema(Object.assign({}, ...schema.allOf) as JsonSchema)
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum?.length) return fc.constantFrom(...schema.enum)
  if (schema.examples?.length && schema.type !== 'object') return fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...schema.examples) }, typed({ ...schema, examples: [] }))
  return typed(schema)
}

function typed (schema: JsonSchema): Arbitrary<unknown> {
  const { minimum = -1e6, maximum = 1e6 } = schema
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'string': return text(schema)
    case 'integer': return fc.oneof(fc.integer({ min: Math.ceil(minimum), max: Math.floor(Math.max(minimum, maximum)) }), fc.constantFrom(minimum - 1, maximum + 1, minimum, maximum))
    case 'number': return fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(minimum, maximum))
    case 'boolean': return fc.boolean()
    case 'null': return fc.constant(null)
    case 'array': return list(schema)
    case 'object': return object(schema)
    default: return anyJson
  }
}

function text ({ format, pattern, minLength = 0, maxLength = 60 }: JsonSchema): Arbitrary<string> {
  if (format === 'uuid') return fc.uuid()
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map(date => date.toISOString())
  if (format === 'date') return fc.date({ noInvalidDate: true }).map(date => date.toISOString().slice(0, 10))
  const free = fc.string({ minLength: Math.min(minLength, 100), maxLength: Math.min(Math.max(minLength, maxLength), 100), unit: 'grapheme' })
  return fc.oneof({ weight: 3, arbitrary: matching(pattern) ?? free }, free, nastyText)
}

/** Undefined where there is no pattern, or one that cannot be turned round. */
function matching (pattern: string | undefined): Arbitrary<string> | undefined {
  try {
    return pattern === undefined ? undefined : fc.stringMatching(new RegExp(pattern))
  } catch {
    return undefined
  }
}

function list ({ items, minItems = 0, maxItems = 5 }: JsonSchema): Arbitrary<unknown[]> {
  const item = Array.isArray(items) ? items[0] : items
  const minLength = Math.min(minItems, 5)
  const maxLength = Math.max(Math.min(maxItems + 1, 6), minLength)
  return fc.array(item ? fromSchema(item) : anyJson, { minLength, maxLength })
}

function object (schema: JsonSchema): Arbitrary<object> {
  const { properties = {}, required = [], patternProperties, additionalProperties } = schema
  const entries = Object.entries(properties).map(([name, property]) => [name, fromSchema(property)] as const)
  const known = fc.record(Object.fromEntries(entries), { requiredKeys: required.filter(name => name in properties) })
  const rest = Object.values(patternProperties ?? {})[0] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
  if (!rest) return known
  return fc.tuple(known, fc.dictionary(fc.oneof(fc.stringMatching(/^[a-z_]{1,12}$/), nastyText), fromSchema(rest), { maxKeys: 4 })).map(([a, b]) => ({ ...a, ...b }))
}

/** The same JSON with up to three of its parts replaced, left out, doubled or wrapped. */
export function mutated (json: Arbitrary<unknown>): Arbitrary<unknown> {
  const change = fc.record({ at: fc.nat(), how: fc.constantFrom('replace', 'drop', 'add', 'wrap', 'null'), value: anyJson, name: fc.oneof(nastyText, fc.string({ maxLength: 8 })) })
  return fc.tuple(json, fc.array(change, { minLength: 1, maxLength: 3 })).map(([value, changes]) => {
    const holder = { root: structuredClone(value) as unknown }
    for (const { at, how, value: given, name } of changes) {
      const value: unknown = structuredClone(given)
      const places = placesOf(holder)
      const [parent, key] = places[at % places.length] ?? [holder as Parent, 'root']
      if (how === 'replace') parent[key] = value
      else if (how === 'null') parent[key] = null
      else if (how === 'wrap') parent[key] = [parent[key]]
      else if (how === 'add') define(parent[key], name, value)
      else if (Array.isArray(parent)) parent.splice(Number(key), 1)
      else delete parent[key]
    }
    return holder.root
  })
}

function define (target: unknown, name: string, value: unknown): void {
  if (typeof target === 'object' && target !== null) Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}

type Parent = Record<string, unknown>

function placesOf (value: unknown): [Parent, string][] {
  if (typeof value !== 'object' || value === null) return []
  const parent = value as Parent
  return Object.keys(parent).flatMap(key => [[parent, key] as [Parent, string], ...placesOf(parent[key])])
}
