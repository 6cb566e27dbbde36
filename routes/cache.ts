import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { clearCache, readCacheStats } from '../plugins/cache/admin.ts'
import { CacheDroppedSchema, CacheFilterSchema, CacheStatsSchema } from '../schemas/cache.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['cache']

/** The cache: what it holds and how often it was of use; and its clearing. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/cache', {
    schema: {
      summary: 'Read what the cache holds and how often it was of use',
      description: 'Calls and hits are those of the last 24 hours; `memory` is of the replica that answers.',
      tags,
      response: { 200: CacheStatsSchema, ...problems }
    }
  }, () => readCacheStats(app))

  app.delete('/api/cache', {
    schema: {
      summary: 'Clear the cache, or a part of it, on every replica',
      description: 'The filters hold together. `session` takes what the session has for itself, not what its connection shares.',
      tags,
      querystring: CacheFilterSchema,
      response: { 200: CacheDroppedSchema, ...problems }
    }
  }, async request => ({ dropped: await clearCache(app, request.query, actorOf(request)) }))
}

export default routes
