import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { IdSchema } from '../schemas/control.ts'
import { problems } from '../schemas/problem.ts'
import { ToolListSchema, TrialRequestSchema, TrialSchema } from '../schemas/trials.ts'
import { estimateTokens } from '../tools/budget.ts'
import { actorOf } from './actor.ts'
import { signalOf } from './signal.ts'

const tags = ['connections']

/** Tools as an admin tries them out: over a connection's keys and settings, by the same gate, without a session. */
const routes: FastifyPluginAsyncTypebox = async app => {
  app.get('/api/connections/:id/tools', {
    schema: {
      summary: 'List the tools that can be called over a connection',
      tags,
      params: Type.Object({ id: IdSchema }),
      response: { 200: ToolListSchema, ...problems }
    }
  }, async ({ params: { id } }) => {
    await app.connections.settingsOf(id)
    return {
      tools: app.tools.list().map(({ inputSchema, outputSchema, ...tool }) => ({
        ...tool, input_schema: inputSchema, output_schema: outputSchema
      }))
    }
  })

  app.post('/api/connections/:id/tools/:name', {
    schema: {
      summary: 'Call a tool over a connection',
      description: 'The body holds the tool\'s arguments. The answer is what a REST client gets, with the text that an ' +
        'MCP client hands to its model beside it. The call is cached, counted and recorded as any other, in the admin\'s name.',
      tags,
      params: Type.Object({ id: IdSchema, name: Type.String({ maxLength: 100 }) }),
      body: TrialRequestSchema,
      response: { 200: TrialSchema, ...problems }
    }
  }, async (request, reply) => {
    const { params: { id, name }, body, log, ip } = request
    await app.connections.settingsOf(id)
    const startedAt = performance.now()
    const { actor } = actorOf(request)
    const principal = { kind: 'trial', session_id: null, connection_id: id, scope: {}, actor } as const
    const { structured, table = null, text } = await app.tools.call(name, body ?? {}, {
      principal, signal: signalOf(reply), log, requestId: request.id, ip, transport: 'trial'
    })
    app.tools.handOut(name, principal, text)
    return reply.preventCache().send({
      answer: structured,
      table,
      text,
      tokens_estimated: estimateTokens(text),
      latency_ms: Math.round(performance.now() - startedAt)
    })
  })
}

export default routes
