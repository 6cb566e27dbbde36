import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import {
  ApiKeySchema, CredentialStatusSchema, CredentialTestSchema, IdSchema, KeyPairSchema
} from '../schemas/control.ts'
import { ProviderNameSchema } from '../schemas/market.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'
import { signalOf } from './signal.ts'

const tags = ['connections']
const params = Type.Object({ id: IdSchema, provider: ProviderNameSchema })
const url = '/api/connections/:id/credentials/:provider'

/** Provider keys: written, tested and deleted, never read back. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.put(url, {
    // The fields depend on the provider, so the plugin names the fault: a union's own messages would not.
    attachValidation: true,
    schema: {
      summary: 'Store a provider key',
      description: 'Alpaca takes `key_id` and `secret_key`; Polygon, FMP and Finnhub take `api_key`. ' +
        'A key that stood before is replaced. It is sealed at once and never returned.',
      tags,
      params,
      body: Type.Union([ApiKeySchema, KeyPairSchema]),
      response: { 200: CredentialStatusSchema, ...problems }
    }
  }, request => {
    if (request.validationError && request.validationError.validationContext !== 'body') throw request.validationError
    const { id, provider } = request.params
    return app.connections.setCredential(id, provider, request.body, actorOf(request))
  })

  app.delete(url, {
    schema: {
      summary: 'Delete a provider key',
      tags,
      params,
      response: { 204: Type.Null({ description: 'Deleted' }), ...problems }
    }
  }, async (request, reply) => {
    await app.connections.deleteCredential(request.params.id, request.params.provider, actorOf(request))
    return reply.code(204).send(null)
  })

  app.post(`${url}/test`, {
    schema: {
      summary: 'Test a stored key',
      description: 'Asks the provider with its cheapest call. `status` is `ok`, or the code of the error.',
      tags,
      params,
      response: { 200: CredentialTestSchema, ...problems }
    }
  }, (request, reply) => {
    const { id, provider } = request.params
    return app.connections.testCredential(id, provider, actorOf(request), signalOf(reply))
  })
}

export default routes
