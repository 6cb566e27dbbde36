import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

const made = new WeakMap<TSchema, Validator>()

/** The validator of a schema, made once in a process: to make one takes longer than a thousand of its checks. */
export function compile (schema: TSchema): Validator {
  const validator = made.get(schema) ?? Compile(schema)
  made.set(schema, validator)
  return validator
}
