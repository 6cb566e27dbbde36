import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { codeOf } from '../errors.ts'
import type { SessionPrincipal } from '../plugins/auth/index.ts'
import type { Caller } from '../plugins/tools/index.ts'
import { toCsv } from '../tools/format.ts'
import { signalOf } from './signal.ts'

/** Every tool over REST: `GET /api/tools/<name>` with the arguments in the query, lists comma-separated. */
const routes: FastifyPluginAsync = async app => {
  // The tools' own validator reads the arguments, for every transport alike: the schemas here describe.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)

  async function call (name: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const principal = request.principal as SessionPrincipal
    const send = (text: string) => {
      app.tools.handOut(name, principal, text)
      return reply.send(text)
    }
    const result = await app.tools.call(name, request.query, {
      principal,
      signal: signalOf(reply),
      log: request.log,
      requestId: request.id,
      ip: request.ip,
      client: clientOf(request),
      transport: 'rest'
    }).catch((error: unknown) => {
      // Its session ended while it ran.
      if (codeOf(error) === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer')
      throw error
    })
    reply.header('cache-control', 'no-store')
    const { format } = request.query as { format?: string }
    if (result.table && (format === 'csv' || wantsCsv(request))) {
      reply.header('fms-meta', encodeURI(JSON.stringify(result.structured.meta))).type('text/csv; charset=utf-8')
      return send(toCsv(result.table))
    }
    reply.type('application/json; charset=utf-8')
    return send(JSON.stringify(result.structured))
  }

  app.get('/api/tools', {
    schema: { summary: 'The catalogue of tools', tags: ['tools'], response: { 200: { type: 'object', additionalProperties: true } } }
  }, async ({ principal }) => ({
    tools: app.tools.list((principal as SessionPrincipal).scope).map(({ inputSchema, outputSchema, ...tool }) => ({
      ...tool,
      input_schema: inputSchema,
      output_schema: outputSchema
    }))
  }))

  for (const { name, title, description, inputSchema, outputSchema } of app.tools.list()) {
    app.get(`/api/tools/${name}`, {
      schema: {
        summary: title,
        description,
        tags: ['tools'],
        operationId: name,
        querystring: inputSchema,
        response: { 200: { description: 'The answer and its receipt', content: { 'application/json': { schema: outputSchema }, 'text/csv': { schema: { type: 'string' } } } } }
      }
    }, (request, reply) => call(name, request, reply))
  }

  app.get('/api/tools/:name', { schema: { hide: true } }, (request, reply) => call((request.params as { name: string }).name, request, reply))

  app.get('/api/whoami', {
    schema: { summary: 'The session of this token', tags: ['tools'], response: { 200: { type: 'object', additionalProperties: true } } }
  }, async request => {
    const principal = request.principal as SessionPrincipal
    return {
      session_id: principal.session_id,
      connection_id: principal.connection_id,
      name: principal.name,
      expires_at: principal.expires_at,
      scope: principal.scope
    }
  })
}

/** A REST client names itself in its user agent: `curl/8.5.0`, or a line of several products, which is taken whole. */
function clientOf ({ headers: { 'user-agent': agent } }: FastifyRequest): Caller['client'] {
  if (!agent) return undefined
  const [, name = agent, version = ''] = /^([^\s/]+)\/(\S+)$/.exec(agent) ?? []
  return { name: name.slice(0, 100), version: version.slice(0, 40) }
}

/** Whether CSV is preferred to JSON, as `Accept` has it. */
function wantsCsv ({ headers: { accept = '' } }: FastifyRequest): boolean {
  const quality = (type: string) => {
    const part = accept.split(',').map(text => text.trim()).find(text => text.split(';')[0] === type)
    return part ? Number(/;\s*q=([\d.]+)/.exec(part)?.[1] ?? 1) : 0
  }
  return quality('text/csv') > quality('application/json')
}

export default routes
