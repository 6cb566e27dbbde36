import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'

/** The OpenAPI document at /openapi.json and its pages at /docs, made from the routes' own schemas. */
export default fp<{ config: Config, version: string }>(async (app, { config, version }) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Financial MCP Server',
        version,
        description: 'Market data over your own provider keys: the tools of the MCP endpoint as REST, and the control plane.'
      },
      ...(config.publicUrl && { servers: [{ url: config.publicUrl }] }),
      tags: [
        { name: 'tools', description: 'Market data, with a session token' },
        { name: 'mcp', description: 'The endpoint of MCP clients' },
        { name: 'connections', description: 'Profiles that hold provider keys' },
        { name: 'sessions', description: 'Access tokens of clients' },
        { name: 'admin', description: 'Setup, logins, admins and admin tokens' },
        { name: 'audit', description: 'What happened' },
        { name: 'usage', description: 'What was called, and how it went' },
        { name: 'system', description: 'The server itself: its state, its keys, its backup' },
        { name: 'health', description: 'Probes' }
      ],
      components: {
        securitySchemes: {
          bearerAuth: { type: 'http', scheme: 'bearer', description: 'A session token: fmcp_st_…' },
          adminToken: { type: 'http', scheme: 'bearer', description: 'An admin token: fmcp_ad_…' },
          adminCookie: { type: 'apiKey', in: 'cookie', name: '__Host-fmcp', description: 'The cookie of POST /api/login' }
        }
      }
    }
  })
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'list', deepLinking: false, layout: 'BaseLayout' } })
  // Made once: it is the largest answer that anybody may ask for, and the bytes are shared by all who wait for them.
  let document: Buffer | undefined
  app.get('/openapi.json', { schema: { hide: true } }, async (_, reply) => {
    document ??= Buffer.from(JSON.stringify(app.swagger()))
    return reply.type('application/json; charset=utf-8').send(document)
  })
}, { name: 'openapi' })
