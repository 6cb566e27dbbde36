import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problems } from '../schemas/problem.ts'

/** What a Prometheus scrapes, with an admin token. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/metrics', {
    schema: {
      summary: 'Metrics in the text format of Prometheus',
      tags: ['health'],
      response: { 200: { description: 'Metrics', content: { 'text/plain': { schema: Type.String() } } }, ...problems }
    }
  }, async (_, reply) => reply.type(app.metrics.contentType).send(await app.metrics.read()))
}

export default routes
