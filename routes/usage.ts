import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problems } from '../schemas/problem.ts'
import { UsageHistorySchema, UsageQuerySchema } from '../schemas/usage-history.ts'

/** What was called, over time. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/usage', {
    schema: {
      summary: 'Read the calls of the last hour, day or week',
      description: 'By minute, by quarter of an hour or by hour, and in total by tool and by session; `range` is `day` ' +
        'where it is not given. The filters hold together. Calls at other replicas are in it about five seconds late.',
      tags: ['usage'],
      querystring: UsageQuerySchema,
      response: { 200: UsageHistorySchema, ...problems }
    }
  }, request => app.usage.history(request.query))
}

export default routes
