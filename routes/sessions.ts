import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { IdSchema } from '../schemas/control.ts'
import {
  ListedSessionSchema, NewSessionSchema, PatchedSessionSchema, RevokedSessionsSchema, RotationRequestSchema,
  SessionPatchSchema, SessionRequestSchema
} from '../schemas/sessions.ts'
import { problems } from '../schemas/problem.ts'
import { actorOf } from './actor.ts'

const tags = ['sessions']
const params = Type.Object({ id: IdSchema })

/** Sessions: what a client presents to use a connection. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.post('/api/connections/:id/session', {
    schema: {
      summary: 'Create a session',
      description: 'The answer holds `access_token`, which is shown this once.',
      tags,
      params,
      body: Type.Union([SessionRequestSchema, Type.Null()]),
      response: { 201: NewSessionSchema, ...problems }
    }
  }, async (request, reply) => {
    const session = await app.sessions.create(request.params.id, request.body ?? {}, actorOf(request))
    return reply.code(201).preventCache().send(session)
  })

  app.get('/api/connections/:id/sessions', {
    schema: {
      summary: 'List a connection\'s sessions',
      tags,
      params,
      response: { 200: Type.Array(ListedSessionSchema), ...problems }
    }
  }, async request => {
    const { id } = await app.connections.get(request.params.id)
    const [sessions, calls] = await Promise.all([app.sessions.list(id), app.usage.callsToday(id)])
    return sessions.map(session => ({ ...session, calls_today: calls.get(session.session_id) ?? 0 }))
  })

  app.get('/api/sessions/:id', {
    schema: {
      summary: 'Read a session',
      description: 'A client\'s first use, its name and its first call stand in it a moment after they came, later uses ' +
        'within a minute: ask again until `first_call_at` is set to wait for a client.',
      tags,
      params,
      response: { 200: ListedSessionSchema, ...problems }
    }
  }, async request => {
    const session = await app.sessions.get(request.params.id)
    const calls = await app.usage.callsToday(session.connection_id)
    return { ...session, calls_today: calls.get(session.session_id) ?? 0 }
  })

  app.patch('/api/sessions/:id', {
    schema: {
      summary: 'Change a session',
      description: 'What is left out stays; `scope` is replaced whole. Another scope comes with a new token: the answer ' +
        'holds `access_token`, which is shown this once, and the former one is refused from now on.',
      tags,
      params,
      body: SessionPatchSchema,
      response: { 200: PatchedSessionSchema, ...problems }
    }
  }, async (request, reply) => {
    const session = await app.sessions.update(request.params.id, request.body, actorOf(request))
    return reply.preventCache().send(session)
  })

  app.post('/api/sessions/:id/rotate', {
    schema: {
      summary: 'Give a session a new token',
      description: 'The answer holds `access_token`, which is shown this once. The former token is taken for ' +
        '`grace_seconds` beside it.',
      tags,
      params,
      body: Type.Union([RotationRequestSchema, Type.Null()]),
      response: { 200: NewSessionSchema, ...problems }
    }
  }, async (request, reply) => {
    const { grace_seconds: graceSeconds = 0 } = request.body ?? {}
    const session = await app.sessions.rotate(request.params.id, { graceSeconds }, actorOf(request))
    return reply.preventCache().send(session)
  })

  app.delete('/api/connections/:id/sessions', {
    config: { proof: true },
    schema: {
      summary: 'Revoke all sessions of a connection',
      tags,
      params,
      response: { 200: RevokedSessionsSchema, ...problems }
    }
  }, async request => {
    const { id } = await app.connections.get(request.params.id)
    return { revoked: await app.sessions.revokeAll(id, actorOf(request)) }
  })

  app.delete('/api/sessions', {
    config: { proof: true },
    schema: {
      summary: 'Revoke all sessions',
      description: 'Those of every connection.',
      tags,
      response: { 200: RevokedSessionsSchema, ...problems }
    }
  }, async request => ({ revoked: await app.sessions.revokeAll(undefined, actorOf(request)) }))

  app.delete('/api/sessions/:id', {
    schema: {
      summary: 'Revoke a session',
      description: 'Its token is refused from now on; its open streams and the calls under way end.',
      tags,
      params,
      response: { 204: Type.Null({ description: 'Revoked' }), ...problems }
    }
  }, async (request, reply) => {
    await app.sessions.revoke(request.params.id, actorOf(request))
    return reply.code(204).send(null)
  })
}

export default routes
