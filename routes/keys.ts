import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problems } from '../schemas/problem.ts'
import { RewrapSchema } from '../schemas/system.ts'
import { actorOf } from './actor.ts'

const tags = ['system']
const url = '/api/keys/rewrap'

/** The keys that seal. New master keys are made in a shell, where the ring's file is. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get(url, {
    schema: {
      summary: 'Read how far the wrapping of keys is',
      description: 'Of the last run, wherever it was started: here, at another replica, or with `fmcp keys rewrap`.',
      tags,
      response: { 200: RewrapSchema, ...problems }
    }
  }, () => app.rewraps.read())

  app.post(url, {
    config: { proof: true },
    schema: {
      summary: 'Wrap every key by the primary master key',
      description: 'Begins, and answers at once; `GET` tells how far it is. No secret is opened, and nothing is refused ' +
        'meanwhile. After an interruption a new run does the rest.',
      tags,
      response: { 202: RewrapSchema, ...problems }
    }
  }, async (request, reply) => reply.code(202).send(await app.rewraps.start(actorOf(request))))
}

export default routes
