import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'

const ReadySchema = Type.Object({
  status: Type.Enum(['ok', 'down']),
  dependencies: Type.Record(Type.String(), Type.Enum(['ok', 'down']))
})

/** Probes: public, and on any Host, since orchestrators call by address. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/health/live', {
    config: { anyHost: true },
    schema: { summary: 'Whether the process runs', tags: ['health'], response: { 200: Type.Object({ status: Type.Literal('ok') }) } }
  }, async () => ({ status: 'ok' as const }))

  app.get('/health/ready', {
    config: { anyHost: true },
    schema: { summary: 'Whether calls can be served, and which dependency is down', tags: ['health'], response: { 200: ReadySchema, 503: ReadySchema } }
  }, async (_, reply) => {
    const database = await app.dbHealth().then(() => 'ok' as const, () => 'down' as const)
    return reply.code(database === 'ok' ? 200 : 503).send({ status: database, dependencies: { database } })
  })
}

export default routes
