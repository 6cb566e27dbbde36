import createCompiler from '@fastify/fast-json-stringify-compiler'
import type { FastifySerializerCompiler } from 'fastify'

type Compile = ReturnType<ReturnType<typeof createCompiler>>

const made = new WeakMap<object, ReturnType<Compile>>()

/** Fastify's own serializers, made once for a schema: every route has the same two for its errors. */
export function serializerCompiler (): FastifySerializerCompiler<object> {
  const compile = createCompiler()({})
  return route => {
    const serialize = made.get(route.schema) ?? compile(route as Parameters<Compile>[0])
    made.set(route.schema, serialize)
    return serialize
  }
}
