import type { TSchema } from 'typebox'
import { problem } from '../errors.ts'
import { compile } from '../schemas/compile.ts'
import type { Tool } from './define.ts'

export type ArgumentReader = (raw: unknown) => Record<string, unknown>

/**
 * Makes the one validator of a tool's arguments, for every transport. It reads `"AAPL,MSFT"` as a list, `"5"` as a
 * number and `"true"` as a boolean where the schema wants one, fills in defaults and refuses everything else.
 */
export function createArgumentReader (
  { name: tool, input: schema, columns }: Pick<Tool, 'name' | 'input' | 'columns'>
): ArgumentReader {
  const validator = compile(schema)
  const names = Object.keys(schema.properties)
  return raw => {
    if (raw !== undefined && (typeof raw !== 'object' || raw === null || Array.isArray(raw))) {
      throw problem('INVALID_INPUT', `The arguments of ${tool} are an object with ${names.join(', ')}.`)
    }
    const given = Object.entries(raw ?? {}).filter(([, value]) => value !== undefined)
    const unknown = given.map(([name]) => name).filter(name => !names.includes(name))
    if (unknown.length) {
      throw problem('INVALID_INPUT', `${tool} has no argument ${unknown.map(name => `"${name.slice(0, 40)}"`).join(', ')}. It takes ${names.join(', ')}.`,
        { errors: unknown.map(name => ({ path: name.slice(0, 40), message: 'unknown argument' })), suggestions: names })
    }
    const coerced = given.map(([name, value]) => [name, coerce(value, schema.properties[name]!)])
    const args = validator.Default(Object.fromEntries(coerced)) as Record<string, unknown>
    if (validator.Check(args)) {
      assertFields(tool, args, columns?.(args))
      return args
    }
    const errors = validator.Errors(args).map(({ instancePath, message, params }) => ({
      path: instancePath.slice(1) || String((params as { requiredProperties?: string[] }).requiredProperties?.[0] ?? ''),
      message: 'allowedValues' in params ? `must be one of ${(params.allowedValues as unknown[]).join(', ')}` : message
    }))
    const sentences = [...new Set(errors.map(({ path, message }) => `${path} ${message}`.trim()))].slice(0, 3)
    throw problem('INVALID_INPUT', `${tool}: ${sentences.join('; ')}.`, { errors: errors.slice(0, 10) })
  }
}

/** @throws INVALID_INPUT where `fields` names a column that there is not */
function assertFields (tool: string, args: Record<string, unknown>, columns: readonly string[] = []): void {
  const unknown = [args['fields'] ?? []].flat().map(String).filter(field => !columns.includes(field))
  if (!unknown.length) return
  throw problem('INVALID_INPUT', `${tool} has no field ${unknown.map(field => `"${field.slice(0, 40)}"`).join(', ')}. It has ${columns.join(', ')}.`,
    { errors: unknown.map(field => ({ path: 'fields', message: `there is no "${field.slice(0, 40)}"` })), suggestions: [...columns] })
}

function coerce (value: unknown, schema: TSchema): unknown {
  if (typeof value !== 'string') return value
  const { type } = schema as { type?: string }
  // A comma inside brackets is of the part: `macd(12,26,9)`.
  if (type === 'array') return value.split(/,(?![^()]*\))/).map(part => part.trim()).filter(Boolean)
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(value)) return Number(value)
  if (type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true'
  return value
}
