import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Config } from '../config.ts'

const ReadySchema = Type.Object({
  status: Type.Enum(['ok', 'degraded', 'down', 'draining']),
  dependencies: Type.Record(Type.String(), Type.Enum(['ok', 'down']))
})

/** How long verified sessions go on without the database, before the grace. */
const SESSION_MS = 30_000

/** Probes: public, and on any Host, since orchestrators call by address. */
const routes: FastifyPluginAsyncTypebox<{ config: Pick<Config, 'sessionGraceMs'> }> = async (app, { config }) => {
  app.get('/health/live', {
    config: { anyHost: true, unlimited: true },
    schema: { summary: 'Whether the process runs', tags: ['health'], response: { 200: Type.Object({ status: Type.Literal('ok') }) } }
  }, async () => ({ status: 'ok' as const }))

  app.get('/health/ready', {
    config: { anyHost: true, unlimited: true },
    schema: {
      summary: 'Whether calls can be served, and which dependency is down',
      description: '`degraded`: something is down, and sessions are served without it. `down`: they are not. `draining`: the server is stopping.',
      tags: ['health'],
      response: { 200: ReadySchema, 503: ReadySchema }
    }
  }, async (_, reply) => {
    const database = await app.dbHealth().then(() => 'ok' as const, () => 'down' as const)
    const dependencies = { ...app.health.read(), database }
    const isDown = app.dbState.downMs() > SESSION_MS + config.sessionGraceMs
    const isDegraded = Object.values(dependencies).includes('down')
    const status = app.health.isDraining() ? 'draining' : isDown ? 'down' : isDegraded ? 'degraded' : 'ok'
    const isReady = status === 'ok' || status === 'degraded'
    return reply.code(isReady ? 200 : 503).send({ status, dependencies })
  })
}

export default routes
