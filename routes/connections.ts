import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { listProviders, readEntitlements } from '../plugins/entitlement-matrix.ts'
import { ConnectionPatchSchema, ConnectionRequestSchema, ConnectionSchema, IdSchema } from '../schemas/control.ts'
import { EntitlementsSchema, ProviderInfoSchema } from '../schemas/entitlements.ts'
import { problems } from '../schemas/problem.ts'
import { ProviderUsageSchema } from '../schemas/usage.ts'
import { actorOf } from './actor.ts'

const tags = ['connections']
const params = Type.Object({ id: IdSchema })

/** Connections: profiles that hold provider keys and settings. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/connections', {
    schema: {
      summary: 'List the connections',
      tags,
      response: { 200: Type.Array(ConnectionSchema), ...problems }
    }
  }, () => app.connections.list())

  app.post('/api/connections', {
    schema: {
      summary: 'Create a connection',
      description: 'What `settings` leaves out stands at its default.',
      tags,
      body: ConnectionRequestSchema,
      response: { 201: ConnectionSchema, ...problems }
    }
  }, async (request, reply) => {
    const connection = await app.connections.create(request.body, actorOf(request))
    return reply.code(201).header('location', `/api/connections/${connection.id}`).send(connection)
  })

  app.get('/api/connections/:id', {
    schema: { summary: 'Read a connection', tags, params, response: { 200: ConnectionSchema, ...problems } }
  }, request => app.connections.get(request.params.id))

  app.get('/api/connections/:id/usage', {
    schema: {
      summary: 'Read what a connection has used, and what its keys are not for',
      description: 'What a key was refused for is remembered for six hours; testing the key, or storing it anew, forgets it.',
      tags,
      params,
      response: { 200: Type.Array(ProviderUsageSchema), ...problems }
    }
  }, async ({ params: { id } }) => {
    const { settings } = await app.connections.get(id)
    return app.usage.providersOf(id, settings)
  })

  app.get('/api/connections/:id/entitlements', {
    schema: {
      summary: 'Read what each provider answers over a connection, and what it was found not to',
      description: 'By capability and provider: whether the provider has it, whether there is a key, and what the key was ' +
        'refused for.',
      tags,
      params,
      response: { 200: EntitlementsSchema, ...problems }
    }
  }, request => readEntitlements(app, request.params.id))

  app.get('/api/providers', {
    schema: {
      summary: 'List the providers, what they answer, and where a key is to be had',
      tags,
      response: { 200: Type.Array(ProviderInfoSchema), ...problems }
    }
  }, async () => listProviders())

  app.patch('/api/connections/:id', {
    schema: {
      summary: 'Change a connection',
      description: 'Members of `settings` that are left out stay as they are; each one given is replaced whole.',
      tags,
      params,
      body: ConnectionPatchSchema,
      response: { 200: ConnectionSchema, ...problems }
    }
  }, request => app.connections.update(request.params.id, request.body, actorOf(request)))

  app.delete('/api/connections/:id', {
    config: { proof: true },
    schema: {
      summary: 'Delete a connection',
      description: 'Destroys its keys for good and ends its sessions.',
      tags,
      params,
      response: { 204: Type.Null({ description: 'Deleted' }), ...problems }
    }
  }, async (request, reply) => {
    await app.connections.delete(request.params.id, actorOf(request))
    return reply.code(204).send(null)
  })
}

export default routes
