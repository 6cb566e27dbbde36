import { Type } from 'typebox'
import { MetaSchema } from '../schemas/receipt.ts'
import type { Tool } from './define.ts'

/** A tool as clients see it. */
export interface ToolListing {
  name: string
  title: string
  description: string
  inputSchema: object
  outputSchema: object
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }
}

export function toListing ({ name, title, description, input, output }: Tool): ToolListing {
  return {
    name,
    title,
    description,
    inputSchema: toJsonSchema(input),
    outputSchema: toJsonSchema(Type.Object({ data: output, meta: MetaSchema })),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }
  }
}

interface PlainSchema {
  required?: string[]
  properties?: Record<string, { default?: unknown }>
}

/**
 * Plain JSON Schema for clients. A property with a default may be left out by the caller, so it is not required there;
 * the validator fills it in before it checks.
 */
function toJsonSchema (schema: object): object {
  const plain = JSON.parse(JSON.stringify(schema)) as PlainSchema
  const required = plain.required?.filter(name => plain.properties?.[name]?.default === undefined)
  if (required?.length) plain.required = required
  else delete plain.required
  return plain
}
