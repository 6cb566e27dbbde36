/** A tool's arguments as fields of a form: read out of its JSON schema, and checked as the server will. */

interface Property {
  type?: string
  enum?: (string | number)[]
  items?: Property
  default?: string | number | boolean
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  description?: string
  examples?: unknown[]
}

export type Kind = 'text' | 'day' | 'number' | 'choice' | 'choices' | 'flag' | 'list'

export interface Field {
  name: string
  label: string
  kind: Kind
  /** Nothing takes its place where it is left out. */
  isRequired: boolean
  /** Seldom needed: how the answer is shaped, and who is asked. */
  isMinor: boolean
  choices: string[]
  /** What the tool takes where it is left out. */
  usual: string | undefined
  example: string | undefined
  hint: string | undefined
  rule: Property
}

/** What the form holds, by field: lists with commas, `true` for a flag that is set. */
export type Values = Record<string, string>

const MINOR = new Set(['fields', 'format', 'provider', 'cursor', 'max_age_seconds'])
const DAYS = /^(start|end|date|expiration(_from|_to)?)$/
/** A comma inside brackets is of the part: `macd(12,26,9)`. */
const COMMA = /,(?![^()]*\))/

/** @param schema of a tool, with `properties` and `required` */
export function toFields (schema: Record<string, unknown>): Field[] {
  const properties = (schema['properties'] ?? {}) as Record<string, Property>
  const required = (schema['required'] ?? []) as string[]
  // Where an instant may be given too, a field for days would not take it.
  const takesInstants = Object.values(properties).some(({ description = '' }) => /instant/.test(description))
  return Object.entries(properties).map(([name, rule]) => {
    const kind = kindOf(name, rule, takesInstants)
    return {
      name,
      label: toLabel(name),
      kind,
      isRequired: required.includes(name) && rule.default === undefined,
      isMinor: MINOR.has(name),
      choices: (rule.enum ?? rule.items?.enum ?? []).map(String),
      usual: rule.default === undefined ? undefined : String(rule.default),
      example: toExample(rule),
      hint: toHint(kind, rule),
      rule
    }
  })
}

function kindOf (name: string, { type, enum: choices, items }: Property, takesInstants: boolean): Kind {
  if (choices) return 'choice'
  if (type === 'array') return items?.enum ? 'choices' : 'list'
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'boolean') return 'flag'
  return DAYS.test(name) && !takesInstants ? 'day' : 'text'
}

const ACRONYMS = /\b(ceo|cik|ipo|etf|eps|url|vwap|id)\b/g

/** A name of the wire in words: `max_age_seconds` as `Max age seconds`. */
export const toLabel = (name: string): string =>
  toSentence(name.replaceAll('_', ' ').replaceAll(ACRONYMS, acronym => acronym.toUpperCase()))

const toSentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1)

function toExample ({ examples: [example] = [] }: Property): string | undefined {
  return example === undefined ? undefined : [example].flat().join(', ')
}

function toHint (kind: Kind, { description, default: usual, minimum, maximum }: Property): string | undefined {
  const range = minimum !== undefined && maximum !== undefined
    ? `${minimum.toLocaleString()} to ${maximum.toLocaleString()}`
    : undefined
  const parts = [
    // The control shows days in the viewer's own way.
    kind === 'day' ? description?.replace(/^YYYY-MM-DD$/, '') : description,
    kind === 'list' && (description ? 'separated by commas' : 'Separated by commas'),
    range,
    kind === 'number' && usual !== undefined && `${Number(usual).toLocaleString()} where it is empty`
  ].filter(Boolean)
  return parts.length ? `${parts.join('; ')}.` : undefined
}

/** What a form starts with: an example where something is needed. */
export function toFirstValues (fields: readonly Field[]): Values {
  return Object.fromEntries(fields.flatMap(({ name, isRequired, example, choices }) =>
    isRequired ? [[name, example ?? choices[0] ?? '']] : []))
}

/** The arguments of a call. What is empty or usual is left out. */
export function toArguments (fields: readonly Field[], values: Values): Record<string, unknown> {
  const given = fields.map(field => [field, (values[field.name] ?? '').trim()] as const)
    .filter(([field, value]) => value !== '' && value !== field.usual)
  return Object.fromEntries(given.map(([field, value]) => [field.name, toArgument(field, value)]))
}

function toArgument ({ kind }: Field, value: string): unknown {
  if (kind === 'number') return Number(value)
  if (kind === 'flag') return value === 'true'
  return kind === 'list' || kind === 'choices' ? toParts(value) : value
}

const toParts = (value: string) => value.split(COMMA).map(part => part.trim()).filter(Boolean)

/** What is wrong with the values, by field. */
export function toFaults (fields: readonly Field[], values: Values): Record<string, string> {
  const faults = fields.flatMap(field => {
    const fault = faultOf(field, (values[field.name] ?? '').trim())
    return fault ? [[field.name, fault]] : []
  })
  return Object.fromEntries(faults)
}

function faultOf ({ kind, isRequired, rule }: Field, value: string): string | undefined {
  if (value === '') return isRequired ? 'It is needed.' : undefined
  if (kind === 'number') return faultOfNumber(rule, Number(value))
  if (kind === 'list' || kind === 'choices') return faultOfList(rule, toParts(value).length)
  const { minLength = 0, maxLength = Infinity, pattern } = rule
  if (value.length < minLength) return `It must have at least ${minLength} characters.`
  if (value.length > maxLength) return `It must have at most ${maxLength} characters.`
  const isWell = pattern === undefined || new RegExp(pattern, 'u').test(value)
  return isWell ? undefined : 'It must be written as in the example.'
}

function faultOfNumber (rule: Property, value: number): string | undefined {
  const { type, minimum = -Infinity, maximum = Infinity } = rule
  if (Number.isNaN(value)) return 'It must be a number.'
  if (type === 'integer' && !Number.isInteger(value)) return 'It must be a whole number.'
  if (value < minimum) return `It must be at least ${minimum.toLocaleString()}.`
  return value > maximum ? `It must be at most ${maximum.toLocaleString()}.` : undefined
}

function faultOfList ({ minItems = 0, maxItems = Infinity }: Property, length: number): string | undefined {
  if (length < minItems) return `It must name at least ${minItems}.`
  return length > maxItems ? `It must name at most ${maxItems}.` : undefined
}
