import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { compile } from '../schemas/compile.ts'

/**
 * Reads a request as it is: an unknown member is refused and not dropped, and only what a URL carries as text becomes
 * a number or a boolean. (Fastify's own compiler drops and coerces, which empties a body that may have several shapes.)
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = compile(schema)
  return (given: unknown) => {
    const value = httpPart === 'body' ? given : Value.Convert(schema, given)
    if (validator.Check(value)) return { value }
    // An unknown member is told twice: as one that no schema allows, and by its name.
    return { error: validator.Errors(value).filter(({ keyword }) => keyword !== 'boolean').map(nameUnknown) }
  }
}

/** Says which members are too many. */
function nameUnknown<T extends { keyword: string, params: object, message: string }> (fault: T): T {
  if (fault.keyword !== 'additionalProperties' || !('additionalProperties' in fault.params)) return fault
  const names = [fault.params.additionalProperties].flat().slice(0, 5).map(name => String(name).slice(0, 40))
  return { ...fault, message: `must not have ${names.join(', ')}` }
}
