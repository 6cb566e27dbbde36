import createCompiler from '@fastify/fast-json-stringify-compiler'
import type { FastifySerializerCompiler } from 'fastify'

/** Fastify's own serializers, made once for a schema: every route has the same two for its errors. */
export function serializerCompiler (): FastifySerializerCompiler<unknown> {
  const compile = createCompiler()({})
  const made = new Map<unknown, ReturnType<typeof compile>>()
  return route => {
    const serialize = made.get(route.schema) ?? compile(route as Parameters<typeof compile>[0])
    made.set(route.schema, serialize)
    return serialize
  }
}
