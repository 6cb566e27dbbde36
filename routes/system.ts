import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problems } from '../schemas/problem.ts'
import { SystemSchema } from '../schemas/system.ts'

/** The server itself. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/system', {
    schema: {
      summary: 'Read what the server runs on, and how that is',
      description: '`replica`, `cache.memory` and `audit` are of the process that answers.',
      tags: ['system'],
      response: { 200: SystemSchema, ...problems }
    }
  }, () => app.system.read())
}

export default routes
